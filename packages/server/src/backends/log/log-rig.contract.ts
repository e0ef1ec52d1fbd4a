/** A log under test, with its clock in the test's hand. */
import { ProcessClock } from '../../../../testkit/src/sim/clock.ts'
import { SteppedTime } from '../../../../testkit/src/sim/stepped-time.ts'
import type { Log } from './log.ts'

export interface RunningLog extends Log {
  close(): Promise<void>
  kill(): Promise<void>
}

const startMs = Date.UTC(2026, 5, 1)

export class LogRig extends SteppedTime implements AsyncDisposable {
  log: RunningLog
  readonly #open: (rig: LogRig) => Promise<RunningLog>
  readonly #remove: () => void
  clock: ProcessClock
  #parked = 0

  private constructor(open: (rig: LogRig) => Promise<RunningLog>, remove: () => void) {
    super(startMs)
    this.#open = open
    this.#remove = remove
    this.clock = new ProcessClock(this.scheduler, 0)
    this.log = undefined as unknown as RunningLog
  }

  static async start(
    open: (rig: LogRig) => Promise<RunningLog>,
    remove: () => void,
  ): Promise<LogRig> {
    const rig = new LogRig(open, remove)
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
