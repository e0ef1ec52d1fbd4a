/**
 * How a command ends when it does not end well: a sentence for people and an exit status for
 * scripts.
 */
import { ParleyError } from '@parley/sdk'
import type { ClientProblem } from '@parley/sdk'

export const exitStatus = {
  done: 0,
  failed: 1,
  usage: 2,
  notLoggedIn: 3,
  unreachable: 4,
  refused: 5,
} as const

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus]

export class CliFailure extends Error {
  override readonly name = 'CliFailure'
  readonly status: ExitStatus
  constructor(status: ExitStatus, says: string, options?: ErrorOptions) {
    super(says, options)
    this.status = status
  }
}

const statusOf: Readonly<Partial<Record<ClientProblem['code'], ExitStatus>>> = {
  'server-unreachable': exitStatus.unreachable,
  'not-registered': exitStatus.notLoggedIn,
  'token-expired': exitStatus.notLoggedIn,
  revoked: exitStatus.notLoggedIn,
  refused: exitStatus.refused,
  'wrong-code': exitStatus.refused,
  'code-expired': exitStatus.refused,
  'unknown-recipient': exitStatus.refused,
  'too-many-requests': exitStatus.refused,
}

/** What helps on a command line is sometimes a command. */
const hints: Readonly<Partial<Record<ClientProblem['code'], string>>> = {
  'not-registered': 'Run: parley register --phone NUMBER',
  'token-expired': 'Run: parley register --phone NUMBER',
  'key-changed': 'Run: parley safety-number TO --accept',
}

export function failureOf(problem: ClientProblem, cause?: unknown): CliFailure {
  const hint = hints[problem.code]
  const says = hint ? `${problem.says} ${hint}` : problem.says
  return new CliFailure(statusOf[problem.code] ?? exitStatus.failed, says, { cause })
}

export function asCliFailure(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error
  if (error instanceof ParleyError) return failureOf(error.problem, error)
  const says = error instanceof Error ? error.message : String(error)
  return new CliFailure(exitStatus.failed, `Something unexpected went wrong: ${says}`, {
    cause: error,
  })
}
