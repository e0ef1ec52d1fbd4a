// [E25] What the length of a ciphertext tells.

import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { pad, unpad } from './padding.ts'

const lengthOf = (length: number) => pad(new Uint8Array(length)).length

test('[E25] lengths go in steps of 80 up to the first step past 1 KiB', () => {
  expect([0, 1, 79, 80, 159, 1023, 1039].map(lengthOf)).toEqual([80, 80, 80, 160, 160, 1040, 1040])
})

test('[E25] longer ones follow Padmé: few different lengths, little overhead', () => {
  expect([1040, 1087, 1088, 65_536].map(lengthOf)).toEqual([1088, 1088, 1152, 67_584])
  let shorter = 0
  for (let length = 1_040; length < 70_000; length += 131) {
    const padded = lengthOf(length)
    expect(padded).toBeGreaterThanOrEqual(shorter)
    expect(padded / length).toBeLessThan(1.07)
    shorter = padded
  }
})

test('[E25] what was padded comes back, whatever it is', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
    expect(unpad(pad(bytes))).toEqual(bytes)
  })
  fc.assert(property, { seed: 25, numRuns: 300 })
})

test('[E25] wrong padding is refused', () => {
  const wrong = [[], [0, 0], [1], [0x80, 1], [0x81, 0]].map((bytes) => Uint8Array.from(bytes))
  for (const bytes of wrong) {
    expect(() => unpad(bytes)).toThrow(expect.objectContaining({ code: 'invalid-message' }))
  }
})
