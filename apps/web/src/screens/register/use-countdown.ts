/** Seconds until something may be done again; starts anew with each key. */
import { useEffect, useState } from 'react'
import { after, now } from '../../platform/clock.ts'

export function useCountdown(key: string, seconds: number): number {
  const [left, setLeft] = useState(seconds)
  useEffect(() => {
    const endMs = now() + seconds * 1_000
    let cancel = () => {}
    const tick = () => {
      const leftMs = endMs - now()
      setLeft(Math.max(0, Math.ceil(leftMs / 1_000)))
      if (leftMs > 0) cancel = after(Math.min(1_000, leftMs), tick)
    }
    tick()
    return () => cancel()
    // A new key starts the countdown even when the seconds are the same.
  }, [key, seconds])
  return left
}
