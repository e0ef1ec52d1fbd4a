/**
 * The server's time as this device knows it: its own clock and the difference measured at Welcome.
 * Stamps and send sequences are made from it.
 */
import type { Clock } from '../platform/ports.ts'

/** The server's time as well as this device knows it. */
export interface ServerClock {
  now(): number
  /** Server minus device; 0 until the first Welcome. */
  offsetMs(): number
  /** Called with the time in Welcome, and in a refusal of a stamp. */
  correct(serverTimeMs: number): void
}

export function createServerClock(clock: Clock): ServerClock {
  let offsetMs = 0
  return {
    now: () => Math.floor(clock.now() + offsetMs),
    offsetMs: () => offsetMs,
    correct(serverTimeMs) {
      offsetMs = serverTimeMs - clock.now()
    },
  }
}
