// What a job found, held against what was expected, for people and for scripts.

import type { Job, JobResult } from './jobs.ts'
import type { Observations } from './observations.ts'
import type { Problem, RunResult } from './run.ts'
import type { Verdicts } from './verdicts.ts'

/** What scripts read. */
export interface Verdict {
  deliveries: number
  errors: number
  mutations: number
  seconds: number
}

export interface Report {
  verdict: Verdict
  problems: Problem[]
  /** What was counted. */
  details: Record<string, number>
}

export function judge(job: Job, result: JobResult, seconds: number): Report {
  const found = judged(job, result)
  const { deliveries = 0, mutations = 0 } = found
  const verdict = { deliveries, errors: found.problems.length, mutations, seconds }
  return { verdict, problems: found.problems, details: found.details }
}

interface Found {
  deliveries?: number
  mutations?: number
  problems: Problem[]
  details: Record<string, number>
}

function judged(job: Job, result: JobResult): Found {
  switch (result.kind) {
    case 'run':
      return ofRun(job, result)
    case 'observations':
      return ofObservations(job, result)
    case 'mutations':
      return ofMutations(result)
    case 'replay': {
      const problems = result.problem === undefined ? [] : [{ text: result.problem }]
      return { problems, details: {} }
    }
  }
}

function ofRun(job: Job, { totals, problems }: RunResult): Found {
  const { deliveries, errors: _, ...details } = totals
  return { deliveries, problems: [...problems, ...tooFew(job, deliveries)], details }
}

/** Nothing at all may come from a version that is to be refused. */
function ofObservations(job: Job, { deliveries, seen, problems }: Observations): Found {
  const wanted = job.kind === 'run' && job.expectation === 'refused' ? 0 : undefined
  const tooMany = deliveries > (wanted ?? deliveries) ? [{ text: 'messages were opened' }] : []
  const nothing = Object.keys(seen).length === 0 ? [{ text: 'nothing was tried' }] : []
  const few = wanted === undefined ? tooFew(job, deliveries) : []
  return { deliveries, problems: [...problems, ...tooMany, ...nothing, ...few], details: seen }
}

function tooFew(job: Job, deliveries: number): Problem[] {
  if (job.kind !== 'run' || deliveries >= job.deliveries) return []
  return [{ text: `${deliveries} of ${job.deliveries} messages arrived` }]
}

function ofMutations(verdicts: Verdicts): Found {
  const { mutants, bothAccept, bothRefuse, stricter, kinds, disagreements } = verdicts
  const reasons = Object.entries(stricter).map(([why, count]) => [`stricter here: ${why}`, count])
  return {
    mutations: mutants,
    problems: disagreements.map((text) => ({ text })),
    details: {
      'messages spoilt': mutants,
      'ways to spoil one': Object.keys(kinds).length,
      'taken by both': bothAccept,
      'refused by both': bothRefuse,
      ...Object.fromEntries(reasons),
      'judged apart without a reason': disagreements.length,
    },
  }
}
