/**
 * The loop of a follower, the same for every adapter: at least once, in order, resumes where it
 * committed, and parks an entry that cannot be handled instead of stopping (L6).
 */
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import type { EntryHandler, LogEntry } from './log.ts'

export interface FollowSource {
  /** The position up to which the follower has committed; 0 for a new one. */
  committed(follower: string): number
  /** Visible entries of all logs after the position, in order. */
  entriesAfter(position: number, limit: number): LogEntry[]
  /** May become durable late: then entries are handed out again after a crash. */
  commitFollower(follower: string, position: number): void
  /** Remembers what was given up. */
  park(follower: string, position: number): Promise<void>
  /** Calls back once when there may be more. */
  whenChanged(run: () => void): void
}

export interface FollowOptions {
  follower: string
  handle: EntryHandler
  signal: AbortSignal
  clock: Clock
  logger: Logger
  onParked: () => void
}

const followEntriesMax = 512
const triesMax = 5
const firstBackoffMs = 50

/** Runs until the signal aborts. */
export function followLog(source: FollowSource, options: FollowOptions): Promise<void> {
  return new Follower(source, options).run()
}

class Follower {
  readonly #source: FollowSource
  readonly #options: FollowOptions
  #wake: () => void = () => {}

  constructor(source: FollowSource, options: FollowOptions) {
    this.#source = source
    this.#options = options
    options.signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async run(): Promise<void> {
    const { follower, signal } = this.#options
    let position = this.#source.committed(follower)
    while (!signal.aborted) {
      const entries = this.#source.entriesAfter(position, followEntriesMax)
      const last = entries.at(-1)
      if (last === undefined) {
        await this.#untilWoken((wake) => this.#source.whenChanged(wake))
        continue
      }
      if (!(await this.#tries(entries))) await this.#handleEach(entries)
      if (signal.aborted) return
      position = last.position
      this.#source.commitFollower(follower, position)
    }
  }

  async #tries(entries: readonly LogEntry[]): Promise<boolean> {
    const { follower, handle, logger } = this.#options
    try {
      await handle(entries)
      return true
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown'
      logger.warn({ follower, position: entries[0]?.position, error: name }, 'entries failed')
      return false
    }
  }

  async #handleEach(entries: readonly LogEntry[]): Promise<void> {
    const { follower, logger, onParked, signal } = this.#options
    for (const entry of entries) {
      const handled = await this.#handleWithBackoff(entry)
      if (signal.aborted) return
      if (handled) continue
      logger.error({ follower, position: entry.position }, 'an entry was parked')
      onParked()
      await this.#source.park(follower, entry.position)
    }
  }

  async #handleWithBackoff(entry: LogEntry): Promise<boolean> {
    const { clock, signal } = this.#options
    for (let tries = 0; tries < triesMax && !signal.aborted; tries++) {
      if (await this.#tries([entry])) return true
      await this.#untilWoken((wake) => clock.after(firstBackoffMs * 2 ** tries, wake))
    }
    return false
  }

  #untilWoken(arrange: (wake: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      arrange(resolve)
    })
  }
}
