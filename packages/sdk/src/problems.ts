/**
 * Failures that a person can act on: one sentence for each code, and the mapping of what store,
 * server and cryptography throw onto ParleyError. The facade lets nothing else out.
 */
import { CryptoError } from '@parley/crypto'
import { apiErrors, WireError } from '@parley/wire'
import type { ApiErrorCode } from '@parley/wire'
import { StoreError } from './platform/ports.ts'
import { ParleyError } from './types.ts'
import type { ClientProblem, ProblemCode } from './types.ts'

/** The server answered a request with an error of the API's table. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly code: ApiErrorCode
  readonly retryAfterS: number | undefined
  /** `says`: a sentence that knows more than the table's. */
  constructor(code: ApiErrorCode, retryAfterS: number | undefined, says?: string) {
    super(says ?? apiErrors[code].says)
    this.code = code
    this.retryAfterS = retryAfterS
  }
}

const sentences: Record<ProblemCode, string> = {
  'server-unreachable':
    'The server cannot be reached. Check the network and the address of the server; it is tried again by itself.',
  refused: 'The server refused this. Update the app, then try again.',
  'wrong-code': 'That code is not right. Check the newest message and type it again.',
  'code-expired': 'That code has expired. Ask for a new one.',
  'unknown-recipient': 'Nobody is registered there. Check the number or the link.',
  'too-long': 'The message is longer than 65,536 bytes. Shorten it or send it in parts.',
  empty: 'The message is empty. Write something first.',
  'clock-off':
    'The clock of this device is more than five minutes off. Set it right; messages use the time of the server meanwhile.',
  'token-expired': 'This login has expired. Register this device again.',
  revoked:
    'This device is no longer on its account. Register again to go on; what is here stays readable.',
  'rolled-back':
    'This profile was restored from an older state. It is being linked anew before anything is sent.',
  'key-changed':
    'The safety number of this person has changed. Compare it with them, or accept it, to send again.',
  'disk-full': 'The disk is full, so nothing was saved. Free some room and try again.',
  'store-corrupt':
    'The local database is damaged. Copy the profile folder away, then log out and register again with the recovery key.',
  'store-newer': 'The local database is of a newer version. Update the app to open it.',
  'profile-busy': 'Another program uses this profile. Close it or choose another profile.',
  'not-registered': 'This profile is not registered. Register first.',
  'too-many-requests': 'Too many requests. Wait a while and try again.',
  expired: 'This message was not delivered within 90 days. Send it again if it still matters.',
  'no-crypto': 'There is no secure source of randomness here. Use an up-to-date browser or system.',
  'engine-lost':
    'The tab that was doing this was closed. Look whether it was done before you try again.',
  internal: 'Something went wrong inside the app. Try again; if it stays, report it.',
}

export function problemOf(code: ProblemCode, says?: string): ClientProblem {
  return { code, says: says ?? sentences[code] }
}

export function parleyError(code: ProblemCode, cause?: unknown, says?: string): ParleyError {
  return new ParleyError(problemOf(code, says), cause === undefined ? undefined : { cause })
}

const apiProblems: Record<ApiErrorCode, ProblemCode> = {
  'invalid-request': 'refused',
  'invalid-phone': 'unknown-recipient',
  'invalid-list': 'refused',
  'invalid-prekeys': 'refused',
  'wrong-code': 'wrong-code',
  'code-expired': 'code-expired',
  'code-tries-used': 'code-expired',
  'token-missing': 'token-expired',
  'token-expired': 'token-expired',
  'token-invalid': 'token-expired',
  'token-reused': 'token-expired',
  'device-revoked': 'revoked',
  forbidden: 'refused',
  'unknown-account': 'unknown-recipient',
  'not-found': 'refused',
  'list-conflict': 'refused',
  'too-large': 'refused',
  'too-many-requests': 'too-many-requests',
  'lookup-budget': 'too-many-requests',
  internal: 'refused',
  unavailable: 'server-unreachable',
  'storage-full': 'server-unreachable',
}

const storeProblems: Record<StoreError['reason'], ProblemCode> = {
  full: 'disk-full',
  corrupt: 'store-corrupt',
  newer: 'store-newer',
  busy: 'profile-busy',
  failed: 'internal',
}

/** What anything thrown means to a person; a ParleyError is passed through. */
export function asParleyError(error: unknown): ParleyError {
  if (error instanceof ParleyError) return error
  if (error instanceof ApiFailure) {
    return parleyError(apiProblems[error.code], error, error.message)
  }
  if (error instanceof StoreError) return parleyError(storeProblems[error.reason], error)
  if (error instanceof WireError || error instanceof CryptoError) {
    return parleyError('refused', error)
  }
  return parleyError('internal', error)
}
