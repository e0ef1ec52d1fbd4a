/**
 * Passes news of snapshots on together, at most once per frame. When drawing takes long, on a slow
 * or busy machine, as much time again is left to the engine, so that a backlog comes in at all.
 * A hidden page has no frames and is told at once.
 */
import { after, now } from '../platform/clock.ts'

const restMsMax = 250
const due = new Set<() => void>()
let isScheduled = false
let restUntilMs = 0

export function inNextFrame(listener: () => void): void {
  due.add(listener)
  if (isScheduled) return
  isScheduled = true
  const restMs = Math.min(restUntilMs - now(), restMsMax)
  if (document.visibilityState !== 'visible') after(0, flush)
  else if (restMs > 0) after(restMs, () => requestAnimationFrame(flush))
  else requestAnimationFrame(flush)
}

/** A page that is hidden before its frame came would wait until it is shown again. */
document.addEventListener('visibilitychange', flush)

function flush(): void {
  isScheduled = false
  const startMs = now()
  const listeners = [...due]
  due.clear()
  for (const listener of listeners) listener()
  // A timer set in a frame runs after it was painted.
  after(0, () => {
    const tookMs = now() - startMs
    restUntilMs = now() + tookMs
  })
}
