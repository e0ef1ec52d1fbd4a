/** What went wrong, as the sentence that a person reads. */
import { ParleyError } from '@parley/sdk'
import type { ClientProblem } from './types.ts'

export function problemOf(error: unknown): ClientProblem {
  if (error instanceof ParleyError) return error.problem
  const text = error instanceof Error ? error.message : String(error)
  return { code: 'internal', says: `Something went wrong in Parley itself: ${text}` }
}
