// Arithmetic on Edwards25519, the signing side of Curve25519: how keys of the two forms translate,
// the equation of Ed25519, and the group elements that XEdDSA signs with.

import { concatBytes, equalBytes, littleEndian } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { EdwardsPoint, inverse, modulo, sha512 } from './group.ts'

const { p, n } = EdwardsPoint.CURVE()

/** An EC public key travels as this byte and 32 bytes of Curve25519. */
export const EC_KEY_TYPE = 0x05
export const FIELD_PRIME = p

/** The point that is `scalar` times the base point, encoded; the scalar counts modulo the order. */
export function baseMultiple(scalar: bigint): Uint8Array {
  return EdwardsPoint.BASE.multiply(modulo(scalar, n)).toBytes()
}

/** The bytes as a little-endian number, modulo the order of the group. */
export function toScalar(bytes: Uint8Array): bigint {
  return modulo(littleEndian(bytes), n)
}

/** The number modulo the order of the group, as 32 little-endian bytes. */
export function fromScalar(scalar: bigint): Uint8Array {
  return toLittleEndian(modulo(scalar, n))
}

/** The Montgomery form u = (1 + y) / (1 - y) of an Edwards key, as a public key of 33 bytes. */
export function montgomeryKey(edwardsKey: Uint8Array): Uint8Array {
  const y = BigInt.asUintN(255, littleEndian(edwardsKey))
  const u = modulo((1n + y) * inverse(modulo(1n - y, p), p), p)
  return concatBytes(Uint8Array.of(EC_KEY_TYPE), toLittleEndian(u))
}

/** The Edwards form y = (u - 1) / (u + 1) of a public key; of one on the twist it is no point. */
export function edwardsKey(publicKey: Uint8Array, signBit: number): Uint8Array {
  const u = littleEndian(publicKey.subarray(1))
  const y = toLittleEndian(modulo((u - 1n) * inverse(modulo(u + 1n, p), p), p))
  y[31] = (y[31] ?? 0) | signBit
  return y
}

/** RFC 8032, section 5.1.5: the public key that belongs to a seed of 32 bytes. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return baseMultiple(littleEndian(clamped(sha512(seed).subarray(0, 32))))
}

/** 32 bytes as a private key of X25519 (RFC 7748, section 5). */
export function clamped(secret: Uint8Array): Uint8Array {
  if (secret.length !== 32) throw new CryptoError('invalid-key', 'a secret must have 32 bytes')
  const privateKey = Uint8Array.from(secret)
  privateKey[0] = (privateKey[0] ?? 0) & 248
  privateKey[31] = ((privateKey[31] ?? 0) & 127) | 64
  return privateKey
}

/**
 * RFC 8032, section 5.1.7, as platforms have it: the commitment is compared byte by byte, so no
 * cofactor is cleared.
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const commitment = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const key = pointOf(publicKey)
  if (signature.length !== 64 || s >= n || key === undefined) return false
  const challenge = toScalar(sha512(concatBytes(commitment, publicKey, message)))
  const expected = EdwardsPoint.BASE.multiply(s, false).subtract(key.multiply(challenge, false))
  return equalBytes(expected.toBytes(), commitment)
}

export function isPoint(key: Uint8Array): boolean {
  return pointOf(key) !== undefined
}

/** Whether the point of this Edwards key lies in the group of prime order; no point does not. */
export function isTorsionFreePoint(key: Uint8Array): boolean {
  return pointOf(key)?.isTorsionFree() === true
}

/**
 * Whether an Ed25519 key of 32 bytes is spelled as RFC 8032, 5.1.3, has it: y below p, and no sign
 * where x is 0. Not all platforms look at that.
 */
export function isCanonicalKey(publicKey: Uint8Array): boolean {
  const encoded = littleEndian(publicKey)
  const signed = encoded >> 255n === 1n
  const y = BigInt.asUintN(255, encoded)
  return publicKey.length === 32 && y < p && !(signed && (y === 1n || y === p - 1n))
}

function pointOf(key: Uint8Array): InstanceType<typeof EdwardsPoint> | undefined {
  try {
    return EdwardsPoint.fromBytes(key)
  } catch {
    return undefined
  }
}

function toLittleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 255n)
  return bytes
}
