// Checks of public keys and XEdDSA signatures: all that a server may import of this package.

import { concatBytes, equalBytes, littleEndian } from './bytes.ts'
import { ed25519, sha512 } from './primitives.ts'

const { Point } = ed25519
const { Fp, Fn } = Point
type Point = InstanceType<typeof Point>

/** The u-coordinates of low order that are canonical; 1 and the two of order eight are listed. */
const LOW_ORDER = new Set([
  0n,
  1n,
  Fp.ORDER - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
])

/**
 * 33 bytes of the right type whose u-coordinate is canonical and not of low order, so that every
 * point has one spelling and no shared secret is known beforehand.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 33 || bytes[0] !== 0x05) return false
  const u = littleEndian(bytes.subarray(1))
  return u < Fp.ORDER && !LOW_ORDER.has(u)
}

/**
 * XEdDSA as libsignal has it: the sign bit of the Edwards key is the top bit of the last byte.
 * Accepts only one encoding of each signature.
 */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || !isPublicKey(publicKey)) return false
  const response = Uint8Array.from(signature.subarray(32))
  const signBit = (response[31] ?? 0) & 0x80
  response[31] = (response[31] ?? 0) & 0x7f
  const s = littleEndian(response)
  const key = edwardsPoint(publicKey, signBit)
  if (s >= Fn.ORDER || key === undefined) return false
  const commitment = signature.subarray(0, 32)
  const hash = sha512(concatBytes(commitment, key.toBytes(), message))
  const challenge = Fn.create(littleEndian(hash))
  const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(challenge))
  return equalBytes(expected.toBytes(), commitment)
}

/**
 * Whether no other key gives the same shared secrets. A key that adds a point of small order does,
 * and could pass an old message off as one with a new key.
 */
export function isTorsionFree(publicKey: Uint8Array): boolean {
  return isPublicKey(publicKey) && edwardsPoint(publicKey, 0)?.isTorsionFree() === true
}

/** The Edwards point of this Montgomery key; none when it lies on the twist. */
function edwardsPoint(publicKey: Uint8Array, signBit: number): Point | undefined {
  const u = littleEndian(publicKey.subarray(1))
  const y = Fp.toBytes(Fp.mul(Fp.sub(u, 1n), Fp.inv(Fp.add(u, 1n))))
  y[31] = (y[31] ?? 0) | signBit
  try {
    return Point.fromBytes(y)
  } catch {
    return undefined
  }
}
