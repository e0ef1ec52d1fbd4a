/**
 * Follows one log by `prev`: which entry is next, which is a repeat, and when something is missing
 * (design §1). Knows positions only; inbox.ts gives it frames and does what it says. Rules Y10,
 * Y11, Y13: docs/spec/sync.md.
 */
import { fetchEntriesMax, positionTimeMs } from '@parley/wire'

/** Entries older than this may be gone from a log; a day less than what the server promises. */
const surelyKeptMs = 89 * 86_400_000

export type Place = 'next' | 'repeat' | 'gap'

export class LogReader {
  /** Everything up to here is taken. */
  #at: number
  /** The highest position that was seen beyond a gap. */
  #missingUpTo = 0
  #isFirst = true
  #caughtUp = false
  /** Entries that the last Fetch may still bring; undefined when none is under way. */
  #awaited: number | undefined

  constructor(cursor: number) {
    this.#at = cursor
  }

  get at(): number {
    return this.#at
  }

  /** The backlog is in, and nothing is missing. */
  get isComplete(): boolean {
    return this.#caughtUp && this.#missingUpTo <= this.#at
  }

  place(entry: { position: number; prev: number }, nowMs: number): Place {
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (entry.position <= this.#at) return 'repeat'
    if (entry.prev <= this.#at) return 'next'
    // The backlog begins with the oldest entry when what lay between has expired.
    if (isFirst && positionTimeMs(this.#at) < nowMs - surelyKeptMs) return 'next'
    this.#missingUpTo = Math.max(this.#missingUpTo, entry.position)
    return 'gap'
  }

  taken(position: number): void {
    this.#at = Math.max(this.#at, position)
    if (this.#awaited !== undefined) this.#awaited--
    if (this.#awaited === 0 || this.#missingUpTo <= this.#at) this.#awaited = undefined
  }

  caughtUp(position: number, expiredUpTo: number): void {
    this.#at = Math.max(this.#at, expiredUpTo)
    this.#missingUpTo = Math.max(this.#missingUpTo, position)
    this.#caughtUp = true
    this.#awaited = undefined
  }

  /**
   * After which position to ask for entries; undefined when nothing is missing, or it has been
   * asked for. Before CaughtUp a gap is only remembered.
   */
  toFetch(): number | undefined {
    if (!this.#caughtUp || this.#awaited !== undefined) return undefined
    return this.#missingUpTo > this.#at ? this.#at : undefined
  }

  asked(): void {
    this.#awaited = fetchEntriesMax
  }

  /** No answer has come in time: it may be asked again. */
  unasked(): void {
    this.#awaited = undefined
  }
}
