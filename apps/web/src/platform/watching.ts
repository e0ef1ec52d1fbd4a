/** Whether somebody is looking: the page is visible and its window has the focus. */

const windowEvents = ['focus', 'blur'] as const

export function isWatching(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}

export function onWatchingChange(listener: () => void): () => void {
  for (const name of windowEvents) addEventListener(name, listener)
  document.addEventListener('visibilitychange', listener)
  return () => {
    for (const name of windowEvents) removeEventListener(name, listener)
    document.removeEventListener('visibilitychange', listener)
  }
}
