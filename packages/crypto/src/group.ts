// The group behind XEdDSA and its hash, by the cryptographic library. Apart from primitives.ts,
// since a server that checks signatures needs no more of it, and starts sooner without.

import { etc, Point as EdwardsPoint } from '@noble/ed25519'
import { sha512 as nobleSha512 } from '@noble/hashes/sha2.js'

/** FIPS 180-4. */
export function sha512(bytes: Uint8Array): Uint8Array {
  return nobleSha512(bytes)
}

/** `value` modulo `modulus`, never negative. */
export const modulo: (value: bigint, modulus: bigint) => bigint = etc.mod
/** The inverse modulo `modulus`; throws for 0. */
export const inverse: (value: bigint, modulus: bigint) => bigint = etc.invert

export { EdwardsPoint }
