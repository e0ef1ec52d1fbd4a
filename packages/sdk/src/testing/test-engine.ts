/**
 * For tests: an engine on a driver, with its parts in reach and a clock that a test may set wrong.
 */
import { nobleCurve } from '@parley/crypto/reference'
import { Engine } from '../engine.ts'
import { systemClock } from '../platform/clock.ts'
import type { Clock, SqlDriver, Transport } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { bunTransport } from '../platform/transport.bun.ts'

export class SkewedClock implements Clock {
  skewMs = 0

  now(): number {
    return systemClock.now() + this.skewMs
  }

  after(delayMs: number, run: () => void): () => void {
    return systemClock.after(delayMs, run)
  }
}

export function engineOn(
  driver: SqlDriver,
  server: string,
  clock: Clock = systemClock,
  transport: Transport = bunTransport,
): Engine {
  return new Engine({
    driver,
    clock,
    random: systemRandom,
    transport,
    curve: nobleCurve,
    server,
    recordEvents: true,
    observeMessageKey: undefined,
  })
}
