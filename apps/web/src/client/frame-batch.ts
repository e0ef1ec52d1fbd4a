/**
 * Passes news of snapshots on once per frame: while a backlog comes in, there are more of them than
 * the screen can show. A hidden page has no frames and is told at once.
 */
import { after } from '../platform/clock.ts'

const due = new Set<() => void>()
let isScheduled = false

export function inNextFrame(listener: () => void): void {
  due.add(listener)
  if (isScheduled) return
  isScheduled = true
  if (document.visibilityState === 'visible') requestAnimationFrame(flush)
  else after(0, flush)
}

/** A page that is hidden before its frame came would wait until it is shown again. */
document.addEventListener('visibilitychange', flush)

function flush(): void {
  isScheduled = false
  const listeners = [...due]
  due.clear()
  for (const listener of listeners) listener()
}
