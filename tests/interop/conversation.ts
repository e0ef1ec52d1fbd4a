// One conversation between a device of ours and one of the oracle over a bad network: bursts,
// drops, duplicates, delays, restarts, session resets, simultaneous beginnings, a side that is
// silent for long. Counts what happened; an error is whatever must not.

import type { Address, PreKeyBundle } from '@parley/crypto'
import { parseRatchetMessage } from '../../packages/crypto/src/messages.ts'
import { type Oracle, Refused } from './oracle-client.ts'
import { OracleParty, OurParty, type Party, type SealedMessage } from './parties.ts'
import type { Dice } from './random.ts'

const BURST_MAX = 5
const DROP = 0.05
const DUPLICATE = 0.03
const REORDER = 0.3
const RESTART = 0.1
const RESET = 0.004
/**
 * In turns. The official library keeps five receiving chains, so a message to it may be overtaken
 * by as many turns of the ratchet and no more; ours keeps 32.
 */
const DELAY_TO_ORACLE_MAX = 4
const DELAY_TO_OURS_MAX = 30
/** While one side is silent no chain turns, and only the skipped keys (2,000) bound the delay. */
const DELAY_IN_SILENCE_MAX = 300

export interface Plan {
  starts: 'ours' | 'theirs' | 'both'
  oneTime: boolean
  deliveries: number
  /** Messages of one side in a row, at half-way. */
  monologue: number
}

export interface Tally {
  deliveries: number
  errors: number
  dropped: number
  duplicatesRefused: number
  delayed: number
  restarts: number
  resets: number
  /** Epochs of the post-quantum ratchet that our side has begun to send in. */
  epochs: number
  recordBytesMax: number
}

export function emptyTally(): Tally {
  return {
    deliveries: 0,
    errors: 0,
    dropped: 0,
    duplicatesRefused: 0,
    delayed: 0,
    restarts: 0,
    resets: 0,
    epochs: 0,
    recordBytesMax: 0,
  }
}

interface Travelling {
  message: SealedMessage
  plaintext: Uint8Array
  dueTurn: number
  isCopy: boolean
}

interface Side {
  party: Party
  /** Has a session to send with. */
  canSend: boolean
  inbox: Travelling[]
  /** How long a message to this side may be under way. */
  delayMax: number
}

export class Conversation {
  readonly tally = emptyTally()
  readonly #plan: Plan
  readonly #dice: Dice
  readonly #report: (problem: string) => void
  readonly #ours: Side
  readonly #theirs: Side
  #turn = 0
  #epoch = 1

  private constructor(start: ConversationStart, theirs: OracleParty, ours: OurParty) {
    this.#plan = start.plan
    this.#dice = start.dice
    this.#report = start.report
    this.#ours = { party: ours, canSend: false, inbox: [], delayMax: DELAY_TO_OURS_MAX }
    this.#theirs = { party: theirs, canSend: false, inbox: [], delayMax: DELAY_TO_ORACLE_MAX }
  }

  static async start(start: ConversationStart): Promise<Conversation> {
    const { dice, oracle } = start
    const addresses = { ours: newAddress(dice), theirs: newAddress(dice) }
    const theirs = await OracleParty.start(addresses.theirs, addresses.ours, oracle)
    const ours = new OurParty(addresses.ours, addresses.theirs, dice.bytes)
    return new Conversation(start, theirs, ours)
  }

  async run(): Promise<Tally> {
    const { starts, deliveries, monologue } = this.#plan
    if (starts !== 'theirs') await this.#connect(this.#ours)
    if (starts !== 'ours') await this.#connect(this.#theirs)
    await this.#talkUntil(Math.floor((deliveries - monologue) / 2))
    await this.#speakAlone(this.#dice.chance(0.5) ? this.#ours : this.#theirs, monologue)
    await this.#talkUntil(deliveries)
    const { party } = this.#ours
    if (party instanceof OurParty) this.tally.recordBytesMax = party.recordBytesMax
    return this.tally
  }

  async #talkUntil(deliveries: number): Promise<void> {
    const turnsMax = this.#turn + 100 + 20 * deliveries
    while (this.tally.deliveries < deliveries && this.#turn < turnsMax) {
      this.#turn++
      const side = this.#dice.chance(0.5) ? this.#ours : this.#theirs
      if (side.canSend && this.#dice.chance(RESET)) await this.#reset(side)
      const { delayMax } = this.#other(side)
      if (side.canSend) await this.#speak(side, 1 + this.#dice.below(BURST_MAX), delayMax)
      await this.#deliverDue()
      await this.#maybeRestart()
    }
    await this.#drain()
    if (this.tally.deliveries < deliveries) throw new Error('the two never came to talk')
  }

  async #speakAlone(side: Side, messages: number): Promise<void> {
    for (let spoken = 0; spoken < messages; spoken++) {
      this.#turn++
      await this.#speak(side, 1, Math.min(DELAY_IN_SILENCE_MAX, messages))
      await this.#deliverDue()
      await this.#maybeRestart()
    }
    await this.#drain()
  }

  async #connect(side: Side): Promise<void> {
    const bundle: PreKeyBundle = await this.#other(side).party.publish(this.#plan.oneTime)
    await side.party.connect(bundle)
    side.canSend = true
  }

  async #reset(side: Side): Promise<void> {
    this.tally.resets++
    await this.#connect(side)
  }

  async #speak(side: Side, messages: number, delayMax: number): Promise<void> {
    const { inbox } = this.#other(side)
    for (let i = 0; i < messages; i++) {
      const plaintext = this.#dice.bytes(this.#dice.below(200))
      const message = await side.party.encrypt(plaintext)
      if (side === this.#ours) this.#noteEpoch(message)
      if (this.#dice.chance(DROP)) {
        this.tally.dropped++
        continue
      }
      const isDelayed = this.#dice.chance(REORDER)
      if (isDelayed) this.tally.delayed++
      const delay = isDelayed ? this.#dice.below(delayMax + 1) : 0
      inbox.push({ message, plaintext, dueTurn: this.#turn + delay, isCopy: false })
    }
  }

  async #deliverDue(): Promise<void> {
    for (const side of [this.#ours, this.#theirs]) {
      const due = side.inbox.filter(({ dueTurn }) => dueTurn <= this.#turn)
      side.inbox = side.inbox.filter(({ dueTurn }) => dueTurn > this.#turn)
      for (const travelling of due) await this.#deliver(side, travelling)
    }
  }

  /** Everything under way arrives, in any order. */
  async #drain(): Promise<void> {
    for (const side of [this.#ours, this.#theirs]) {
      while (side.inbox.length > 0) {
        const [travelling] = side.inbox.splice(this.#dice.below(side.inbox.length), 1)
        if (travelling) await this.#deliver(side, travelling)
      }
    }
  }

  async #deliver(side: Side, travelling: Travelling): Promise<void> {
    if (travelling.isCopy) return this.#deliverCopy(side, travelling)
    try {
      const plaintext = await side.party.decrypt(travelling.message)
      if (Buffer.compare(plaintext, travelling.plaintext) !== 0) this.#fail('another plaintext')
      this.tally.deliveries++
      side.canSend = true
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.#fail(`${this.#nameOf(side)} refused a genuine ${travelling.message.type}`, error)
    }
    if (!this.#dice.chance(DUPLICATE)) return
    const dueTurn = this.#turn + this.#dice.below(DELAY_TO_OURS_MAX)
    side.inbox.push({ ...travelling, dueTurn, isCopy: true })
  }

  async #deliverCopy(side: Side, { message }: Travelling): Promise<void> {
    try {
      await side.party.decrypt(message)
      this.#fail(`${this.#nameOf(side)} took a duplicate`)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.tally.duplicatesRefused++
    }
  }

  async #maybeRestart(): Promise<void> {
    if (!this.#dice.chance(RESTART)) return
    this.tally.restarts++
    await (this.#dice.chance(0.5) ? this.#ours : this.#theirs).party.restart()
  }

  /** The epoch follows the version byte of the post-quantum ratchet's message, as a varint. */
  #noteEpoch({ type, ciphertext }: SealedMessage): void {
    if (type === 'prekey') return
    const { pqRatchet } = parseRatchetMessage(ciphertext)
    const [, low = 0, high = 0] = pqRatchet
    const epoch = low < 128 ? low : (low & 127) | (high << 7)
    if (epoch > this.#epoch) this.tally.epochs += epoch - this.#epoch
    this.#epoch = epoch
  }

  #fail(problem: string, cause?: Error): void {
    this.tally.errors++
    this.#report(`turn ${this.#turn}: ${problem}${cause ? ` (${cause.message})` : ''}`)
  }

  #other(side: Side): Side {
    return side === this.#ours ? this.#theirs : this.#ours
  }

  #nameOf(side: Side): string {
    return side === this.#ours ? 'ours' : 'the oracle'
  }
}

export interface ConversationStart {
  plan: Plan
  dice: Dice
  oracle: Oracle
  report: (problem: string) => void
}

function newAddress(dice: Dice): Address {
  const hex = Buffer.from(dice.bytes(16)).toString('hex')
  const account = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { account, device: 1 + dice.below(127) }
}
