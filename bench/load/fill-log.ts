/**
 * A message log as a server would have written it in a month, without waiting for one: the server's
 * own writer and the same rows, in large batches that reach the disk at the end of a step.
 */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { positionAt } from '@parley/wire'
import { BatchBuilder } from '../../packages/server/src/backends/log/batch.ts'
import { openLogWriter } from '../../packages/server/src/backends/log/log-writer.ts'
import type { LogWriter } from '../../packages/server/src/backends/log/log-writer.ts'
import { Rows } from './rows.ts'
import type { Owner, Row } from './rows.ts'
import type { Watch } from './watch.ts'

const entriesPerBatch = 32_768
const monthMs = 30 * 24 * 60 * 60 * 1000
const fileBytesMax = 2 ** 43

/** Fills one log, step by step; between two steps the file is closed. */
export class LogFill {
  readonly #path: string
  readonly #owners: readonly Owner[]
  readonly #rows: Rows
  readonly #builder = new BatchBuilder()
  readonly startMs = Date.now() - monthMs
  readonly #everyMs: number
  #spare: ArrayBuffer | undefined
  entries = 0

  /** `entriesMax`: how many there are when the month is over. */
  constructor(path: string, owners: readonly Owner[], entriesMax: number) {
    this.#path = path
    this.#owners = owners
    this.#rows = new Rows(owners)
    this.#everyMs = monthMs / entriesMax
  }

  /** When the newest entry was written, in Unix milliseconds. */
  get nowMs(): number {
    return this.startMs + Math.floor(this.entries * this.#everyMs)
  }

  /** A message and its receipt that the caller writes. */
  next(): Row[] {
    this.entries += 2
    return this.#rows.next(this.nowMs)
  }

  /** Ends early when the run is stopped. */
  async upTo(entries: number, watch: Watch): Promise<void> {
    watch.begin(`writing ${entries.toLocaleString('en')} entries`)
    const writer = openLogWriter({ path: this.#path, sync: 'off', fileBytesMax })
    try {
      while (this.entries < entries && !watch.signal.aborted) {
        this.#writeBatch(writer, Math.min(entries, this.entries + entriesPerBatch))
        watch.show(this.entries, entries)
        await new Promise((resolve) => setImmediate(resolve))
      }
      this.#writeCursors(writer)
    } finally {
      writer.close()
    }
    const file = openSync(this.#path, 'r')
    fsyncSync(file)
    closeSync(file)
  }

  #writeBatch(writer: LogWriter, last: number): void {
    while (this.entries < last) {
      for (const { log, entry } of this.next()) this.#builder.append(log, entry)
    }
    this.#write(writer)
  }

  /** Everybody has everything, and the server has handed out everything. */
  #writeCursors(writer: LogWriter): void {
    const end = positionAt(this.nowMs)
    for (const { log, device } of this.#owners) this.#builder.cursor(log, device, end)
    this.#builder.followed('deliver', end)
    this.#write(writer)
  }

  #write(writer: LogWriter): void {
    const batch = this.#builder.take(this.nowMs, this.#spare)
    const outcome = writer.write(batch)
    if (!outcome.written) throw new Error(`the log could not be filled: ${outcome.message}`)
    writer.tidy()
    this.#spare = batch
  }
}
