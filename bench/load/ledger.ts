/**
 * The book of a run: every message that was sent, and what became of it. What is missing, doubled,
 * out of order or at the wrong user makes the run void.
 */
import { messageNumberMax } from './protocol.ts'
import type { LoadEvents, LoadSession, SeenMessage } from './protocol.ts'

/** What makes a run void, and how often it happened. */
export interface Faults {
  /** Sent, and did not arrive until the end of the run. */
  missing: number
  /** Arrived, but no receipt came back; only where receipts are sent. */
  unconfirmed: number
  /** Sent, and never said to be taken; only where the sender is told. */
  unaccepted: number
  /** Arrived, confirmed or accepted more than once. */
  doubled: number
  /** Arrived while an earlier one of the same sender to the same receiver had not. */
  outOfOrder: number
  /** Arrived, confirmed or accepted at another user than it was for, or in another's name. */
  wrongUser: number
  /** Nobody sent it, or confirmed before it arrived. */
  invented: number
  /** What the session itself says: refused, damaged, not asked for. */
  wrong: number
  /** Connections that the server closed. */
  closed: number
}

export interface LedgerOptions {
  /** The receiver answers each message with a receipt. */
  expectsConfirmed: boolean
  /** The sender is told of each message that was taken. */
  expectsAccepted: boolean
}

type Counted = Exclude<keyof Faults, 'missing' | 'unconfirmed' | 'unaccepted'>

/** Bits of a message's state. */
const [arrived, confirmed, accepted] = [1, 2, 4]
const none = -1
/** So many reasons of `wrong` and `closed` are kept to be shown. */
const reasonsMax = 5

export class Ledger {
  sent = 0
  arrived = 0
  confirmed = 0
  accepted = 0
  readonly reasons: string[] = []
  readonly #options: LedgerOptions
  readonly #counted: Record<Counted, number> = {
    doubled: 0,
    outOfOrder: 0,
    wrongUser: 0,
    invented: 0,
    wrong: 0,
    closed: 0,
  }
  #isForgiven = false
  #capacity = 1 << 16
  #from = new Int32Array(this.#capacity)
  #to = new Int32Array(this.#capacity)
  /** The number before, of the same sender to the same receiver. */
  #before = new Int32Array(this.#capacity)
  #state = new Uint8Array(this.#capacity)
  #sentAtMs = new Float64Array(this.#capacity)
  /** Newest number by sender and receiver. */
  readonly #newest = new Map<number, number>()

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** Notes a message that is about to be sent; returns its number. */
  send(from: number, to: number): number {
    const number = this.sent++
    if (number > messageNumberMax) throw new Error('a run has no more message numbers')
    if (number === this.#capacity) this.#grow()
    const pair = from * pairFactor + to
    this.#from[number] = from
    this.#to[number] = to
    this.#before[number] = this.#newest.get(pair) ?? none
    this.#newest.set(pair, number)
    this.#sentAtMs[number] = performance.now()
    return number
  }

  /** Milliseconds since it was sent. */
  ageMs(number: number): number {
    return performance.now() - (this.#sentAtMs[number] ?? 0)
  }

  /** Returns whether it counts: the first time, at the right user. */
  arrive(at: number, { number, from }: SeenMessage): boolean {
    if (number >= this.sent) return this.#count('invented')
    if (this.#to[number] !== at || this.#from[number] !== from) return this.#count('wrongUser')
    if (!this.#mark(number, arrived)) return false
    const before = this.#before[number] ?? none
    if (before !== none && !this.#has(before, arrived)) this.#count('outOfOrder')
    this.arrived++
    return true
  }

  confirm(at: number, number: number): boolean {
    if (!this.#has(number, arrived)) return this.#count('invented')
    if (this.#from[number] !== at) return this.#count('wrongUser')
    if (!this.#mark(number, confirmed)) return false
    this.confirmed++
    return true
  }

  accept(at: number, number: number): boolean {
    if (number >= this.sent) return this.#count('invented')
    if (this.#from[number] !== at) return this.#count('wrongUser')
    if (!this.#mark(number, accepted)) return false
    this.accepted++
    return true
  }

  reason(kind: 'wrong' | 'closed', reason: string): void {
    this.#count(kind)
    if (this.reasons.length < reasonsMax) this.reasons.push(reason)
  }

  /** Nothing is on its way any more. */
  get settled(): boolean {
    return this.#missing === 0 && this.#unconfirmed === 0 && this.#unaccepted === 0
  }

  get #missing(): number {
    return this.sent - this.arrived
  }

  /** A run that was stopped did not wait: what is missing then is no fault. */
  forgiveUnsettled(): void {
    this.#isForgiven = true
  }

  get faults(): Faults {
    const unsettled = { missing: 0, unconfirmed: 0, unaccepted: 0 }
    if (!this.#isForgiven) {
      unsettled.missing = this.#missing
      unsettled.unconfirmed = this.#unconfirmed
      unsettled.unaccepted = this.#unaccepted
    }
    return { ...unsettled, ...this.#counted }
  }

  get errors(): number {
    return Object.values(this.faults).reduce((sum, count) => sum + count, 0)
  }

  get #unconfirmed(): number {
    return this.#options.expectsConfirmed ? this.arrived - this.confirmed : 0
  }

  get #unaccepted(): number {
    return this.#options.expectsAccepted ? this.sent - this.accepted : 0
  }

  #has(number: number, bit: number): boolean {
    return ((this.#state[number] ?? 0) & bit) !== 0
  }

  /** False, and counted as doubled, when it was there already. */
  #mark(number: number, bit: number): boolean {
    if (this.#has(number, bit)) return this.#count('doubled')
    this.#state[number] = (this.#state[number] ?? 0) | bit
    return true
  }

  #count(kind: Counted): false {
    this.#counted[kind]++
    return false
  }

  #grow(): void {
    this.#capacity *= 2
    this.#from = larger(this.#from, new Int32Array(this.#capacity))
    this.#to = larger(this.#to, new Int32Array(this.#capacity))
    this.#before = larger(this.#before, new Int32Array(this.#capacity))
    this.#state = larger(this.#state, new Uint8Array(this.#capacity))
    this.#sentAtMs = larger(this.#sentAtMs, new Float64Array(this.#capacity))
  }
}

/** More than any run has users. */
const pairFactor = 1 << 24

function larger<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from)
  return into
}

/** What a scenario does with news that passed the ledger. */
export interface CheckedEvents {
  arrived(session: LoadSession, message: SeenMessage): void
  confirmed(session: LoadSession, number: number): void
  accepted(session: LoadSession, number: number): void
}

/** Puts the ledger between the sessions and the scenario: only what counts is handed on. */
export function checked(ledger: Ledger, events: Partial<CheckedEvents>): LoadEvents {
  return {
    message(session, message) {
      if (ledger.arrive(session.user, message)) events.arrived?.(session, message)
    },
    confirmed(session, number) {
      if (ledger.confirm(session.user, number)) events.confirmed?.(session, number)
    },
    accepted(session, number) {
      if (ledger.accept(session.user, number)) events.accepted?.(session, number)
    },
    wrong: (_, reason) => ledger.reason('wrong', reason),
    closed: (_, reason) => ledger.reason('closed', reason),
    chunkRead: (session) => session.flush(),
  }
}
