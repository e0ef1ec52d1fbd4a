/** A log under test, with its clock in the test's hand. */
import { ProcessClock, Scheduler } from '../../../../testkit/src/sim/clock.ts'
import type { Log } from './log.ts'

export interface RunningLog extends Log {
  close(): Promise<void>
  kill(): Promise<void>
}

const startMs = Date.UTC(2026, 5, 1)
/** Of real time, for the thread of a busy machine. */
const patienceMs = 15_000

export class LogRig implements AsyncDisposable {
  log: RunningLog
  readonly #open: (rig: LogRig) => Promise<RunningLog>
  readonly #remove: () => void
  readonly scheduler: Scheduler
  clock: ProcessClock
  #parked = 0

  private constructor(
    open: (rig: LogRig) => Promise<RunningLog>,
    remove: () => void,
    scheduler: Scheduler,
  ) {
    this.#open = open
    this.#remove = remove
    this.scheduler = scheduler
    this.clock = new ProcessClock(scheduler, 0)
    this.log = undefined as unknown as RunningLog
  }

  static async start(
    open: (rig: LogRig) => Promise<RunningLog>,
    remove: () => void,
  ): Promise<LogRig> {
    const rig = new LogRig(open, remove, new Scheduler(startMs))
    rig.log = await open(rig)
    return rig
  }

  readonly soon = (run: () => void): void => {
    this.clock.after(0, run)
  }

  readonly onParked = (): void => {
    this.#parked++
  }

  parked(): number {
    return this.#parked
  }

  /** Sets how far the log's clock is off. */
  skew(ms: number): void {
    this.clock.skewMs = ms
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

  /** Lets time pass until the promise settles. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const watch = () => {
      settled = true
    }
    promise.then(watch, watch)
    const startedMs = performance.now()
    while (!settled) {
      if (performance.now() - startedMs > patienceMs) throw new Error('did not settle')
      await this.step()
    }
    return promise
  }

  async until(reached: () => Promise<boolean>): Promise<void> {
    const startedMs = performance.now()
    while (!(await reached())) {
      if (performance.now() - startedMs > patienceMs) throw new Error('was not reached')
      await this.step()
    }
  }

  /** As after SIGKILL; the log is opened again on what is durable. */
  async crash(): Promise<void> {
    const killed = this.log.kill()
    this.clock.kill()
    await killed
    this.clock = new ProcessClock(this.scheduler, this.clock.skewMs)
    this.log = await this.#open(this)
  }

  async end(): Promise<void> {
    await this.finish(this.log.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    this.#remove()
  }
}
