/** A clock that stands until a test moves it. */
interface Timer {
  dueMs: number
  run: () => void
}

export class TestClock {
  #nowMs: number
  readonly #timers = new Set<Timer>()

  constructor(startMs = Date.UTC(2026, 5, 1, 12)) {
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  /** What has no delay runs by itself; everything else when its time has come. */
  after(delayMs: number, run: () => void): () => void {
    if (delayMs <= 0) {
      const immediate = setImmediate(run)
      return () => clearImmediate(immediate)
    }
    const timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Runs what falls due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.dueMs <= endMs)
      const next = due.sort((left, right) => left.dueMs - right.dueMs)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.run()
    }
    this.#nowMs = endMs
  }
}
