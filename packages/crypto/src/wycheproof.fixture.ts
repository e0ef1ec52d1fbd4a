// For tests, in browsers too: judges an implementation by vectors in the form of Wycheproof.

import { CryptoError } from './errors.ts'

export interface Vector {
  tcId: number
  result: 'valid' | 'acceptable' | 'invalid'
  comment?: string
  flags?: string[]
}

export interface WycheproofFile {
  numberOfTests: number
  testGroups: readonly { tests: readonly object[] }[]
}

/** The vectors of a file, each with the fields of its group. */
export function vectorsOf<T extends Vector>({ testGroups, numberOfTests }: WycheproofFile): T[] {
  const vectors = testGroups.flatMap(({ tests, ...group }) =>
    tests.map((vector) => ({ ...group, ...vector })),
  )
  if (vectors.length !== numberOfTests) throw new Error('not all vectors are there')
  return vectors as T[]
}

/** What a vector leads to: bytes in hex, a yes or no, or `refused`. */
export type Outcome = string | boolean

export interface Trial<T> {
  outcome: (vector: T) => Outcome | Promise<Outcome>
  wanted: (vector: T) => Outcome
}

/** How many vectors came out as wanted, and which did not. */
export interface Verdict {
  right: number
  wrong: { tcId: number; comment: string | undefined; outcome: Outcome; wanted: Outcome }[]
}

export async function judge<T extends Vector>(
  vectors: readonly T[],
  trial: Trial<T>,
): Promise<Verdict> {
  const verdict: Verdict = { right: 0, wrong: [] }
  for (const vector of vectors) {
    const outcome = await trial.outcome(vector)
    const wanted = trial.wanted(vector)
    const { tcId, comment } = vector
    if (outcome === wanted) verdict.right++
    else verdict.wrong.push({ tcId, comment, outcome, wanted })
  }
  return verdict
}

export function isFlagged({ flags }: Vector, flag: string): boolean {
  return flags?.includes(flag) === true
}

/** Whatever is thrown counts as a refusal. */
export function orRefused(attempt: () => Outcome): Outcome {
  try {
    return attempt()
  } catch {
    return 'refused'
  }
}

/** Only an error of ours with this code is a refusal; any other one fails the test. */
export async function orRefusedWith(
  code: CryptoError['code'],
  attempt: () => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof CryptoError && error.code === code) return 'refused'
    throw error
  }
}
