/**
 * Work in the background of one client: nothing floats, and everything has ended when the client is
 * disposed of.
 */
import type { Clock } from './platform/ports.ts'

/** Who waits for the network then finds a closed store. */
const endWithinMs = 1_000

export class Tasks {
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  readonly #running = new Set<Promise<void>>()
  readonly #timers = new Set<() => void>()
  #ended = false

  /** `failed` hears of everything that a task throws before the end. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock
    this.#failed = failed
  }

  get ended(): boolean {
    return this.#ended
  }

  run(work: () => Promise<void>): void {
    if (this.#ended) return
    const task = work()
      .catch((error: unknown) => {
        if (!this.#ended) this.#failed(error)
      })
      .finally(() => this.#running.delete(task))
    this.#running.add(task)
  }

  /** Runs the work once after the delay; the returned function cancels it. */
  after(delayMs: number, work: () => void): () => void {
    if (this.#ended) return () => {}
    const stop = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel)
      work()
    })
    const cancel = () => {
      this.#timers.delete(cancel)
      stop()
    }
    this.#timers.add(cancel)
    return cancel
  }

  /**
   * Cancels the timers and waits a little for what is running; what it throws is of no interest any
   * more.
   */
  async end(): Promise<void> {
    this.#ended = true
    for (const cancel of [...this.#timers]) cancel()
    if (this.#running.size === 0) return
    await new Promise<void>((resolve) => {
      const stop = this.#clock.after(endWithinMs, resolve)
      Promise.all([...this.#running]).then(() => {
        stop()
        resolve()
      }, resolve)
    })
  }
}

/** A timer that is due at the earliest time that anybody asked for. */
export class Alarm {
  readonly #tasks: Tasks
  readonly #clock: Clock
  readonly #ring: () => void
  #at: number | undefined
  #cancel: (() => void) | undefined

  constructor(tasks: Tasks, clock: Clock, ring: () => void) {
    this.#tasks = tasks
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings at this time (by the device's clock) unless it rings earlier. */
  setAt(atMs: number): void {
    if (this.#at !== undefined && this.#at <= atMs) return
    this.#cancel?.()
    this.#at = atMs
    this.#cancel = this.#tasks.after(Math.max(0, atMs - this.#clock.now()), () => {
      this.#at = undefined
      this.#cancel = undefined
      this.#ring()
    })
  }
}
