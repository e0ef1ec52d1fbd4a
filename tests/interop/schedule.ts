// What happens in a conversation, as data: a list of turns made from the seed, apart from all key
// material. So a failure can be cut down to the few turns that it needs, kept in a file, and
// played again.

import type { Dice } from './random.ts'

export type SideName = 'ours' | 'theirs'

export interface Spoken {
  /** Length of the plaintext. */
  bytes: number
  /** How long it is under way, in turns (in messages of a monologue). `null`: it is lost. */
  delay: number | null
  /** Turns after its arrival at which it arrives once more. */
  again?: number
  /** Who is restarted after it was sent. */
  restart?: SideName
}

export interface Turn {
  side: SideName
  /**
   * It first makes a new session, or a new sender key. `early`: group messages sealed before the
   * key is handed over, which the other side can never open.
   */
  begin?: { early: number }
  /** All its messages arrive before the turn ends. */
  monologue?: boolean
  messages: Spoken[]
}

/** `pair`: two devices with sessions. `group`: two members of a group with sender keys. */
export type Kind = 'pair' | 'group'

export interface Schedule {
  kind: Kind
  starts: SideName | 'both'
  /** Whether bundles hold a one-time prekey. */
  oneTime: boolean
  /** Seed and stream of our side's key material. */
  seed: number
  stream: number
  turns: Turn[]
}

/** What a kind of conversation can bear. */
export interface Traits {
  burstMax: number
  begin: number
  /** Sides that begin anew. */
  beginners: readonly SideName[]
  earlyMax: number
  /** How long a message to each side may be under way, in turns. */
  delayMax: Record<SideName, number>
}

const DROP = 0.05
const DUPLICATE = 0.03
const REORDER = 0.3
const RESTART = 0.1
const PLAINTEXT_BYTES_MAX = 200
const AGAIN_TURNS_MAX = 30
/** While one side is silent no chain turns, and only the skipped keys (2,000) bound the delay. */
const MONOLOGUE_DELAY_MAX = 300

/**
 * The official library keeps five receiving chains, so a message to it may be overtaken by as many
 * turns of the ratchet and no more; ours keeps 32.
 */
export const PAIR: Traits = {
  burstMax: 5,
  begin: 0.004,
  beginners: ['ours', 'theirs'],
  earlyMax: 0,
  delayMax: { ours: 30, theirs: 4 },
}

/** Both keep five chains of a sender, and each turn may begin one. */
export const GROUP: Traits = {
  burstMax: 12,
  begin: 0.2,
  beginners: ['ours', 'theirs'],
  earlyMax: 4,
  delayMax: { ours: 4, theirs: 4 },
}

export function makeTurn(traits: Traits, dice: Dice): Turn {
  const side = dice.chance(0.5) ? 'ours' : 'theirs'
  const begins = dice.chance(traits.begin) && traits.beginners.includes(side)
  const early = dice.below(traits.earlyMax + 1)
  const delayMax = traits.delayMax[otherSide(side)]
  const length = 1 + dice.below(traits.burstMax)
  const messages = Array.from({ length }, () => makeSpoken(delayMax, dice))
  if (dice.chance(RESTART)) {
    const [last] = messages.slice(-1)
    if (last) last.restart = dice.chance(0.5) ? 'ours' : 'theirs'
  }
  return begins ? { side, begin: { early }, messages } : { side, messages }
}

/** One side speaks and the other is silent; a message may be overtaken by hundreds. */
export function makeMonologue(length: number, dice: Dice): Turn {
  const side = dice.chance(0.5) ? 'ours' : 'theirs'
  const delayMax = Math.min(MONOLOGUE_DELAY_MAX, length)
  const messages = Array.from({ length }, () => {
    const spoken = makeSpoken(delayMax, dice)
    if (dice.chance(RESTART)) spoken.restart = dice.chance(0.5) ? 'ours' : 'theirs'
    return spoken
  })
  return { side, monologue: true, messages }
}

function makeSpoken(delayMax: number, dice: Dice): Spoken {
  const bytes = dice.below(PLAINTEXT_BYTES_MAX)
  if (dice.chance(DROP)) return { bytes, delay: null }
  const delay = dice.chance(REORDER) ? dice.below(delayMax + 1) : 0
  if (!dice.chance(DUPLICATE)) return { bytes, delay }
  return { bytes, delay, again: dice.below(AGAIN_TURNS_MAX) }
}

export function otherSide(side: SideName): SideName {
  return side === 'ours' ? 'theirs' : 'ours'
}
