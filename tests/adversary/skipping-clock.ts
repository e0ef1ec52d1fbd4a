/**
 * The time of the machine, with leaps: what would be due after a wait is due at once, and the rest
 * goes on as always.
 */
import { systemClock } from '../../packages/sdk/src/platform/clock.ts'
import type { Clock } from '../../packages/sdk/src/platform/ports.ts'

interface Timer {
  atMs: number
  run: () => void
  cancel: () => void
}

export class SkippingClock implements Clock {
  readonly #timers = new Set<Timer>()
  #skippedMs = 0

  now(): number {
    return systemClock.now() + this.#skippedMs
  }

  after(delayMs: number, run: () => void): () => void {
    const ring = () => {
      this.#timers.delete(timer)
      run()
    }
    const timer = { atMs: this.now() + delayMs, run, cancel: systemClock.after(delayMs, ring) }
    this.#timers.add(timer)
    return () => {
      timer.cancel()
      this.#timers.delete(timer)
    }
  }

  skip(byMs: number): void {
    this.#skippedMs += byMs
    const due = [...this.#timers].filter((timer) => timer.atMs <= this.now())
    for (const timer of due.sort((left, right) => left.atMs - right.atMs)) {
      if (!this.#timers.delete(timer)) continue
      timer.cancel()
      timer.run()
    }
  }
}
