// What a platform can do on Curve25519, and the reference that does it everywhere.

import { EC_KEY_TYPE, verifyEd25519 } from './edwards.ts'
import { CryptoError } from './errors.ts'
import { ed25519, x25519 } from './primitives.ts'

/** The costly operations; platforms do them ten times as fast as JavaScript. */
export interface Curve25519 {
  /**
   * X25519 (RFC 7748) of a private key (32 bytes) and a public one (33, 0x05 first). Rejects with
   * `invalid-key`, also when the outcome would be all zero.
   */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array>
  /**
   * Ed25519 (RFC 8032) without cofactor: public key 32 bytes, signature 64. False for whatever is
   * not valid, malformed keys included.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** Ed25519 (RFC 8032) with a 32-byte seed as private key; 64 bytes. */
  sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array>
}

/** The reference: @noble, the same everywhere. */
export const nobleCurve: Curve25519 = {
  async agree(privateKey, publicKey) {
    checkKeys(privateKey, publicKey)
    try {
      return x25519.getSharedSecret(privateKey, publicKey.subarray(1))
    } catch (cause) {
      throw noSecret(cause)
    }
  },
  async verify(publicKey, message, signature) {
    return verifyEd25519(publicKey, message, signature)
  },
  async sign(seed, message) {
    checkSeed(seed)
    return ed25519.sign(message, seed)
  },
}

export function checkKeys(privateKey: Uint8Array, publicKey: Uint8Array): void {
  if (privateKey.length !== 32) {
    throw new CryptoError('invalid-key', 'a private key must have 32 bytes')
  }
  if (publicKey.length !== 33 || publicKey[0] !== EC_KEY_TYPE) {
    throw new CryptoError('invalid-key', 'a public key must be 0x05 and 32 bytes')
  }
}

export function checkSeed(seed: Uint8Array): void {
  if (seed.length !== 32) throw new CryptoError('invalid-key', 'a seed must have 32 bytes')
}

export function noSecret(cause: unknown): CryptoError {
  return new CryptoError('invalid-key', 'no shared secret with this key', { cause })
}
