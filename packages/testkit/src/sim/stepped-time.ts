/**
 * Time that a test lets pass one event at a time, and with it whatever other threads have answered
 * meanwhile. Rigs of single parts are made on it; the whole simulation has its own loop.
 */
import { Scheduler } from './clock.ts'

/** Of real time, for the threads of a busy machine. */
const patienceMs = 15_000

export class SteppedTime {
  readonly scheduler: Scheduler

  constructor(startMs: number) {
    this.scheduler = new Scheduler(startMs)
  }

  /** Runs one timer, and whatever other threads have answered. */
  async step(): Promise<void> {
    this.scheduler.step()
    await new Promise((resolve) => setImmediate(resolve))
  }

  async pass(ms: number): Promise<void> {
    let passed = false
    this.scheduler.at(this.scheduler.nowMs + ms, () => {
      passed = true
    })
    while (!passed) await this.step()
  }

  async until(reached: () => boolean | Promise<boolean>): Promise<void> {
    const startedMs = performance.now()
    while (!(await reached())) {
      if (performance.now() - startedMs > patienceMs) throw new Error('was not reached')
      await this.step()
    }
  }

  /** Lets time pass until the promise settles. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const watch = () => {
      settled = true
    }
    promise.then(watch, watch)
    await this.until(() => settled)
    return promise
  }
}
