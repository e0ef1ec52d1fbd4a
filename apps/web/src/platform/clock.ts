/** The page's clock and timers; everything else in the app takes the time from here. */
import { useEffect, useState, useSyncExternalStore } from 'react'

export function now(): number {
  return Date.now()
}

/** Runs once after the delay unless cancelled. */
export function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}

const tickMs = 20_000

function everyTick(listener: () => void): () => void {
  const timer = setInterval(listener, tickMs)
  document.addEventListener('visibilitychange', listener)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', listener)
  }
}

/** The start of today in the viewer's zone; changes at midnight and when the zone does. */
export function useToday(): number {
  return useSyncExternalStore(everyTick, () => new Date(now()).setHours(0, 0, 0, 0))
}

/** True once `delayMs` have passed while `active`: for what should not show at once. */
export function useLate(active: boolean, delayMs: number): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!active) return
    const cancel = after(delayMs, () => setLate(true))
    return () => {
      cancel()
      setLate(false)
    }
  }, [active, delayMs])
  return late && active
}
