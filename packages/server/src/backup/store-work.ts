/** Orders for the thread of store-work.worker.ts, one thread for each; ended when it is aborted. */
import { statSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { BackupError } from './manifest.ts'
import type { StoreFindings, StorePaths } from './inspect-stores.ts'
import type { StoreAnswer, StoreOrder } from './store-work.worker.ts'

/** What is being done just now, for whoever watches. */
export interface Progress {
  step: 'copy' | 'check' | 'checksum' | 'restore'
  /** The file. */
  name: string
  doneBytes: number
  /** Undefined while nobody can say. */
  totalBytes: number | undefined
}

/** What every piece of work here is given. */
export interface Work {
  clock: Clock
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

const lookEveryMs = 100

/** The thread failed; `code` is SQLite's or the system's, or empty. */
class StoreWorkFailed extends Error {
  override readonly name = 'StoreWorkFailed'
  readonly code: string
  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

export async function copyInThread(
  work: Work,
  copy: { name: string; from: string; to: string; totalBytes: number },
): Promise<void> {
  const { name, from, to, totalBytes } = copy
  const say = () => {
    const written = statSync(to, { throwIfNoEntry: false })?.size ?? 0
    const doneBytes = Math.min(written, totalBytes)
    work.onProgress({ step: 'copy', name, doneBytes, totalBytes })
  }
  await ordered(work, { copy: { from, to } }, say)
}

export async function inspectInThread(
  work: Work,
  inspect: { paths: StorePaths; thorough: boolean },
): Promise<StoreFindings> {
  const say = () =>
    work.onProgress({ step: 'check', name: '', doneBytes: 0, totalBytes: undefined })
  const findings = await ordered(work, { inspect }, say)
  if (!findings) throw new StoreWorkFailed('the stores were not examined', '')
  return findings
}

async function ordered(
  { clock, signal }: Work,
  order: StoreOrder,
  say: () => void,
): Promise<StoreFindings | undefined> {
  signal.throwIfAborted()
  const worker = new Worker(new URL('./store-work.worker.ts', import.meta.url).href)
  const answered = Promise.withResolvers<StoreAnswer>()
  worker.onmessage = (event: MessageEvent<StoreAnswer>) => answered.resolve(event.data)
  worker.onerror = (event) => answered.resolve({ failed: event.message, code: '' })
  const abort = () => answered.reject(signal.reason)
  signal.addEventListener('abort', abort)
  let cancel = () => {}
  const look = () => {
    say()
    cancel = clock.after(lookEveryMs, look)
  }
  look()
  try {
    worker.postMessage(order)
    const answer = await answered.promise
    if ('failed' in answer) throw new StoreWorkFailed(answer.failed, answer.code)
    return answer.findings
  } finally {
    cancel()
    signal.removeEventListener('abort', abort)
    worker.terminate()
  }
}

export function stopped(): BackupError {
  return new BackupError('Stopped before it was done; nothing was changed.')
}
