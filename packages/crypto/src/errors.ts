// The one error type of this package. Every function that refuses its input throws it and leaves
// all state that the caller holds as it was.

/**
 * - `duplicate`: the key of this message is gone: it was delivered before (or skipped long ago).
 * - `invalid-message`: malformed, tampered with, or not for this session.
 * - `no-session`: there is no session that could be used.
 * - `untrusted-identity`: the identity key is not the one of the sessions in the record.
 * - `invalid-key`: a public key of the wrong form or of low order, a private key of wrong length.
 * - `invalid-signature`: a prekey that the identity key did not sign.
 * - `too-far-ahead`: the message lies further ahead than a receiver will derive keys for.
 * - `unsupported-version`: another protocol version, or no post-quantum ratchet.
 * - `missing-prekey`: the private prekeys passed are not the ones that the message names.
 * - `invalid-state`: a stored record or state that this version cannot read.
 * - `invalid-argument`: a caller's mistake, such as a device number out of range.
 */
export type CryptoErrorCode =
  | 'duplicate'
  | 'invalid-message'
  | 'no-session'
  | 'untrusted-identity'
  | 'invalid-key'
  | 'invalid-signature'
  | 'too-far-ahead'
  | 'unsupported-version'
  | 'missing-prekey'
  | 'invalid-state'
  | 'invalid-argument'

/** Never holds a key or a plaintext; `cause` is what the platform or @noble said. */
export class CryptoError extends Error {
  readonly code: CryptoErrorCode

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CryptoError'
    this.code = code
  }
}
