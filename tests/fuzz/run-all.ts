/** Several targets, a few at once, in order. */
import type { Target } from './target.ts'
import { type Report, type RunOptions, runTarget } from './watch.ts'

export interface RunAllOptions extends Omit<RunOptions, 'progress'> {
  /** Targets at once. */
  parallel: number
  ended?: (report: Report) => void
  progress?: (target: string, inputs: number) => void
}

/** Reports in the order of the targets. */
export function runAll(targets: readonly Target[], options: RunAllOptions): Promise<Report[]> {
  return Promise.all(startAll(targets, options).values())
}

/** By name, each as soon as its turn has ended. */
export function startAll(
  targets: readonly Target[],
  options: RunAllOptions,
): Map<string, Promise<Report>> {
  const { ended, parallel, progress, ...rest } = options
  const waiting = targets.map((target) => ({ target, report: Promise.withResolvers<Report>() }))
  const reports = new Map(waiting.map(({ target, report }) => [target.name, report.promise]))
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { report, target } = next
      const told = (inputs: number) => progress?.(target.name, inputs)
      const run = runTarget(target, { ...rest, progress: told })
      report.resolve(run)
      const outcome = await run.catch(() => undefined)
      if (outcome) ended?.(outcome)
    }
  }
  for (let worker = 0; worker < parallel; worker++) void work()
  return reports
}
