// Byte strings: joining, comparing, writing as hex, reading as numbers.

import { expect, test } from 'bun:test'
import { concatBytes, equalBytes, littleEndian, toHex } from './bytes.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

test('equal are only the same bytes in the same number', () => {
  expect(equalBytes(bytes(1, 2), bytes(1, 2))).toBe(true)
  expect(equalBytes(bytes(), bytes())).toBe(true)
  for (const other of [
    bytes(),
    bytes(1),
    bytes(1, 3),
    bytes(2, 2),
    bytes(1, 2, 0),
    bytes(1, 2, 3),
  ]) {
    expect(equalBytes(bytes(1, 2), other)).toBe(false)
    expect(equalBytes(other, bytes(1, 2))).toBe(false)
  }
})

test('joined are copies', () => {
  const part = bytes(1, 2)
  const joined = concatBytes(part, bytes(), bytes(3))
  part[0] = 9
  expect(joined).toEqual(bytes(1, 2, 3))
})

test('hex has two digits a byte, and the first byte of a number weighs least', () => {
  expect(toHex(bytes(0, 15, 255))).toBe('000fff')
  expect(littleEndian(bytes(1, 2, 0))).toBe(513n)
})
