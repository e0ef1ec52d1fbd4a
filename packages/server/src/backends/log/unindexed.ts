/**
 * What the tables of the log's file do not find yet, in memory: the entries after `indexed` by log,
 * and their send sequences. The writer bounds their number and bytes (late-index.ts).
 */
import type { DeviceId, LogId } from '@parley/wire'
import type { LogEntry, NewEntry } from './log.ts'

interface Waiting {
  log: LogId
  position: number
  origin: NewEntry['origin']
}

export class Unindexed {
  /** The tables know everything up to this position. */
  indexed: number
  #order: Waiting[] = []
  readonly #logs = new Map<LogId, LogEntry[]>()
  readonly #sequences = new Map<DeviceId, Map<LogId, number>>()

  constructor(indexed: number) {
    this.indexed = indexed
  }

  push(entry: LogEntry, origin: NewEntry['origin']): void {
    const { log, position } = entry
    this.#order.push({ log, position, origin })
    const entries = this.#logs.get(log)
    if (entries) entries.push(entry)
    else this.#logs.set(log, [entry])
    if (!origin) return
    const sequences = this.#sequences.get(origin.device)
    if (sequences) sequences.set(log, origin.sequence)
    else this.#sequences.set(origin.device, new Map([[log, origin.sequence]]))
  }

  /** The newest position of the log; undefined when the tables have it. */
  head(log: LogId): number | undefined {
    return this.#logs.get(log)?.at(-1)?.position
  }

  *after(log: LogId, position: number): Generator<LogEntry> {
    const entries = this.#logs.get(log) ?? []
    for (let index = firstAfter(entries, position); index < entries.length; index++) {
      yield entries[index] as LogEntry
    }
  }

  /** 0 when none of them waits. */
  lastSequence(device: DeviceId, log: LogId | undefined): number {
    const sequences = this.#sequences.get(device)
    if (!sequences) return 0
    if (log !== undefined) return sequences.get(log) ?? 0
    let last = 0
    for (const sequence of sequences.values()) last = Math.max(last, sequence)
    return last
  }

  /** What is indexed, or trimmed, up to the position is no longer needed. */
  dropUpTo(indexed: number): void {
    if (indexed <= this.indexed) return
    this.indexed = indexed
    const count = firstAfter(this.#order, indexed)
    const dropped = this.#order.slice(0, count)
    this.#order = this.#order.slice(count)
    for (const log of new Set(dropped.map((each) => each.log))) this.#dropEntries(log)
    for (const { log, origin } of dropped) if (origin) this.#dropSequence(log, origin)
  }

  #dropEntries(log: LogId): void {
    const entries = this.#logs.get(log) ?? []
    const count = firstAfter(entries, this.indexed)
    if (count === entries.length) this.#logs.delete(log)
    else entries.splice(0, count)
  }

  #dropSequence(log: LogId, { device, sequence }: { device: DeviceId; sequence: number }): void {
    const sequences = this.#sequences.get(device)
    if (sequences?.get(log) === sequence) sequences.delete(log)
    if (sequences?.size === 0) this.#sequences.delete(device)
  }
}

/** Index of the first one after the position. */
function firstAfter(entries: readonly { position: number }[], position: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.position ?? 0) <= position) low = middle + 1
    else high = middle
  }
  return low
}
