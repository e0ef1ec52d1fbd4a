// AES-256-GCM (NIST SP 800-38D) as chunked encryption uses it: keys of 32 bytes, nonces of 12, no
// associated data, the tag of 16 bytes at the end of the ciphertext. What a platform has to do is
// one small interface; `nobleAesGcm` is the reference, the same everywhere.

import { CryptoError } from './errors.ts'
import { aesGcmOpen, aesGcmSeal } from './primitives.ts'

export const AES_KEY_BYTES = 32
export const NONCE_BYTES = 12
export const TAG_BYTES = 16

/** Takes copies: what was passed in may change as soon as a call has returned. */
export interface AesGcmKey {
  /** No nonce may come twice: that gives plaintexts and the power to forge away. */
  seal(nonce: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>
  /** Rejects with `invalid-message` what was not sealed with this key and nonce. */
  open(nonce: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array>
}

/** Rejects with `invalid-argument` when the key does not have 32 bytes. */
export type AesGcm = (key: Uint8Array) => Promise<AesGcmKey>

/** The reference: @noble, the same everywhere. */
export const nobleAesGcm: AesGcm = async (key) => {
  checkKey(key)
  const own = Uint8Array.from(key)
  return {
    async seal(nonce, plaintext) {
      checkNonce(nonce)
      return aesGcmSeal({ key: own, nonce }, plaintext)
    },
    async open(nonce, ciphertext) {
      checkSealed(nonce, ciphertext)
      try {
        return aesGcmOpen({ key: own, nonce }, ciphertext)
      } catch (cause) {
        throw notSealed(cause)
      }
    },
  }
}

/** For the backends, which differ in what they say to such input. */
export function checkKey(key: Uint8Array): void {
  if (key.length === AES_KEY_BYTES) return
  throw new CryptoError('invalid-argument', 'a key of AES-256 has 32 bytes')
}

export function checkNonce(nonce: Uint8Array): void {
  if (nonce.length === NONCE_BYTES) return
  throw new CryptoError('invalid-argument', 'a nonce has 12 bytes')
}

export function checkSealed(nonce: Uint8Array, ciphertext: Uint8Array): void {
  checkNonce(nonce)
  if (ciphertext.length >= TAG_BYTES) return
  throw new CryptoError('invalid-message', 'the ciphertext is shorter than a tag')
}

export function notSealed(cause: unknown): CryptoError {
  return new CryptoError('invalid-message', 'not sealed with this key and nonce', { cause })
}
