/** Joins this tab to the engine: it runs in the worker of one tab, and all tabs speak with it. */
import { openTab } from '@parley/sdk/browser'
import type { RemoteClient } from './types.ts'

export function connect(): RemoteClient {
  return openTab({
    startWorker: () =>
      new Worker(new URL('../worker/engine.worker.ts', import.meta.url), { type: 'module' }),
  })
}
