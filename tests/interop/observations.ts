// What a run found out with a version that is not expected to talk freely: each thing looked for,
// how often it was seen, and what was seen instead.

import type { Problem } from './run.ts'

export interface Observations {
  deliveries: number
  /** In words, with how often. */
  seen: Record<string, number>
  problems: Problem[]
}

export interface Observer {
  observations: Observations
  /** Counts what was looked for, or notes that it was not so. */
  expect(what: string, isSo: boolean, seenInstead?: string): void
}

export function newObserver(seed: number): Observer {
  const observations: Observations = { deliveries: 0, seen: {}, problems: [] }
  return {
    observations,
    expect(what, isSo, seenInstead = 'it was not so') {
      if (isSo) observations.seen[what] = (observations.seen[what] ?? 0) + 1
      else observations.problems.push({ text: `seed ${seed}, ${what}: ${seenInstead}` })
    },
  }
}
