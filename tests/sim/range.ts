/**
 * Runs many seeds in several processes, shows how far it is, and can be stopped with a verdict. A
 * process that dies or hangs costs the seed that it ran, and another one goes on.
 */
import { join } from 'node:path'
import { Coverage } from './coverage.ts'
import type { Met } from './coverage.ts'
import type { Plant } from './plants.ts'
import { showProgress } from './progress.ts'
import type { StormName } from './storms.ts'
import { startWorker } from './worker.ts'
import type { Worker } from './worker.ts'
import type { RunOutcome } from './world.ts'

export interface Range {
  first: number
  last: number
  plant: Plant | undefined
  storm: StormName
  /** Processes. */
  jobs: number
}

export interface RangeOutcome {
  /** Run to their end. */
  seeds: number
  steps: number
  sent: number
  crashes: number
  failed: { seed: number; invariant: string; byCrash: boolean }[]
  met: Met
  seconds: number
  /** It was stopped before all seeds had run. */
  partial: boolean
}

export interface Manner {
  /** Says on stderr what failed, and on a terminal how far it is. */
  talks: boolean
  stopsAtFailure: boolean
  /** Ends it with what is known until then. */
  signal?: AbortSignal
  /** Called after each seed. */
  onSeed?: (outcome: RangeOutcome) => void
  /** The program that runs seeds, and how long it may take for one. */
  worker?: { command: readonly string[]; patienceMs: number }
}

/** After so many seeds a process gives its memory back by ending. */
const seedsPerWorker = 50
/** A seed takes seconds; some take minutes on a busy machine. */
const patienceMs = 10 * 60_000

class Run {
  readonly #manner: Manner
  readonly #range: Range
  readonly #coverage = new Coverage()
  readonly #startMs = performance.now()
  readonly outcome: RangeOutcome
  #next: number
  stopped = false

  constructor(range: Range, manner: Manner) {
    this.#range = range
    this.#manner = manner
    this.#next = range.first
    const { met } = this.#coverage
    const none = { seeds: 0, steps: 0, sent: 0, crashes: 0, seconds: 0 }
    this.outcome = { ...none, failed: [], met, partial: true }
  }

  get total(): number {
    return this.#range.last - this.#range.first + 1
  }

  get hasMore(): boolean {
    return !this.stopped && this.#next <= this.#range.last
  }

  take(): number | undefined {
    return this.hasMore ? this.#next++ : undefined
  }

  count(seed: RunOutcome): void {
    const { outcome } = this
    outcome.seeds++
    outcome.steps += seed.steps
    outcome.sent += seed.sent
    outcome.crashes += seed.crashes
    outcome.seconds = (performance.now() - this.#startMs) / 1_000
    outcome.partial = outcome.seeds < this.total
    this.#coverage.add(seed.met)
    if (seed.failure) {
      const { invariant, byCrash } = seed.failure
      outcome.failed.push({ seed: seed.seed, invariant, byCrash })
    }
    if (this.#manner.talks) showProgress(outcome, seed, this.total)
    this.#manner.onSeed?.(outcome)
    if (seed.failure && this.#manner.stopsAtFailure) this.stopped = true
  }
}

export async function runRange(range: Range, manner: Manner): Promise<RangeOutcome> {
  const run = new Run(range, manner)
  const workers = new Set<Worker>()
  const stop = () => {
    run.stopped = true
    for (const worker of workers) worker.kill()
  }
  manner.signal?.addEventListener('abort', stop)
  const { command, patienceMs: patience } = manner.worker ?? ownWorker(range)
  const work = async () => {
    while (run.hasMore) {
      const worker = startWorker(command, patience)
      workers.add(worker)
      await runSome(run, worker)
      await worker.end()
      workers.delete(worker)
    }
  }
  await Promise.all(Array.from({ length: Math.min(range.jobs, run.total) }, work))
  manner.signal?.removeEventListener('abort', stop)
  run.outcome.failed.sort((a, b) => a.seed - b.seed)
  if (manner.talks && process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return run.outcome
}

/** Until the process has done its share, or is not there any more. */
async function runSome(run: Run, worker: Worker): Promise<void> {
  for (let count = 0; count < seedsPerWorker; count++) {
    const seed = run.take()
    if (seed === undefined) return
    const answer = await worker.ask(seed)
    if (typeof answer !== 'string') {
      run.count(answer)
      continue
    }
    if (!run.stopped) run.count(failedWith(seed, answer))
    return
  }
}

function failedWith(seed: number, how: 'died' | 'hangs'): RunOutcome {
  const message = `the process that ran it ${how}`
  const failure = { invariant: how, message, byCrash: false }
  return { seed, steps: 0, sent: 0, crashes: 0, traceHash: '', failure, met: {} }
}

function ownWorker({ plant, storm }: Range) {
  const planted = plant === undefined ? [] : ['--plant', plant]
  const program = join(import.meta.dirname, 'main.ts')
  const command = [process.execPath, program, '--worker', '--storm', storm, ...planted]
  return { command, patienceMs }
}
