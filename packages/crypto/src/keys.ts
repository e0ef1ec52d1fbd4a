// Curve25519 key pairs, the shapes in which keys travel through this package, and XEdDSA signing.

import { concatBytes, littleEndian } from './bytes.ts'
import type { Curve25519 } from './curve.ts'
import {
  baseMultiple,
  clamped,
  EC_KEY_TYPE,
  fromScalar,
  montgomeryKey,
  toScalar,
} from './edwards.ts'
import { drawn, type RandomBytes, sha512 } from './primitives.ts'

export interface KeyPair {
  /** 33 bytes: 0x05 and the 32 of Curve25519. */
  publicKey: Uint8Array
  /** 32 bytes, clamped. */
  privateKey: Uint8Array
}

/** Keeps the hash that makes the nonce apart from the one of the challenge. */
const HASH_PREFIX = new Uint8Array(32).fill(0xff)
HASH_PREFIX[0] = 0xfe

/** u = 9, whose multiples are the public keys (RFC 7748, section 4.1). */
const BASE_POINT = Uint8Array.of(EC_KEY_TYPE, 9, ...new Uint8Array(31))

/** X25519 (RFC 7748, section 6.1). Throws `invalid-argument` when the source gives too little. */
export function generateKeyPair(random: RandomBytes): KeyPair {
  return keyPairFromSecret(drawn(random, 32))
}

/** As `generateKeyPair`, by the platform where it can. */
export async function generateKeyPairWith(
  curve: Curve25519,
  random: RandomBytes,
): Promise<KeyPair> {
  const privateKey = clamped(drawn(random, 32))
  const shared = await curve.agree(privateKey, BASE_POINT)
  return { publicKey: concatBytes(Uint8Array.of(EC_KEY_TYPE), shared), privateKey }
}

/** The key pair whose private key is these 32 uniformly random bytes, clamped. */
export function keyPairFromSecret(secret: Uint8Array): KeyPair {
  const privateKey = clamped(secret)
  return { publicKey: montgomeryKey(baseMultiple(littleEndian(privateKey))), privateKey }
}

/**
 * XEdDSA (section 3 there) as libsignal has it: the sign bit of the Edwards key is the top bit of
 * the last of 64 bytes. The nonce hangs on key and message too, so a generator that repeats itself
 * gives no key away. Throws `invalid-key` unless the private key has 32 bytes.
 */
export function sign(privateKey: Uint8Array, message: Uint8Array, random: RandomBytes): Uint8Array {
  const secret = littleEndian(clamped(privateKey))
  const key = baseMultiple(secret)
  const nonce = toScalar(sha512(concatBytes(HASH_PREFIX, privateKey, message, drawn(random, 64))))
  const commitment = baseMultiple(nonce)
  const challenge = toScalar(sha512(concatBytes(commitment, key, message)))
  const signature = concatBytes(commitment, fromScalar(nonce + challenge * secret))
  signature[63] = (signature[63] ?? 0) | ((key[31] ?? 0) & 0x80)
  return signature
}
