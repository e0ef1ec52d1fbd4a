/**
 * For tests: a clock that stands still until a test moves it; timers run in the order in which they
 * are due.
 */
import type { Clock } from '../platform/ports.ts'

interface Timer {
  atMs: number
  run: () => void
}

export class HandClock implements Clock {
  #nowMs: number
  readonly #timers = new Set<Timer>()

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), run }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** Moves on, running what falls due on the way; promises settle between timers. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs
    await settle()
    for (let next = this.#due(endMs); next; next = this.#due(endMs)) {
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      await settle()
    }
    this.#nowMs = endMs
  }

  /** The time of day changes; what is waited for takes as long as before. */
  setBack(byMs: number): void {
    this.#nowMs -= byMs
    for (const timer of this.#timers) timer.atMs -= byMs
  }

  /** Delays of the timers that are set, shortest first. */
  pendingMs(): number[] {
    const delays = [...this.#timers].map((timer) => timer.atMs - this.#nowMs)
    return delays.sort((left, right) => left - right)
  }

  #due(endMs: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.atMs <= endMs)
    return due.sort((left, right) => left.atMs - right.atMs)[0]
  }
}

/** Lets everything that only waits for promises come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
