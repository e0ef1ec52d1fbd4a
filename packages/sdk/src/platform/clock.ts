/** The time and the timers of the machine, behind the port. */
import type { Clock } from './ports.ts'

/** Timers take no longer delay; whoever waits longer looks at the clock again. */
const delayMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), delayMsMax))
    return () => clearTimeout(timer)
  },
}
