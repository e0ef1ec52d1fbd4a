/**
 * What a browser says of the network, in a page or in a worker; and a page that comes to the front,
 * since the machine may have slept.
 */

interface Surroundings extends Pick<EventTarget, 'addEventListener' | 'removeEventListener'> {
  navigator: { onLine: boolean }
  document?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> & { hidden: boolean }
}

/** Returns the function that ends it. */
export function watchNetwork(changed: (isOnline: boolean) => void): () => void {
  const surroundings = globalThis as unknown as Surroundings
  const { document, navigator } = surroundings
  const online = () => changed(true)
  const offline = () => changed(false)
  const seen = () => {
    if (!document?.hidden && navigator.onLine) changed(true)
  }
  surroundings.addEventListener('online', online)
  surroundings.addEventListener('offline', offline)
  document?.addEventListener('visibilitychange', seen)
  return () => {
    surroundings.removeEventListener('online', online)
    surroundings.removeEventListener('offline', offline)
    document?.removeEventListener('visibilitychange', seen)
  }
}
