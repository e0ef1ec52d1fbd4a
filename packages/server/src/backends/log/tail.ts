/**
 * The newest entries of all logs in memory, so that followers which keep up read no file. Bounded
 * by number and bytes.
 */
import type { LogEntry } from './log.ts'

const entriesMax = 8_192
const bytesMax = 16 * 1024 * 1024

export class Tail {
  #entries: LogEntry[] = []
  #start = 0
  #bytes = 0
  /** All entries after this position are here. */
  #after: number
  newest: number

  constructor(after: number) {
    this.#after = after
    this.newest = after
  }

  push(entry: LogEntry): void {
    this.newest = entry.position
    this.#entries.push(entry)
    this.#bytes += entry.body.length
    while (this.#entries.length - this.#start > entriesMax || this.#bytes > bytesMax) this.#drop()
    if (this.#start > entriesMax) {
      this.#entries = this.#entries.slice(this.#start)
      this.#start = 0
    }
  }

  /**
   * Entries after the position, at most `limit`; undefined when older ones than the tail's are
   * asked for.
   */
  read(after: number, limit: number): LogEntry[] | undefined {
    if (after < this.#after) return undefined
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.position ?? 0) <= after) low = middle + 1
      else high = middle
    }
    return this.#entries.slice(low, low + limit)
  }

  #drop(): void {
    const oldest = this.#entries[this.#start]
    if (!oldest) return
    this.#after = oldest.position
    this.#bytes -= oldest.body.length
    delete this.#entries[this.#start++]
  }
}
