/** What a person sees while seeds run: what failed, and on a terminal how far it is. */
import type { RangeOutcome } from './range.ts'
import type { RunOutcome } from './world.ts'

export function showProgress(
  outcome: Pick<RangeOutcome, 'seeds' | 'seconds' | 'failed'>,
  { seed, failure }: Pick<RunOutcome, 'seed' | 'failure'>,
  total: number,
): void {
  const { seeds, seconds, failed } = outcome
  const line = process.stderr.isTTY ? '\r\u001b[K' : ''
  if (failure) {
    const crash = failure.byCrash ? ' (without crashes it holds)' : ''
    process.stderr.write(`${line}seed ${seed}${crash}: ${failure.message}\n`)
  }
  if (!process.stderr.isTTY) return
  const left = inWords((seconds / seeds) * (total - seeds))
  process.stderr.write(`${line}${seeds} of ${total} seeds, ${failed.length} failed, ${left} left`)
}

function inWords(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}
