/**
 * The thread in which the embedded log's writer runs, so that a slow disk does not stop the event
 * loop.
 */
import { openLogWriter } from './log-writer.ts'
import type { BatchOutcome, LogWriter } from './log-writer.ts'
import type { MigrationProgress } from './migrate-log.ts'
import type { WriterSettings } from './schema.ts'

export type ToWriter = { open: WriterSettings } | { batch: ArrayBuffer } | { close: true }
export type FromWriter =
  | { migrating: MigrationProgress }
  | { opened: true }
  | { refused: string; name: string }
  | { batch: ArrayBuffer; outcome: BatchOutcome }
  | { closed: true }

declare const self: Worker

let writer: LogWriter | undefined

self.onmessage = (event: MessageEvent<ToWriter>) => {
  const order = event.data
  if ('open' in order) open(order.open)
  else if ('batch' in order) write(order.batch)
  else close()
}

function answer(message: FromWriter, transfer: ArrayBuffer[]): void {
  self.postMessage(message, transfer)
}

function open(settings: WriterSettings): void {
  try {
    const onMigration = (migrating: MigrationProgress) => answer({ migrating }, [])
    writer = openLogWriter(settings, { onMigration })
    answer({ opened: true }, [])
    writer.getReady()
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    answer({ refused: message, name }, [])
  }
}

function write(batch: ArrayBuffer): void {
  if (!writer) return
  const outcome = writer.write(batch)
  answer({ batch, outcome }, [batch])
  writer.tidy()
}

function close(): void {
  writer?.close()
  writer = undefined
  answer({ closed: true }, [])
}
