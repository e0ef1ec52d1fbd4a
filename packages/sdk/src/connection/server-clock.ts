/**
 * The server's time as this device knows it: its own clock and the difference measured at Welcome.
 * Stamps and send sequences are made from it.
 */
import type { ServerClock } from '../engine-ports.ts'
import type { Clock } from '../platform/ports.ts'

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
