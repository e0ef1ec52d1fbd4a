// What a platform can do on Curve25519, and the reference that does it everywhere.

import { concatBytes, equalBytes, littleEndian } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { ed25519, sha512, x25519 } from './primitives.ts'

const { Point } = ed25519
const { Fn, Fp } = Point

/** An EC public key travels as this byte and 32 bytes of Curve25519. */
export const EC_KEY_TYPE = 0x05

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

/** As platforms have it: the commitment is compared byte by byte, so no cofactor is cleared. */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const commitment = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const key = pointOf(publicKey)
  if (signature.length !== 64 || s >= Fn.ORDER || key === undefined) return false
  const hash = sha512(concatBytes(commitment, publicKey, message))
  const challenge = Fn.create(littleEndian(hash))
  const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(challenge))
  return equalBytes(expected.toBytes(), commitment)
}

function pointOf(publicKey: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(publicKey)
  } catch {
    return undefined
  }
}

/**
 * Whether an Ed25519 key of 32 bytes is spelled as RFC 8032, 5.1.3, has it: y below p, and no sign
 * where x is 0. Not all platforms look at that.
 */
export function isCanonicalKey(publicKey: Uint8Array): boolean {
  const encoded = littleEndian(publicKey)
  const signed = encoded >> 255n === 1n
  const y = BigInt.asUintN(255, encoded)
  return publicKey.length === 32 && y < Fp.ORDER && !(signed && (y === 1n || y === Fp.ORDER - 1n))
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
