/**
 * Time, timers and randomness of the real world: the only place where the server gets them from the
 * system.
 */
import type { Clock, RandomBytes } from '@parley/server'

const timerMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), timerMsMax))
    return () => clearTimeout(timer)
  },
}

export const systemRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length))

/** Since the start of the process, at an even pace. */
export const elapsedMs = () => performance.now()

/** After what is already due. */
export function soon(run: () => void): void {
  setImmediate(run)
}
