// What our side can be asked to do in any runtime: a job goes in and what came of it comes out, both
// as JSON, so that a process or a page can be handed one.

import type { Curve25519 } from '@parley/crypto'
import { compareVerdicts, type Verdicts } from './differential.ts'
import { runDowngrade } from './downgrade.ts'
import type { Expectation } from './expectations.ts'
import type { Oracle } from './oracle-link.ts'
import type { Observations } from './observations.ts'
import { runRefused } from './refused.ts'
import { replay, runInterop, type RunResult } from './run.ts'
import type { Schedule } from './schedule.ts'

export type Job =
  | { kind: 'run'; expectation: Expectation; oracle: string; deliveries: number; seed: number }
  | { kind: 'mutations'; oracle: string; mutations: number; seed: number }
  | { kind: 'replay'; oracle: string; schedule: Schedule }

export type JobResult =
  | ({ kind: 'run' } & RunResult)
  | ({ kind: 'observations' } & Observations)
  | ({ kind: 'mutations' } & Verdicts)
  | { kind: 'replay'; problem: string | undefined }

/** What a runtime gives our side. */
export interface Surroundings {
  curve: Curve25519
  openOracle(version: string): Promise<Oracle>
}

export async function perform(job: Job, { curve, openOracle }: Surroundings): Promise<JobResult> {
  await using oracle = await openOracle(job.oracle)
  switch (job.kind) {
    case 'run': {
      const { deliveries, seed, expectation } = job
      const options = { oracle, curve, deliveries, seed, openOracle }
      if (expectation === 'full') return { kind: 'run', ...(await runInterop(options)) }
      const observe = expectation === 'downgrade' ? runDowngrade : runRefused
      return { kind: 'observations', ...(await observe(options)) }
    }
    case 'mutations': {
      const { mutations, seed } = job
      return { kind: 'mutations', ...(await compareVerdicts({ oracle, curve, mutations, seed })) }
    }
    case 'replay': {
      const options = { oracle, curve, deliveries: 0, seed: job.schedule.seed }
      return { kind: 'replay', problem: await replay(options, job.schedule) }
    }
  }
}
