/**
 * A client in a browser's tab. The engine itself is in the worker, which imports
 * `@parley/sdk/worker`: a tab need not load it.
 */
export { openTab, type EngineWorker, type TabOptions } from './rpc/tab.browser.ts'
