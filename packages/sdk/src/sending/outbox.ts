/**
 * Hop 1 of ARCHITECTURE.md, the sending side: one lane per person, which seals drafts, sends frames
 * in the order of their sequences within the window, and does what each refusal asks for. What is
 * not accepted stays in the table and goes out again with the next connection. Rules Y2-Y9:
 * docs/spec/sync.md.
 */
import { accountOfInbox, decodeClientFrame, rejectReasons, unacceptedSendsMax } from '@parley/wire'
import type { AccountId, LogId } from '@parley/wire'
import { retryDelayMs } from '../connection/backoff.ts'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { learnLists, refreshDevices } from '../trust/devices.ts'
import type { Connection } from '../connection/connection.ts'
import type { EngineFrame } from '../connection/frame-socket.ts'
import { newLane, rewind } from './lanes.ts'
import type { Lane } from './lanes.ts'
import { ApiFailure, asParleyError, problemOf } from '../problems.ts'
import { StoreError } from '../platform/ports.ts'
import { isHeld, sealNext, writeHeld } from './sealing.ts'
import { nextStamp, refusedStamp } from './stamps.ts'
import { newestStamp, readMessage, writeAccepted, writeFailed } from '../store/messages.ts'
import type { MessageRow } from '../store/messages.ts'
import {
  deleteOutbox,
  hasOutboxFor,
  readAcceptedUpTo,
  readOutboxBySequence,
  readOutboxPeers,
  readSealed,
  readTextIds,
  readOutboxOf,
  writeRestamp,
  writeUnsealed,
} from '../store/outbox.ts'
import type { OutboxRow } from '../store/outbox.ts'
import { StaleSession } from '../store/sessions.ts'
import { Alarm } from '../tasks.ts'
import type { ClientProblem } from '../types.ts'

type Rejected = Extract<EngineFrame, { kind: 'rejected' }>

const inFlightBytesMax = 4 * 1024 * 1024
/** Lanes that may wait for lists and bundles at once. */
const sealingMax = 8
const retryRange = { firstMs: 1_000, maxMs: 60_000 }
/** A bundle or list that is no good is asked for again so often, before the messages fail. */
const unusableMax = 5
/** So often a refused message comes again at once. */
const refusalsAtOnce = 5
/**
 * Nobody is waited for longer, whatever the server says; what is due later means that the clock was
 * set back.
 */
const waitMsMax = 10 * 60_000
/** A server that answers nothing for so long is not there. */
const answerWithinMs = 60_000

/** What the outbox needs of the connection. */
type SendingEnd = Pick<Connection, 'send' | 'reconnect'>

export class Outbox {
  readonly #core: Core
  readonly #connection: SendingEnd
  readonly #lanes = new Map<AccountId, Lane>()
  /** In order of asking: lanes that wait for room in the window or for a place to seal. */
  readonly #waiting = new Set<Lane>()
  readonly #alarm: Alarm
  #open = false
  /** The connection took the last frame not: it says when it does again. */
  #blocked = false
  #sealing = 0
  #inFlight = 0
  #inFlightBytes = 0
  #answeredAtMs = 0

  constructor(core: Core, connection: SendingEnd) {
    this.#core = core
    this.#connection = connection
    this.#alarm = new Alarm(core.tasks, core.clock, () => this.#rang())
  }

  /** After Welcome, once it is known that this state may encrypt. */
  connected(): void {
    this.#lanes.clear()
    this.#waiting.clear()
    this.#inFlight = 0
    this.#inFlightBytes = 0
    this.#answeredAtMs = this.#core.clock.now()
    this.#open = true
    this.#blocked = false
    for (const peer of readOutboxPeers(this.#core.store)) this.wake(peer)
  }

  lost(): void {
    this.#open = false
  }

  /** The connection takes frames again. */
  writable(): void {
    this.#blocked = false
    this.#wakeWaiting()
  }

  /** There is something to do for this person, or a hindrance is gone. */
  wake(peer: AccountId): void {
    if (!this.#open) return
    let lane = this.#lanes.get(peer)
    if (!lane) {
      lane = newLane(peer)
      this.#lanes.set(peer, lane)
    }
    this.#advance(lane)
  }

  #advance(lane: Lane): void {
    if (lane.running) {
      lane.again = true
      return
    }
    lane.running = true
    this.#core.tasks.run(() => this.#run(lane))
  }

  async #run(lane: Lane): Promise<void> {
    try {
      do {
        lane.again = false
        await this.#step(lane)
      } while (lane.again && this.#isOpen(lane))
    } catch (error) {
      this.#delay(lane, undefined)
      throw error
    } finally {
      lane.running = false
      this.#forgetIdle(lane)
      this.#wakeWaiting()
    }
  }

  /** People with nothing under way take no room. */
  #forgetIdle(lane: Lane): void {
    const { peer, inFlight } = lane
    if (inFlight.size > 0 || lane.again || this.#lanes.get(peer) !== lane) return
    if (this.#isResting(lane) || this.#waiting.has(lane)) return
    if (this.#isOpen(lane) && !hasOutboxFor(this.#core.store, peer)) this.#lanes.delete(peer)
  }

  /** The connection that the lane belongs to is still there. */
  #isOpen(lane: Lane): boolean {
    return this.#open && this.#lanes.get(lane.peer) === lane && !this.#core.tasks.ended
  }

  #isResting({ notBeforeMs }: Lane): boolean {
    const waitMs = notBeforeMs - this.#core.clock.now()
    return waitMs > 0 && waitMs <= waitMsMax
  }

  async #step(lane: Lane): Promise<void> {
    while (this.#isOpen(lane)) {
      if (isHeld(this.#core, lane.peer)) return writeHeld(this.#core, lane.peer)
      if (this.#isResting(lane)) return this.#alarm.setAt(lane.notBeforeMs)
      if (lane.refused && lane.inFlight.size > 0) return
      lane.refused = false
      if (!this.#flush(lane) || this.#sealing >= sealingMax) {
        this.#waiting.add(lane)
        return
      }
      if (!(await this.#seal(lane)) && !this.#hasSealed(lane)) return
    }
  }

  /** What the lane of an earlier connection has sealed meanwhile is this one's to send. */
  #hasSealed(lane: Lane): boolean {
    return readSealed(this.#core.store, lane.peer, lane.sentUpTo, 1).length > 0
  }

  /** Sends what is sealed; false when the window or the connection is full. */
  #flush(lane: Lane): boolean {
    const { store } = this.#core
    for (;;) {
      const room = unacceptedSendsMax - this.#inFlight
      if (room <= 0 || this.#inFlightBytes >= inFlightBytesMax) return false
      const rows = readSealed(store, lane.peer, lane.sentUpTo, Math.min(room, 16))
      if (rows.length === 0) return true
      for (const row of rows) {
        if (this.#inFlightBytes >= inFlightBytesMax) return false
        if (!this.#send(lane, row)) return false
      }
    }
  }

  #send(lane: Lane, row: OutboxRow): boolean {
    if (!row.frame) return false
    this.#blocked = !this.#connection.send(decodeClientFrame(row.frame))
    if (this.#blocked) return false
    if (this.#inFlight === 0) this.#answeredAtMs = this.#core.clock.now()
    lane.inFlight.set(row.sequence, row.frame.length)
    lane.sentUpTo = row.sequence
    this.#inFlight++
    this.#inFlightBytes += row.frame.length
    this.#alarm.setAt(this.#core.clock.now() + answerWithinMs)
    return true
  }

  /** False when there is nothing to seal or it cannot be done now. */
  async #seal(lane: Lane): Promise<boolean> {
    this.#sealing++
    try {
      if (lane.refresh) {
        await refreshDevices(this.#core, lane.peer)
        lane.refresh = false
      }
      const sealed = await sealNext(this.#core, lane.peer)
      if (sealed) lane.failures = Math.max(0, lane.failures - 1)
      return sealed
    } catch (error) {
      return this.#sealingFailed(lane, error)
    } finally {
      this.#sealing--
      this.#wakeWaiting()
    }
  }

  /** True when it can be repeated at once. */
  #sealingFailed(lane: Lane, error: unknown): boolean {
    if (error instanceof StoreError) throw error
    if (error instanceof StaleSession) {
      if (lane.failures >= unusableMax) this.#delay(lane, undefined)
      lane.failures++
      return true
    }
    if (error instanceof ApiFailure && error.code === 'unknown-account') {
      this.#failAll(lane.peer, problemOf('unknown-recipient'))
      return false
    }
    const { problem } = asParleyError(error)
    const lasting = problem.code === 'refused' || problem.code === 'internal'
    if (lasting && lane.failures >= unusableMax) {
      lane.failures = 0
      this.#failAll(lane.peer, problem)
      return false
    }
    const retryAfterS = error instanceof ApiFailure ? error.retryAfterS : undefined
    this.#delay(lane, retryAfterS === undefined ? undefined : retryAfterS * 1_000)
    return false
  }

  #delay(lane: Lane, waitMs: number | undefined): void {
    const { clock, random } = this.#core
    lane.failures++
    const delayMs = waitMs ?? retryDelayMs(retryRange, lane.failures, random)
    lane.notBeforeMs = clock.now() + Math.min(delayMs, waitMsMax)
    this.#alarm.setAt(lane.notBeforeMs)
  }

  /** Y4: everything up to this sequence that this connection sent to the log is durable. */
  accepted(log: LogId, upTo: number): void {
    const { store } = this.#core
    const lane = this.#lanes.get(accountOfInbox(log))
    if (!lane) return
    store.transaction(() => {
      for (const row of readAcceptedUpTo(store, lane.peer, upTo)) {
        if (!lane.inFlight.has(row.sequence)) continue
        deleteOutbox(store, row.number)
        const message = this.#messageOf(row)
        if (message) writeAccepted(store, message.number)
      }
    })
    for (const sequence of [...lane.inFlight.keys()]) {
      if (sequence <= upTo) this.#answered(lane, sequence)
    }
    lane.failures = 0
    lane.refusals = 0
    this.#advance(lane)
    this.#wakeWaiting()
  }

  rejected(frame: Rejected): void {
    const { store } = this.#core
    const lane = this.#lanes.get(accountOfInbox(frame.log))
    if (!lane) return
    this.#answered(lane, frame.sequence)
    const row = readOutboxBySequence(store, lane.peer, frame.sequence)
    const isFirst = !lane.refused
    if (row) this.#mend(lane, row, frame)
    if (isFirst && lane.refused) this.#countRefusal(lane)
    this.#advance(lane)
    this.#wakeWaiting()
  }

  /** A server that has the same come again and again is not asked without a pause. */
  #countRefusal(lane: Lane): void {
    lane.refusals++
    if (lane.refusals <= refusalsAtOnce || this.#isResting(lane)) return
    const { random } = this.#core
    this.#delay(lane, retryDelayMs(retryRange, lane.refusals - refusalsAtOnce, random))
  }

  /** Y5: what each refusal asks for (the table in wire/errors.ts). */
  #mend(lane: Lane, row: OutboxRow, frame: Rejected): void {
    const { action } = rejectReasons[frame.reason]
    if (action !== 'fail') rewind(lane, row.sequence)
    switch (action) {
      case 're-encrypt':
        return this.#sealAgain(lane, row, frame)
      case 'restamp':
        return this.#restamp(row, frame.time)
      case 'retry-later':
        return this.#delay(lane, frame.retryAfterMs > 0 ? frame.retryAfterMs : undefined)
      case 'repeat':
        return
      case 'fail':
        return this.#fail(row, frame.reason === 'too-large' ? 'too-long' : 'unknown-recipient')
    }
  }

  #sealAgain(lane: Lane, row: OutboxRow, frame: Rejected): void {
    const { store } = this.#core
    const learned = learnLists(this.#core, lane.peer, frame.deviceLists)
    if (learned === 'refused') {
      return this.#failAll(
        lane.peer,
        problemOf(
          'refused',
          'The server shows devices of this person that do not continue the known ones. Nothing is sent to them.',
        ),
      )
    }
    store.transaction(() => writeUnsealed(store, lane.peer, row.sequence))
    if (learned === 'changed') return
    // The same again may only be a slow server; asking for the whole chain shows more.
    lane.refresh = true
    if (learned === 'unchanged') this.#delay(lane, undefined)
  }

  /** Only the refused one; those behind it are looked at when they are refused themselves. */
  #restamp(row: OutboxRow, serverTimeMs: number): void {
    const { store, serverClock } = this.#core
    serverClock.correct(serverTimeMs)
    const except = this.#messageOf(row)?.number ?? 0
    const newest = newestStamp(store, row.peer, except)
    store.transaction(() => writeRestamp(store, row.number, refusedStamp(serverTimeMs, newest)))
  }

  #fail(row: OutboxRow, code: 'too-long' | 'unknown-recipient'): void {
    const { store } = this.#core
    store.transaction(() => this.#writeFailedRow(row, problemOf(code)))
  }

  #failAll(peer: AccountId, problem: ClientProblem): void {
    const { store } = this.#core
    store.transaction(() => {
      for (const id of readTextIds(store, peer)) {
        const row = readOutboxOf(store, id)
        if (row) this.#writeFailedRow(row, problem)
      }
    })
  }

  #writeFailedRow(row: OutboxRow, problem: ClientProblem): void {
    const { store, serverClock } = this.#core
    deleteOutbox(store, row.number)
    const message = this.#messageOf(row)
    if (!message) return
    const unstamped = row.stamp === 0
    const stamp = nextStamp(serverClock.now(), newestStamp(store, row.peer, message.number))
    writeFailed(store, message.number, problem, unstamped ? stamp : undefined)
  }

  #messageOf(row: OutboxRow): MessageRow | undefined {
    if (row.kind !== 'text') return undefined
    const sender = ownAccount(this.#core).account
    return readMessage(this.#core.store, { conversation: row.peer, sender, id: row.id })
  }

  #answered(lane: Lane, sequence: number): void {
    const bytes = lane.inFlight.get(sequence)
    if (bytes === undefined) return
    lane.inFlight.delete(sequence)
    this.#inFlight--
    this.#inFlightBytes -= bytes
    this.#answeredAtMs = this.#core.clock.now()
  }

  /** As many as may find room; each wakes the next when it is done. */
  #wakeWaiting(): void {
    const isFull = this.#inFlight >= unacceptedSendsMax || this.#inFlightBytes >= inFlightBytesMax
    if (isFull || this.#blocked || this.#sealing >= sealingMax || this.#waiting.size === 0) return
    for (const lane of [...this.#waiting].slice(0, sealingMax)) {
      this.#waiting.delete(lane)
      this.#advance(lane)
    }
  }

  #rang(): void {
    if (!this.#open) return
    const now = this.#core.clock.now()
    if (this.#inFlight > 0) {
      if (now - this.#answeredAtMs >= answerWithinMs) return this.#connection.reconnect()
      this.#alarm.setAt(this.#answeredAtMs + answerWithinMs)
    }
    for (const lane of this.#lanes.values()) {
      if (lane.notBeforeMs === 0) continue
      if (this.#isResting(lane)) this.#alarm.setAt(lane.notBeforeMs)
      else this.#advance(lane)
    }
  }
}
