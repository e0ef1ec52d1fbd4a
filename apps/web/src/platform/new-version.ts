/** Keeps the service worker, and knows when a newer version of the app waits to be taken. */

const checkEveryMs = 60 * 60 * 1_000
const listeners = new Set<() => void>()
let waiting: ServiceWorker | undefined

export const newVersion = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  },
  getSnapshot(): boolean {
    return waiting !== undefined
  },
  /** Drafts are in the database, so a reload loses nothing. */
  take(): void {
    waiting?.postMessage('take-over')
  },
}

export async function keepAppOffline(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const container = navigator.serviceWorker
  let isFirst = container.controller === null
  container.addEventListener('controllerchange', () => {
    if (!isFirst) location.reload()
    isFirst = false
  })
  try {
    watch(await container.register('/sw.js', { updateViaCache: 'none' }))
  } catch {
    // Without it the app works, only not without a network.
  }
}

function watch(registration: ServiceWorkerRegistration): void {
  const look = () => {
    const next = registration.waiting ?? undefined
    if (next === waiting || navigator.serviceWorker.controller === null) return
    waiting = next
    for (const listener of listeners) listener()
  }
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', look)
  })
  look()
  setInterval(() => void registration.update().catch(() => undefined), checkEveryMs)
}
