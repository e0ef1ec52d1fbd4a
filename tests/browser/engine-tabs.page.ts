/** A tab as the web app opens it; the test calls what it puts into the window. */
import { openTab } from '../../packages/sdk/src/index.browser.ts'

const startWorker = () => new Worker('/worker.js', { type: 'module' })
Object.assign(globalThis, { remote: openTab({ startWorker }) })
