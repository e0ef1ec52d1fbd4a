/**
 * The thread that copies and examines stores, so that progress can be shown and a signal heard
 * meanwhile. One order, one answer.
 */
import { copyStore } from './copy-store.ts'
import { inspectStores } from './inspect-stores.ts'
import type { StoreFindings, StorePaths } from './inspect-stores.ts'

export type StoreOrder =
  | { copy: { from: string; to: string } }
  | { inspect: { paths: StorePaths; thorough: boolean } }

export type StoreAnswer = { findings: StoreFindings | undefined } | { failed: string; code: string }

declare const self: Worker

self.onmessage = (event: MessageEvent<StoreOrder>) => {
  self.postMessage(answerTo(event.data))
}

function answerTo(order: StoreOrder): StoreAnswer {
  try {
    if ('inspect' in order) return { findings: inspectStores(order.inspect) }
    copyStore(order.copy)
    return { findings: undefined }
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error)
    const code = (error as { code?: unknown }).code
    return { failed, code: typeof code === 'string' ? code : '' }
  }
}
