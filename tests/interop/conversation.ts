// One conversation between a device of ours and one of the oracle over a bad network, turn by turn:
// bursts, drops, duplicates, delays, restarts, new beginnings, a side that is silent for long.
// Counts what happened, and ends with a `Failure` at the first thing that must not.

import { equalBytes } from '@parley/crypto'
import { OracleLost, Refused } from './oracle-link.ts'
import { Dice } from './random.ts'
import { otherSide, type SideName, type Spoken, type Turn } from './schedule.ts'

export interface SealedMessage {
  type: 'prekey' | 'message' | 'group'
  ciphertext: Uint8Array
}

/** One device that talks to one other. What it refuses, it refuses with `Refused`. */
export interface Party {
  encrypt(plaintext: Uint8Array): Promise<SealedMessage>
  decrypt(message: SealedMessage): Promise<Uint8Array>
  /** Everything goes through bytes. */
  restart(): Promise<void>
}

/** The two sides, and how they come to keys. */
export interface Channel {
  parties: Record<SideName, Party>
  /** Whether who has received something can answer. */
  isMutual: boolean
  /** The side makes a new session or sender key; see `Turn.begin`. */
  begin(side: SideName, early: number): Promise<void>
}

/** What must not happen happened. */
export class Failure extends Error {}

export interface Tally {
  deliveries: number
  dropped: number
  duplicatesRefused: number
  delayed: number
  restarts: number
  /** New sessions or sender keys after the first. */
  beginnings: number
}

export function emptyTally(): Tally {
  return {
    deliveries: 0,
    dropped: 0,
    duplicatesRefused: 0,
    delayed: 0,
    restarts: 0,
    beginnings: 0,
  }
}

interface Travelling {
  message: SealedMessage
  plaintext: Uint8Array
  spoken: Spoken
  /** Turn, or message of a monologue. */
  due: number
  isCopy: boolean
}

interface Side {
  name: SideName
  party: Party
  /** Has a session to send with. */
  canSend: boolean
  inbox: Travelling[]
}

/** Stream of a seed for what neither schedule nor keys say. */
const CONTENT_STREAM = 1_000_000

export class Conversation {
  readonly tally = emptyTally()
  /** How much has arrived at each side. */
  readonly arrived: Record<SideName, number> = { ours: 0, theirs: 0 }
  /** As played so far. */
  readonly turns: Turn[] = []
  readonly #channel: Channel
  readonly #sides: Record<SideName, Side>
  readonly #dice: Dice

  private constructor(channel: Channel, seed: number) {
    const side = (name: SideName): Side => ({
      name,
      party: channel.parties[name],
      canSend: false,
      inbox: [],
    })
    this.#channel = channel
    this.#sides = { ours: side('ours'), theirs: side('theirs') }
    this.#dice = new Dice(seed, CONTENT_STREAM)
  }

  static async start(
    channel: Channel,
    { starts, seed }: { starts: SideName | 'both'; seed: number },
  ): Promise<Conversation> {
    const conversation = new Conversation(channel, seed)
    if (starts !== 'theirs') await conversation.#begin('ours', 0)
    if (starts !== 'ours') await conversation.#begin('theirs', 0)
    return conversation
  }

  async play(turn: Turn): Promise<void> {
    this.turns.push(turn)
    const side = this.#sides[turn.side]
    if (!side.canSend) return
    if (turn.begin) {
      this.tally.beginnings++
      await this.#begin(turn.side, turn.begin.early)
    }
    if (turn.monologue) await this.#speakAlone(side, turn.messages)
    else await this.#speak(side, turn.messages)
    await this.#deliverDue(this.turns.length)
  }

  /** Everything under way arrives, in any order. */
  async finish(): Promise<void> {
    for (const side of Object.values(this.#sides)) {
      while (side.inbox.length > 0) {
        const [travelling] = side.inbox.splice(this.#dice.below(side.inbox.length), 1)
        if (travelling) await this.#deliver(side, travelling)
      }
    }
  }

  async #begin(side: SideName, early: number): Promise<void> {
    await this.#guarded(`${side} could not begin`, () => this.#channel.begin(side, early))
    this.#sides[side].canSend = true
  }

  async #speak(side: Side, messages: readonly Spoken[]): Promise<void> {
    const { inbox } = this.#otherOf(side)
    for (const spoken of messages) {
      const travelling = await this.#seal(side, spoken)
      if (travelling) inbox.push({ ...travelling, due: this.turns.length + travelling.due })
      await this.#restart(spoken)
    }
  }

  async #speakAlone(side: Side, messages: readonly Spoken[]): Promise<void> {
    const listener = this.#otherOf(side)
    let underWay: Travelling[] = []
    for (const [at, spoken] of messages.entries()) {
      const travelling = await this.#seal(side, spoken)
      if (travelling) underWay.push({ ...travelling, due: at + travelling.due })
      for (const each of underWay.filter(({ due }) => due <= at)) {
        await this.#deliver(listener, each)
      }
      underWay = underWay.filter(({ due }) => due > at)
      await this.#restart(spoken)
    }
    for (const each of underWay) await this.#deliver(listener, each)
  }

  /** Nothing when the message gets lost. */
  async #seal({ party, name }: Side, spoken: Spoken): Promise<Travelling | undefined> {
    const plaintext = this.#dice.bytes(spoken.bytes)
    const message = await this.#guarded(`${name} could not encrypt`, () => party.encrypt(plaintext))
    if (spoken.delay === null) {
      this.tally.dropped++
      return undefined
    }
    if (spoken.delay > 0) this.tally.delayed++
    return { message, plaintext, spoken, due: spoken.delay, isCopy: false }
  }

  async #deliverDue(now: number): Promise<void> {
    for (const side of Object.values(this.#sides)) {
      const arrived = side.inbox.filter(({ due }) => due <= now)
      side.inbox = side.inbox.filter(({ due }) => due > now)
      for (const travelling of arrived) await this.#deliver(side, travelling)
    }
  }

  async #deliver(side: Side, travelling: Travelling): Promise<void> {
    if (travelling.isCopy) return this.#deliverCopy(side, travelling)
    const { message, spoken } = travelling
    const problem = `${side.name} could not open a genuine message (${message.type})`
    const plaintext = await this.#guarded(problem, () => side.party.decrypt(message))
    if (!equalBytes(plaintext, travelling.plaintext)) {
      throw this.#failure(`${side.name} opened another plaintext`)
    }
    this.tally.deliveries++
    this.arrived[side.name]++
    if (this.#channel.isMutual) side.canSend = true
    if (spoken.again === undefined) return
    side.inbox.push({ ...travelling, due: this.turns.length + spoken.again, isCopy: true })
  }

  async #deliverCopy({ party, name }: Side, { message }: Travelling): Promise<void> {
    const problem = `${name} took a duplicate`
    if (!(await this.#guarded(problem, () => refuses(party, message)))) throw this.#failure(problem)
    this.tally.duplicatesRefused++
  }

  async #restart({ restart }: Spoken): Promise<void> {
    if (restart === undefined) return
    this.tally.restarts++
    const { party } = this.#sides[restart]
    await this.#guarded(`${restart} could not restart`, () => party.restart())
  }

  async #guarded<T>(problem: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof OracleLost) throw error
      throw this.#failure(`${problem}: ${String(error)}`)
    }
  }

  #failure(problem: string): Failure {
    return new Failure(`turn ${this.turns.length}: ${problem}`)
  }

  #otherOf(side: Side): Side {
    return this.#sides[otherSide(side.name)]
  }
}

/** How a party refuses a message; nothing when it opens it. Throws what is no refusal. */
export async function refusalOf(party: Party, message: SealedMessage): Promise<string | undefined> {
  try {
    await party.decrypt(message)
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

export async function refuses(party: Party, message: SealedMessage): Promise<boolean> {
  return (await refusalOf(party, message)) !== undefined
}
