// The incremental ML-KEM-768 must be the monolithic one, which noble tests against the NIST
// vectors.

import { describe, expect, test } from 'bun:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import fc from 'fast-check'
import { concatBytes } from './bytes.ts'
import {
  decapsulate,
  encapsulateFirst,
  encapsulateSecond,
  isVectorOf,
  kemPublicKey,
} from './kem768.ts'
import { sha3_256 } from './primitives.ts'

const seedBytes = fc.uint8Array({ minLength: 64, maxLength: 64 })
const messageBytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('incremental ML-KEM-768', () => {
  test('makes the keys, the ciphertext and the secret of the monolithic ML-KEM-768', () => {
    const property = fc.property(seedBytes, messageBytes, (seed, message) => {
      const whole = ml_kem768.keygen(seed)
      const { header, vector } = kemPublicKey(seed)
      expect(concatBytes(vector, header.subarray(0, 32))).toEqual(whole.publicKey)
      const first = encapsulateFirst(header, message)
      const ct2 = encapsulateSecond(first.pending, vector)
      const expected = ml_kem768.encapsulate(whole.publicKey, message)
      expect(concatBytes(first.ct1, ct2)).toEqual(expected.cipherText)
      expect(first.sharedSecret).toEqual(expected.sharedSecret)
      expect(decapsulate(seed, first.ct1, ct2)).toEqual(expected.sharedSecret)
    })
    fc.assert(property, { numRuns: 40 })
  })

  test('leaves what it is given as it was', () => {
    const seed = new Uint8Array(64).fill(1)
    const message = new Uint8Array(32).fill(2)
    const { header, vector } = kemPublicKey(seed)
    const { ct1, pending } = encapsulateFirst(header, message)
    const inputs = [seed, message, header, vector, ct1, pending]
    const before = inputs.map((input) => input.slice())
    encapsulateFirst(header, message)
    decapsulate(seed, ct1, encapsulateSecond(pending, vector))
    isVectorOf(header, vector)
    expect(inputs).toEqual(before)
  })

  test('gives another secret for a ciphertext that was changed in either part', () => {
    const seed = new Uint8Array(64).fill(1)
    const { header, vector } = kemPublicKey(seed)
    const { ct1, pending, sharedSecret } = encapsulateFirst(header, new Uint8Array(32).fill(2))
    const ct2 = encapsulateSecond(pending, vector)
    expect(decapsulate(seed, flipped(ct1), ct2)).not.toEqual(sharedSecret)
    expect(decapsulate(seed, ct1, flipped(ct2))).not.toEqual(sharedSecret)
  })

  test('takes a vector for that of a header only if the hash is right', () => {
    const { header, vector } = kemPublicKey(new Uint8Array(64).fill(1))
    expect(isVectorOf(header, vector)).toBe(true)
    expect(isVectorOf(header, flipped(vector))).toBe(false)
    expect(isVectorOf(flipped(header), vector)).toBe(false)
  })

  test('refuses a vector with a coefficient of q or more, even under the right hash', () => {
    const { header, vector } = kemPublicKey(new Uint8Array(64).fill(1))
    // 3329 in the twelve bits of the last coefficient.
    const outside = vector.slice()
    outside[1150] = ((outside[1150] ?? 0) & 0x0f) | 0x10
    outside[1151] = 0xd0
    const matrixSeed = header.slice(0, 32)
    const forged = concatBytes(matrixSeed, sha3_256(concatBytes(outside, matrixSeed)))
    expect(isVectorOf(forged, outside)).toBe(false)
    outside[1150] = (outside[1150] ?? 0) & 0x0f
    const largest = concatBytes(matrixSeed, sha3_256(concatBytes(outside, matrixSeed)))
    expect(isVectorOf(largest, outside)).toBe(true)
  })
})

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  copy[7] = (copy[7] ?? 0) ^ 1
  return copy
}
