// Checks of public keys and XEdDSA signatures: all that a server may import of this package, here
// or by the platform in signatures.bun.ts.

import { littleEndian } from './bytes.ts'
import type { Curve25519 } from './curve.ts'
import {
  EC_KEY_TYPE,
  edwardsKey,
  FIELD_PRIME,
  isPoint,
  isTorsionFreePoint,
  verifyEd25519,
} from './edwards.ts'

/** The u-coordinates of low order that are canonical; 1 and the two of order eight are listed. */
const LOW_ORDER = new Set([
  0n,
  1n,
  FIELD_PRIME - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
])

/**
 * 33 bytes of the right type whose u-coordinate is canonical and not of low order, so that every
 * point has one spelling and no shared secret is known beforehand.
 */
export function isPublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 33 || bytes[0] !== EC_KEY_TYPE) return false
  const u = littleEndian(bytes.subarray(1))
  return u < FIELD_PRIME && !LOW_ORDER.has(u)
}

/**
 * XEdDSA as libsignal has it: the sign bit of the Edwards key is the top bit of the last byte.
 * Accepts only one encoding of each signature.
 */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const translated = toEd25519(publicKey, signature)
  if (translated === undefined) return false
  return verifyEd25519(translated.key, message, translated.signature)
}

/** As `verify`, by the platform where it can. */
export async function verifyWith(
  curve: Curve25519,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const translated = toEd25519(publicKey, signature)
  if (translated === undefined) return false
  return curve.verify(translated.key, message, translated.signature)
}

interface Ed25519Signature {
  key: Uint8Array
  signature: Uint8Array
}

/** What Ed25519 (RFC 8032) would have instead: XEdDSA is the same equation over other encodings. */
export function toEd25519(
  publicKey: Uint8Array,
  signature: Uint8Array,
): Ed25519Signature | undefined {
  if (signature.length !== 64 || !isPublicKey(publicKey)) return undefined
  const plain = Uint8Array.from(signature)
  const signBit = (plain[63] ?? 0) & 0x80
  plain[63] = (plain[63] ?? 0) & 0x7f
  return { key: edwardsKey(publicKey, signBit), signature: plain }
}

/** Whether signatures of this key can be checked: keys on the twist have no Edwards form. */
export function canVerify(publicKey: Uint8Array): boolean {
  return isPublicKey(publicKey) && isPoint(edwardsKey(publicKey, 0))
}

/**
 * Whether no other key gives the same shared secrets. A key that adds a point of small order does,
 * and could pass an old message off as one with a new key.
 */
export function isTorsionFree(publicKey: Uint8Array): boolean {
  return isPublicKey(publicKey) && isTorsionFreePoint(edwardsKey(publicKey, 0))
}
