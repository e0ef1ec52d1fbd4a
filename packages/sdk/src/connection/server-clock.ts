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

/**
 * Nobody's time goes beyond this: send sequences are made of it and never go back, so a server that
 * lies must leave enough of them.
 */
const latestMs = Date.UTC(2080, 0, 1)

export function createServerClock(clock: Clock): ServerClock {
  let offsetMs = 0
  return {
    now: () => Math.min(latestMs, Math.floor(clock.now() + offsetMs)),
    offsetMs: () => offsetMs,
    correct(serverTimeMs) {
      offsetMs = serverTimeMs - clock.now()
    },
  }
}
