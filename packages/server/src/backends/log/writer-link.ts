/**
 * How batches get to the log's writer and their outcome comes back: to a thread of its own, or
 * within this one when the simulator has to decide the order of everything.
 */
import { openLogWriter } from './log-writer.ts'
import type { BatchOutcome } from './log-writer.ts'
import type { FromWriter, ToWriter } from './log-writer.worker.ts'
import { LogTooNew } from './schema.ts'
import type { OpeningForWriting, WriterSettings } from './schema.ts'

export interface WriterLink {
  /** Hands over a batch; `onWritten` is called once for each, in order. */
  send(batch: ArrayBuffer): void
  onWritten: (batch: ArrayBuffer, outcome: BatchOutcome) => void
  /** After the batches that were sent. */
  close(): Promise<void>
  /** At once, as a crash would; resolves when nothing writes any more. */
  kill(): Promise<void>
}

const noListener = () => {
  throw new Error('nobody listens to the writer')
}

/** The writer in this thread; each batch is written when `soon` says. */
export function linkInline(
  settings: WriterSettings,
  opening: OpeningForWriting,
  soon: (run: () => void) => void,
): WriterLink {
  const writer = openLogWriter(settings, opening)
  let open = true
  const end = () => {
    if (open) writer.close()
    open = false
  }
  const link: WriterLink = {
    onWritten: noListener,
    send(batch) {
      soon(() => {
        if (!open) return
        link.onWritten(batch, writer.write(batch))
        if (open) writer.tidy()
      })
    },
    close: async () => end(),
    kill: async () => end(),
  }
  return link
}

/** The writer in a thread of its own. Rejects when the file cannot be opened. */
export function linkThread(
  settings: WriterSettings,
  { onMigration = () => {} }: Pick<OpeningForWriting, 'onMigration'>,
): Promise<WriterLink> {
  const worker = new Worker(new URL('./log-writer.worker.ts', import.meta.url).href)
  const closed = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<WriterLink>()
  const tell = (order: ToWriter, transfer: ArrayBuffer[]) => worker.postMessage(order, transfer)
  const link: WriterLink = {
    onWritten: noListener,
    send: (batch) => tell({ batch }, [batch]),
    close: () => {
      tell({ close: true }, [])
      return closed.promise
    },
    kill: () =>
      new Promise((resolve) => {
        worker.addEventListener('close', () => resolve())
        worker.terminate()
      }),
  }
  worker.onmessage = (event: MessageEvent<FromWriter>) => {
    const answer = event.data
    if ('batch' in answer) return link.onWritten(answer.batch, answer.outcome)
    if ('migrating' in answer) return onMigration(answer.migrating)
    if ('opened' in answer) return opened.resolve(link)
    worker.terminate()
    if ('closed' in answer) return closed.resolve()
    const { refused, name } = answer
    opened.reject(name === LogTooNew.name ? new LogTooNew(refused) : new Error(refused))
  }
  worker.onerror = (event) => {
    const message = `the writer of the message log ended: ${event.message}`
    opened.reject(new Error(message))
    closed.resolve()
    link.onWritten(new ArrayBuffer(0), { written: false, reason: 'failed', message })
  }
  tell({ open: settings }, [])
  return opened.promise
}
