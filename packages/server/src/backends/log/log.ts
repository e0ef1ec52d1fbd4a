/**
 * The port of the append-only logs: one inbox per account. Everything that must not be lost is an
 * entry here. Rules L1-L8: docs/spec/log.md.
 */
import type { DeviceId, LogId } from '@parley/wire'

export interface NewEntry {
  /**
   * Who sent it under which send sequence (L2, L3); undefined for what the server writes itself,
   * which may stand twice.
   */
  origin: { device: DeviceId; sequence: number } | undefined
  body: Uint8Array
}

export interface LogEntry {
  log: LogId
  position: number
  /** Position of the entry before it in this log; 0 for the first. */
  prev: number
  body: Uint8Array
}

export interface LogPage {
  entries: LogEntry[]
  /**
   * L7: entries up to here are gone, and the reader had not seen them all; 0 when nothing is
   * missing.
   */
  expiredUpTo: number
  /**
   * Nothing is visible after them just now; a page may also be short because its entries are large.
   */
  atEnd: boolean
}

/**
 * Handles entries in order; a rejection means that they are handed out again, in the end one by
 * one, and parked.
 */
export type EntryHandler = (entries: readonly LogEntry[]) => Promise<void>

/** Append refused: nothing was stored, or nobody can say; repeating is safe (L3). */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
  readonly reason: 'full' | 'overloaded' | 'closed' | 'failed'
  constructor(reason: 'full' | 'overloaded' | 'closed' | 'failed', message: string) {
    super(message)
    this.reason = reason
  }
}

export interface Log {
  /**
   * L1 durable when resolved; what arrives meanwhile is written as one batch. L2 keeps the order in
   * which one device sent to one log, refusals included: what was handed in before the caller saw
   * an earlier one rejected is rejected too. L3 what is at or below the device's last send sequence
   * in this log is dropped, and resolves. L4 positions grow. Rejects with LogUnavailable; the
   * waiting queue is bounded. The body must not change afterwards.
   */
  append(log: LogId, entry: NewEntry): Promise<void>
  /**
   * Entries after the position (0: from the oldest), in order, at most `limit`. L5 nothing ever
   * appears at or below a position that a reader has been given. L7 a reader older than the log is
   * told so and starts at the oldest. What was appended may show late.
   */
  read(log: LogId, after: number, limit: number): Promise<LogPage>
  /**
   * The newest visible position of each log, in their order; 0 for an empty one. One batch, for
   * gateways that may have lost news.
   */
  heads(logs: readonly LogId[]): Promise<number[]>
  /**
   * L6 at least once, in order per log, resumes where it committed, parks a poison entry instead of
   * stopping. What is handed out can already be read. Ends when the signal aborts.
   */
  follow(follower: string, handle: EntryHandler, signal: AbortSignal): Promise<void>
  /** The device has everything up to the position. A cursor never moves back; safe to repeat. */
  commit(log: LogId, device: DeviceId, position: number): Promise<void>
  /** The committed cursor of every device that follows the log. */
  cursors(log: LogId): Promise<ReadonlyMap<DeviceId, number>>
  /**
   * The highest send sequence that is visible from this device, in one log or (undefined) in any; 0
   * for none. May lag behind `append`.
   */
  lastSequence(device: DeviceId, log: LogId | undefined): Promise<number>
  /**
   * L8 removes what is older than the position, by age alone, cheaply, in bounded steps; nothing
   * younger goes.
   */
  trim(before: number): Promise<void>
}
