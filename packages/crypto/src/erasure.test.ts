// The erasure code against a slow model of it: polynomial arithmetic bit by bit, without tables.

import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  addChunk,
  CHUNK_BYTES,
  CHUNK_COUNT_MAX,
  type ChunkSet,
  chunkAt,
  isChunkSet,
  isComplete,
  joinChunks,
  NO_CHUNKS,
} from './erasure.ts'
import { logarithm, multiplyByPower } from './erasure-field.ts'

/** The sizes that SPQR uses: header, ct2, ct1, vector. */
const valueSizes = [3, 5, 30, 36].map((count) => count * CHUNK_BYTES)
const element = fc.integer({ min: 0, max: 0xffff })

function slowMultiply(a: number, b: number): number {
  let product = 0
  for (let bit = 15; bit >= 0; bit--) {
    product <<= 1
    if (product & 0x10000) product ^= 0x1100b
    if ((b >> bit) & 1) product ^= a
  }
  return product
}

function slowInverse(a: number): number {
  let inverse = 1
  for (let i = 0; i < 15; i++) inverse = slowMultiply(slowMultiply(inverse, inverse), a)
  return slowMultiply(inverse, inverse)
}

function word(bytes: Uint8Array, i: number): number {
  return ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)
}

/** Lagrange, one interleaved polynomial at a time, as the specification puts it. */
function slowChunkAt(value: Uint8Array, index: number): number[] {
  const count = value.length / CHUNK_BYTES
  return Array.from({ length: 16 }, (_, column) => {
    let sum = 0
    for (let i = 0; i < count; i++) {
      let term = word(value, 16 * i + column)
      for (let j = 0; j < count; j++) {
        if (j !== i) term = slowMultiply(slowMultiply(term, index ^ j), slowInverse(i ^ j))
      }
      sum ^= term
    }
    return sum
  })
}

function setOf(value: Uint8Array, indexes: readonly number[]): ChunkSet {
  return indexes.reduce(
    (set, index) => addChunk(set, { index, bytes: chunkAt(value, index) }, value.length),
    NO_CHUNKS,
  )
}

const valueAndIndexes = fc.constantFrom(...valueSizes).chain((size) =>
  fc.tuple(
    fc.uint8Array({ minLength: size, maxLength: size }),
    fc.uniqueArray(fc.integer({ min: 0, max: CHUNK_COUNT_MAX - 1 }), {
      minLength: size / CHUNK_BYTES,
      maxLength: size / CHUNK_BYTES,
    }),
  ),
)

describe('the field', () => {
  test('multiplies as polynomials modulo 0x1100b do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffff }), element, (a, b) => {
        expect(multiplyByPower(logarithm(a), b)).toBe(slowMultiply(a, b))
      }),
    )
  })
})

describe('the erasure code', () => {
  test('gives the value itself in its first chunks', () => {
    const value = Uint8Array.from({ length: 96 }, (_, i) => i)
    expect(chunkAt(value, 0)).toEqual(value.slice(0, 32))
    expect(chunkAt(value, 2)).toEqual(value.slice(64))
  })

  test('gives beyond them the values of the polynomials through the words of the value', () => {
    const property = fc.property(
      fc.uint8Array({ minLength: 160, maxLength: 160 }),
      fc.integer({ min: 5, max: CHUNK_COUNT_MAX - 1 }),
      (value, index) => {
        const chunk = chunkAt(value, index)
        expect(Array.from({ length: 16 }, (_, i) => word(chunk, i))).toEqual(
          slowChunkAt(value, index),
        )
      },
    )
    fc.assert(property, { numRuns: 20 })
  })

  test('gives the value back from any chunks, once there are enough of them', () => {
    fc.assert(
      fc.property(valueAndIndexes, ([value, indexes]) => {
        const tooFew = setOf(value, indexes.slice(1))
        expect(isComplete(tooFew, value.length)).toBe(false)
        expect(joinChunks(tooFew, value.length)).toBeUndefined()
        expect(joinChunks(setOf(value, indexes), value.length)).toEqual(value)
      }),
    )
  })

  test('counts a chunk that comes again once, and keeps no more than it needs', () => {
    const value = new Uint8Array(96).fill(7)
    const two = setOf(value, [4, 9, 4, 9, 4])
    expect(isComplete(two, 96)).toBe(false)
    const complete = setOf(value, [4, 9, 2])
    expect(addChunk(complete, { index: 0, bytes: chunkAt(value, 0) }, 96)).toBe(complete)
  })

  test('leaves the set that it adds to as it was', () => {
    const value = new Uint8Array(96).fill(7)
    const one = setOf(value, [4])
    const before = one.slice()
    addChunk(one, { index: 5, bytes: chunkAt(value, 5) }, 96)
    expect(one).toEqual(before)
  })

  test('knows a stored set by its form', () => {
    const two = setOf(new Uint8Array(96), [4, 9])
    expect(isChunkSet(two, 96)).toBe(true)
    expect(isChunkSet(two.slice(1), 96)).toBe(false)
    expect(isChunkSet(two, 32)).toBe(false)
    expect(isChunkSet(Uint8Array.from([...two.slice(0, 34), ...two.slice(0, 34)]), 96)).toBe(false)
  })
})
