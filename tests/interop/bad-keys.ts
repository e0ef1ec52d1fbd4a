// Public keys that nobody honest has: of low order, spelt beyond the prime, or with a point of small
// order added, which gives the same shared secrets as the key without.

import { littleEndian } from '../../packages/crypto/src/bytes.ts'
import { ed25519 } from '../../packages/crypto/src/primitives.ts'
import type { Dice } from './random.ts'

const { Point } = ed25519
const { Fp } = Point
const PRIME = Fp.ORDER
const KEY_TYPE = 5
/** Of the points of order 8 (RFC 7748 has their bytes), beside those of order 1, 2 and 4. */
const ORDER_EIGHT = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
]
const LOW_ORDER = [0n, 1n, ...ORDER_EIGHT, PRIME - 1n, PRIME, PRIME + 1n]

export function lowOrderKey(dice: Dice): Uint8Array {
  return keyOf(LOW_ORDER[dice.below(LOW_ORDER.length)] ?? 0n)
}

/** A second spelling of a small number: between the prime and 2^255. */
export function nonCanonicalKey(dice: Dice): Uint8Array {
  return keyOf(PRIME + BigInt(dice.below(19)))
}

/** The key plus a point of order 2, 4 or 8. */
export function withTorsion(key: Uint8Array, dice: Dice): Uint8Array {
  const u = littleEndian(key.subarray(1))
  const y = Fp.mul(Fp.sub(u, 1n), Fp.inv(Fp.add(u, 1n)))
  const point = Point.fromBytes(Fp.toBytes(y))
  const sum = point.add(torsionPoint().multiplyUnsafe(BigInt(1 + dice.below(7))))
  return keyOf(Fp.mul(Fp.add(1n, sum.y), Fp.inv(Fp.sub(1n, sum.y))))
}

/** Of order 8. */
function torsionPoint() {
  const [u = 0n] = ORDER_EIGHT
  return Point.fromBytes(Fp.toBytes(Fp.mul(Fp.sub(u, 1n), Fp.inv(Fp.add(u, 1n)))))
}

function keyOf(u: bigint): Uint8Array {
  const bytes = new Uint8Array(33)
  bytes[0] = KEY_TYPE
  let rest = u
  for (let at = 1; at < 33; at++) {
    bytes[at] = Number(rest & 255n)
    rest >>= 8n
  }
  return bytes
}
