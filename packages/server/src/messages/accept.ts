/**
 * Hop 3: decides over the sends of one connection. Repeat? Refused before it? Size, stamp and
 * device list; then the log. A sender hears Accepted only after its entry is durable, cumulatively
 * for each log (docs/spec/wire.md, W10-W19).
 */
import {
  accountOfInbox,
  encodeEntryBody,
  entryBytesMax,
  inboxOf,
  positionAt,
  positionTimeMs,
  stampAheadMs,
  unacceptedSendsMax,
} from '@parley/wire'
import type { AccountId, DeviceId, LogId, RejectReason, Send, SignedDeviceList } from '@parley/wire'
import type { CurrentDevices, DeviceDirectory, Identity } from '../accounts/ports.ts'
import type { Log } from '../backends/log/log.ts'
import { ApiError } from '../api-error.ts'
import type { Clock } from '../clock.ts'
import type { Limits } from '../limits.ts'

export interface AcceptDeps {
  log: Log
  directory: DeviceDirectory
  rates: Limits
  clock: Clock
  /** The newest position that this gateway has seen in any log. */
  newestPosition(): number
  /** There is one like this, or a newer one. */
  seen(position: number): void
  onAccepted(waitedMs: number): void
  onRejected(reason: RejectReason): void
}

/** How the answers go back to the device. */
export interface SendAnswers {
  accepted(log: LogId, upTo: number): void
  rejected(refusal: Refusal): void
}

export interface Refusal {
  log: LogId
  sequence: number
  reason: RejectReason
  deviceLists: readonly SignedDeviceList[]
  retryAfterMs: number
}

type Details = Partial<Pick<Refusal, 'deviceLists' | 'retryAfterMs'>>

interface SendState {
  log: LogId
  /** Durable up to here. */
  stored: number
  /** Given to the log up to here. */
  handedIn: number
  /** What has to come again before anything behind it is taken. */
  refused: number | undefined
  /** Handed in and not answered. */
  waiting: number
  /** An Accepted is due. */
  due: boolean
}

const logsPerConnectionMax = 1_024
const retryAfterMs = 1_000
/** What an Entry frame holds beside the ciphertext, with room to spare. */
const entryOverheadBytes = 1_024

/** The refusals that the client mends by sending the same number again. */
const mendable: ReadonlySet<RejectReason> = new Set([
  'devices-changed',
  'stamp-ahead',
  'too-fast',
  'unavailable',
])

/**
 * The sends of one connection. Calls of `accept` must not overlap: order within the connection is
 * the caller's.
 */
export class Sends {
  readonly #deps: AcceptDeps
  readonly #identity: Identity
  readonly #answers: SendAnswers
  readonly #logs = new Map<LogId, SendState>()
  #due: SendState[] = []
  #waiting = 0
  #idle: (() => void) | undefined

  constructor(deps: AcceptDeps, identity: Identity, answers: SendAnswers) {
    this.#deps = deps
    this.#identity = identity
    this.#answers = answers
  }

  /** `throttledMs` above 0: the connection sends too fast. */
  async accept(send: Send, throttledMs: number): Promise<void> {
    let state = this.#logs.get(send.log)
    if (!state) {
      try {
        state = await this.#open(send.log)
      } catch {
        return this.#answerRefusal(send, 'unavailable', { retryAfterMs })
      }
    }
    if (send.sequence <= state.stored) return this.#acceptedSoon(state)
    if (state.refused !== undefined && send.sequence > state.refused) {
      return this.#answerRefusal(send, 'out-of-order', {})
    }
    // It is on its way already, and its answer too.
    if (send.sequence <= state.handedIn) return
    if (throttledMs > 0) return this.#refuse(state, send, 'too-fast', { retryAfterMs: throttledMs })
    if (this.#waiting >= unacceptedSendsMax) {
      return this.#refuse(state, send, 'too-fast', { retryAfterMs })
    }
    if (isTooLarge(send)) return this.#refuse(state, send, 'too-large', {})
    if (this.#isAhead(send.stamp) && (await this.#isAheadOfHeads(send))) {
      return this.#refuse(state, send, 'stamp-ahead', {})
    }
    const waitMs = this.#countedWaitMs(state, send)
    if (waitMs > 0) return this.#refuse(state, send, 'too-fast', { retryAfterMs: waitMs })
    await this.#checkDevices(state, send)
  }

  /** S10: new conversations and bytes count for the account; 0 when it may send. */
  #countedWaitMs(state: SendState, { log, envelopes }: Send): number {
    const { account } = this.#identity
    let bytes = 1_024
    for (const { ciphertext } of envelopes) bytes += ciphertext.length
    try {
      const isNew = state.handedIn === 0 && accountOfInbox(log) !== account
      if (isNew) this.#deps.rates.take('newConversationsPerAccount', account)
      this.#deps.rates.take('sentKibPerAccount', account, Math.ceil(bytes / 1_024))
      return 0
    } catch (error) {
      if (error instanceof ApiError) return (error.retryAfterS ?? 1) * 1_000
      throw error
    }
  }

  /** Resolves when every send that was handed in has its answer. */
  settled(): Promise<void> {
    if (this.#waiting === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  async #open(log: LogId): Promise<SendState> {
    const stored = await this.#deps.log.lastSequence(this.#identity.device, log)
    const state = { log, stored, handedIn: stored, refused: undefined, waiting: 0, due: false }
    if (this.#logs.size >= logsPerConnectionMax) this.#forgetOne()
    this.#logs.set(log, state)
    return state
  }

  /**
   * What is forgotten is read again from the log; a refusal that waits to be mended is not
   * forgotten while there is another.
   */
  #forgetOne(): void {
    let chosen: LogId | undefined
    for (const state of this.#logs.values()) {
      if (state.waiting > 0) continue
      chosen ??= state.log
      if (state.refused !== undefined) continue
      chosen = state.log
      break
    }
    if (chosen !== undefined) this.#logs.delete(chosen)
  }

  async #checkDevices(state: SendState, send: Send): Promise<void> {
    const recipient = accountOfInbox(send.log)
    let current: CurrentDevices | undefined
    try {
      current = await this.#deps.directory.current(recipient)
    } catch {
      return this.#refuse(state, send, 'unavailable', { retryAfterMs })
    }
    if (!current) return this.#refuse(state, send, 'unknown-log', {})
    const own = recipient === this.#identity.account ? this.#identity.device : undefined
    if (!isForAll(send, current, own)) return this.#refuseStale(state, send, recipient)
    // An earlier one may have failed meanwhile.
    if (state.refused !== undefined && send.sequence > state.refused) {
      return this.#answerRefusal(send, 'out-of-order', {})
    }
    this.#append(state, send)
  }

  async #refuseStale(state: SendState, send: Send, recipient: AccountId): Promise<void> {
    // What follows is refused from here on, not only when the lists have been read.
    state.refused = Math.min(state.refused ?? send.sequence, send.sequence)
    try {
      const deviceLists = await this.#deps.directory.chain(recipient)
      this.#refuse(state, send, 'devices-changed', { deviceLists })
    } catch {
      this.#refuse(state, send, 'unavailable', { retryAfterMs })
    }
  }

  #isAhead(stamp: number): boolean {
    const { clock, newestPosition } = this.#deps
    return stamp > Math.max(clock.now(), positionTimeMs(newestPosition())) + stampAheadMs
  }

  /**
   * What a chat's stamps go by is in one of its two inboxes, and may not have passed through this
   * gateway: their heads count before anything is refused.
   */
  async #isAheadOfHeads({ log, stamp }: Send): Promise<boolean> {
    try {
      const heads = await this.#deps.log.heads([log, inboxOf(this.#identity.account)])
      for (const head of heads) this.#deps.seen(head)
    } catch {
      return true
    }
    return this.#isAhead(stamp)
  }

  #append(state: SendState, send: Send): void {
    const { account, device } = this.#identity
    const { sequence, messageId, stamp, envelopes } = send
    const body = encodeEntryBody({
      kind: 'message',
      sender: account,
      senderDevice: device,
      sequence,
      messageId,
      stamp,
      envelopes,
    })
    state.handedIn = sequence
    if (state.refused === sequence) state.refused = undefined
    state.waiting++
    this.#waiting++
    const startedMs = this.#deps.clock.now()
    // Its position will not be before that, and may show late.
    this.#deps.seen(positionAt(startedMs))
    this.#deps.log.append(state.log, { origin: { device, sequence }, body }).then(
      () => {
        state.stored = Math.max(state.stored, sequence)
        this.#deps.onAccepted(this.#deps.clock.now() - startedMs)
        this.#acceptedSoon(state)
        this.#answered(state)
      },
      () => {
        state.handedIn = state.stored
        const first = state.refused === undefined || sequence < state.refused
        if (first) this.#refuse(state, send, 'unavailable', { retryAfterMs })
        else this.#answerRefusal(send, 'out-of-order', {})
        this.#answered(state)
      },
    )
  }

  #answered(state: SendState): void {
    state.waiting--
    this.#waiting--
    if (this.#waiting === 0) this.#idle?.()
  }

  /** One Accepted for each log and turn, however many appends a batch answered. */
  #acceptedSoon(state: SendState): void {
    if (state.due) return
    state.due = true
    this.#due.push(state)
    if (this.#due.length === 1) queueMicrotask(() => this.#answerDue())
  }

  #answerDue(): void {
    const due = this.#due
    this.#due = []
    for (const state of due) {
      state.due = false
      this.#answers.accepted(state.log, state.stored)
    }
  }

  #refuse(state: SendState, send: Send, reason: RejectReason, details: Details): void {
    if (mendable.has(reason)) {
      state.refused = Math.min(state.refused ?? send.sequence, send.sequence)
    } else if (state.refused === send.sequence) {
      state.refused = undefined
    }
    this.#answerRefusal(send, reason, details)
  }

  #answerRefusal({ log, sequence }: Send, reason: RejectReason, details: Details): void {
    this.#deps.onRejected(reason)
    this.#answers.rejected({ log, sequence, reason, deviceLists: [], retryAfterMs: 0, ...details })
  }
}

function isTooLarge({ envelopes }: Send): boolean {
  for (const { ciphertext } of envelopes) {
    if (ciphertext.length > entryBytesMax - entryOverheadBytes) return true
  }
  return false
}

/** Made for the list in force, with one envelope for each device on it but the sending one. */
function isForAll(send: Send, current: CurrentDevices, own: DeviceId | undefined): boolean {
  if (!sameBytes(send.deviceList, current.hash)) return false
  const expected = own === undefined ? current.devices : current.devices.filter((id) => id !== own)
  if (send.envelopes.length !== expected.length) return false
  return expected.every((id) => send.envelopes.some(({ device }) => device === id))
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false
  }
  return true
}
