/** Starts the worker and keeps what it reports where the test finds it. */
const worker = new Worker('/worker.js', { type: 'module' })
worker.onmessage = (event) => {
  Object.assign(globalThis, { report: event.data })
}
worker.onerror = (event) => {
  Object.assign(globalThis, { report: { error: event.message } })
}
