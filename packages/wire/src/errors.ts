/**
 * Refusals of a Send and errors of the HTTP API, each with what the client must do. One table for
 * both sides.
 */

export type RejectAction = 're-encrypt' | 'restamp' | 'repeat' | 'retry-later' | 'fail'

/** Names of the wire's RejectCode, with the number and the action. */
export const rejectReasons = {
  'devices-changed': { code: 1, action: 're-encrypt' },
  'stamp-ahead': { code: 2, action: 'restamp' },
  'unknown-log': { code: 3, action: 'fail' },
  'too-large': { code: 4, action: 'fail' },
  'too-fast': { code: 5, action: 'retry-later' },
  unavailable: { code: 6, action: 'retry-later' },
  'out-of-order': { code: 7, action: 'repeat' },
} as const satisfies Record<string, { code: number; action: RejectAction }>

export type RejectReason = keyof typeof rejectReasons

/** The reason of a wire code; an unknown code is a refusal for good. */
export function rejectReasonOf(code: number): RejectReason {
  for (const [reason, entry] of Object.entries(rejectReasons)) {
    if (entry.code === code) return reason as RejectReason
  }
  return 'unknown-log'
}

/** `code` of the HTTP API's error body, its status, and a sentence that says what to do. */
export const apiErrors = {
  'invalid-request': {
    status: 400,
    says: 'The request is not understood. Check it against /openapi.json.',
  },
  'invalid-phone': {
    status: 400,
    says: 'That is not a phone number. Write it with its country code, like +4915112345678.',
  },
  'invalid-list': {
    status: 400,
    says: 'The device list does not continue the one that the server has.',
  },
  'invalid-prekeys': {
    status: 400,
    says: 'A prekey is malformed or its signature does not verify.',
  },
  'wrong-code': {
    status: 403,
    says: 'That code is not right. Check the newest message and type it again.',
  },
  'code-expired': { status: 410, says: 'That code has expired. Ask for a new one.' },
  'code-tries-used': { status: 410, says: 'Too many wrong codes. Ask for a new one.' },
  'token-missing': { status: 401, says: 'Send an access token.' },
  'token-expired': {
    status: 401,
    says: 'The access token has expired. Get a new one with the refresh token.',
  },
  'token-invalid': { status: 401, says: 'The token is not valid. Log in again.' },
  'token-reused': {
    status: 401,
    says: 'That refresh token was used before, so this device was logged out. Log in again.',
  },
  'device-revoked': {
    status: 403,
    says: 'This device is no longer on its account. Register again.',
  },
  forbidden: { status: 403, says: 'This is not yours.' },
  'unknown-account': { status: 404, says: 'Nobody is registered there.' },
  'not-found': { status: 404, says: 'There is nothing here.' },
  'list-conflict': {
    status: 409,
    says: 'The device list changed meanwhile. Fetch it and try again.',
  },
  'too-large': { status: 413, says: 'That is larger than allowed.' },
  'too-many-requests': { status: 429, says: 'Too many requests. Wait and try again.' },
  'lookup-budget': {
    status: 429,
    says: "Today's look-ups of new numbers are used up. Try again tomorrow.",
  },
  internal: { status: 500, says: 'The server made a mistake. Its log has the details.' },
  unavailable: { status: 503, says: 'The server cannot do this just now. Try again soon.' },
  'storage-full': {
    status: 507,
    says: 'The server has no room left. Its operator must free some.',
  },
} as const satisfies Record<string, { status: number; says: string }>

export type ApiErrorCode = keyof typeof apiErrors
