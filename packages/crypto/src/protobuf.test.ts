// The protobuf subset: what it reads, passes over and refuses.

import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { toHex } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { encodeFields, parseFields } from './protobuf.ts'
import { fromHex } from './vectors.fixture.ts'

test('writes what every protobuf library writes', () => {
  const bytes = encodeFields([
    [1, 150],
    [2, fromHex('74657374')],
    [3, undefined],
    [16, 2 ** 32 - 1],
    [4, 0],
  ])
  expect(toHex(bytes)).toBe('0896011204746573748001ffffffff0f2000')
  const fields = parseFields(bytes)
  expect([fields.uint32(1), fields.uint32(16), fields.uint32(4)]).toEqual([150, 2 ** 32 - 1, 0])
  expect(fields.bytes(2)).toEqual(fromHex('74657374'))
  expect([fields.bytes(3), fields.uint32(5)]).toEqual([undefined, undefined])
})

test('[E26] passes over fields of any type that nobody asks for', () => {
  const fields = parseFields(
    fromHex('0801190102030405060708 5d01020304 220161 1003'.replaceAll(' ', '')),
  )
  expect([fields.uint32(1), fields.uint32(2)]).toEqual([1, 3])
})

test('the last of several equal fields wins', () => {
  expect(parseFields(fromHex('08010802')).uint32(1)).toBe(2)
})

test('[E26] a field of another type than expected is malformed', () => {
  const fields = parseFields(fromHex('0801120161190102030405060708'))
  for (const read of [() => fields.bytes(1), () => fields.uint32(2), () => fields.bytes(3)]) {
    expect(read).toThrow(expect.objectContaining({ code: 'invalid-message' }))
  }
})

test.each([
  '08',
  '0880',
  '12',
  '1202ff',
  '0b',
  '0a',
  '00',
  '09010203',
  `08${'ff'.repeat(10)}01`,
  `08${'ff'.repeat(9)}02`,
  '888080801000',
  '80808080100801',
])('[E26] %s is refused', (hex) => {
  expect(() => parseFields(fromHex(hex))).toThrow(
    expect.objectContaining({ code: 'invalid-message' }),
  )
})

test('[E26] a field given twice, of two types, is malformed', () => {
  for (const hex of ['08010a0161', '0a01610801', '08010a01610801']) {
    expect(() => parseFields(fromHex(hex)).uint32(1)).toThrow(
      expect.objectContaining({ code: 'invalid-message' }),
    )
  }
})

test('only the low 32 bits of a number count, as in the official library', () => {
  expect(parseFields(fromHex('08ffffffffffffffffff01')).uint32(1)).toBe(2 ** 32 - 1)
  expect(parseFields(fromHex('08818080808010')).uint32(1)).toBe(1)
})

test('[E26] no bytes make it fail in another way', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      parseFields(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(CryptoError)
    }
  })
  fc.assert(property, { seed: 26, numRuns: 2_000 })
})

describe('[E26] a group, which protobuf has not written for long', () => {
  // Field 1 is 5, then field 15 as a group that holds other fields.
  test.each([
    ['empty', '08057b7c'],
    ['with a number', '08057b10057c'],
    ['with bytes of fixed width', '08057b41571f8b00755acecd7c'],
    ['with a group', '08057b53547c'],
  ])('%s is passed over', (_, hex) => {
    expect(parseFields(fromHex(hex)).uint32(1)).toBe(5)
  })

  test.each([
    ['that does not end', '7b1005'],
    ['that another one ends', '7b6c'],
    ['that did not begin', '7c'],
    ['with half a field', '7b107c'],
  ])('%s is malformed', (_, hex) => {
    expect(() => parseFields(fromHex(hex))).toThrow(CryptoError)
  })

  test('in place of a field that is asked for is malformed', () => {
    expect(() => parseFields(fromHex('0b0c')).uint32(1)).toThrow(CryptoError)
  })

  test('lies in no more than 99 others', () => {
    const nested = (depth: number) => fromHex('7b'.repeat(depth) + '7c'.repeat(depth))
    expect(() => parseFields(nested(100))).not.toThrow()
    expect(() => parseFields(nested(101))).toThrow(CryptoError)
    expect(() => parseFields(nested(100_000))).toThrow(CryptoError)
  })
})
