/** The only place of the command line where time passes by itself. */

/** Resolves after the delay, or at once when the signal aborts. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    signal.addEventListener('abort', done)
  })
}

/** Aborts after the delay; `cancel` takes it back. Without a delay it never does. */
export function deadline(delayMs: number | undefined): {
  signal: AbortSignal
  cancel: () => void
  /** Starts the delay anew. */
  extend: () => void
} {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const extend = () => {
    clearTimeout(timer)
    if (delayMs !== undefined) timer = setTimeout(() => controller.abort(), delayMs)
  }
  extend()
  return { signal: controller.signal, cancel: () => clearTimeout(timer), extend }
}
