// Curve25519 key pairs, the shapes in which keys travel through this package, the interface of a
// Diffie-Hellman backend with its reference implementation, and XEdDSA signing.

import { concatBytes, littleEndian } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { ed25519, type RandomBytes, sha512, x25519 } from './primitives.ts'

/** An EC public key travels as this byte and 32 bytes of Curve25519. */
const EC_KEY_TYPE = 0x05

export interface KeyPair {
  /** 33 bytes: 0x05 and the 32 of Curve25519. */
  publicKey: Uint8Array
  /** 32 bytes, clamped. */
  privateKey: Uint8Array
}

/**
 * X25519 of a private key (32 bytes) and a public one (33). Rejects with `invalid-key` when the
 * outcome would be all zero.
 */
export type DiffieHellman = (privateKey: Uint8Array, publicKey: Uint8Array) => Promise<Uint8Array>

/** Keeps the hash that makes the nonce apart from the one of the challenge. */
const HASH_PREFIX = new Uint8Array(32).fill(0xff)
HASH_PREFIX[0] = 0xfe

export function generateKeyPair(random: RandomBytes): KeyPair {
  return keyPairFromSecret(random(32))
}

/** The key pair whose private key is these 32 uniformly random bytes, clamped. */
export function keyPairFromSecret(secret: Uint8Array): KeyPair {
  if (secret.length !== 32) throw new CryptoError('invalid-key', 'a secret must have 32 bytes')
  const privateKey = Uint8Array.from(secret)
  privateKey[0] = (privateKey[0] ?? 0) & 248
  privateKey[31] = ((privateKey[31] ?? 0) & 127) | 64
  const publicKey = concatBytes(Uint8Array.of(EC_KEY_TYPE), x25519.getPublicKey(privateKey))
  return { publicKey, privateKey }
}

/**
 * XEdDSA as libsignal has it: the sign bit of the Edwards key is the top bit of the last byte. The
 * nonce hangs on key and message too, so a generator that repeats itself gives no key away.
 */
export function sign(privateKey: Uint8Array, message: Uint8Array, random: RandomBytes): Uint8Array {
  const { BASE, Fn } = ed25519.Point
  const secret = Fn.create(littleEndian(privateKey))
  const edwardsKey = BASE.multiply(secret).toBytes()
  const nonce = scalar(sha512(concatBytes(HASH_PREFIX, privateKey, message, random(64))))
  const commitment = BASE.multiply(nonce).toBytes()
  const challenge = scalar(sha512(concatBytes(commitment, edwardsKey, message)))
  const response = Fn.toBytes(Fn.add(nonce, Fn.mul(challenge, secret)))
  const signature = concatBytes(commitment, response)
  signature[63] = (signature[63] ?? 0) | ((edwardsKey[31] ?? 0) & 0x80)
  return signature
}

/** The reference backend: @noble, the same everywhere. */
export const nobleDh: DiffieHellman = async (privateKey, publicKey) => {
  if (publicKey.length !== 33 || publicKey[0] !== EC_KEY_TYPE) {
    throw new CryptoError('invalid-key', 'a public key must be 0x05 and 32 bytes')
  }
  if (privateKey.length !== 32) {
    throw new CryptoError('invalid-key', 'a private key must have 32 bytes')
  }
  try {
    return x25519.getSharedSecret(privateKey, publicKey.subarray(1))
  } catch (cause) {
    throw new CryptoError('invalid-key', 'no shared secret with this key', { cause })
  }
}

function scalar(bytes: Uint8Array): bigint {
  return ed25519.Point.Fn.create(littleEndian(bytes))
}
