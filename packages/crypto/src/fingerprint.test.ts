// [E2] Safety numbers against published ones; tests/interop compares with the library itself.

import { describe, expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { matchesScanned, safetyNumber } from './fingerprint.ts'
import { encodeFields } from './protobuf.ts'
import { flipBit } from './two-devices.fixture.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface FingerprintVector {
  alice: { id: string; key: string }
  bob: { id: string; key: string }
  digits: string
  scannable: string
}

const vector = readVectors<FingerprintVector>('fingerprint')
const alice = { id: utf8(vector.alice.id), key: fromHex(vector.alice.key) }
const bob = { id: utf8(vector.bob.id), key: fromHex(vector.bob.key) }

function numberOf(local: typeof alice, remote: typeof alice) {
  const remotePart = { remoteId: remote.id, remoteKey: remote.key }
  return safetyNumber({ localId: local.id, localKey: local.key, ...remotePart })
}

test('[E2] equal the published ones', () => {
  const { digits, scannable } = numberOf(alice, bob)
  expect(digits).toBe(vector.digits)
  expect(toHex(scannable)).toBe(vector.scannable)
})

test('[E2] show the same digits on both sides', () => {
  expect(numberOf(bob, alice).digits).toBe(vector.digits)
})

test('[E2] differ when a key or an id does', () => {
  const otherKey = numberOf(alice, { ...bob, key: flipBit(bob.key, 100) })
  const otherId = numberOf(alice, { ...bob, id: utf8('+14153333334') })
  expect(new Set([vector.digits, otherKey.digits, otherId.digits]).size).toBe(3)
})

test('[E2] are not made of what is no key', () => {
  const broken = { ...bob, key: bob.key.subarray(1) }
  expect(() => numberOf(alice, broken)).toThrow(expect.objectContaining({ code: 'invalid-key' }))
})

describe('[E2] a code scanned from the other screen', () => {
  const own = numberOf(alice, bob).scannable
  const theirs = numberOf(bob, alice).scannable

  test('matches when both hold the same keys, and only then', () => {
    expect(matchesScanned(own, theirs)).toBe('match')
    const otherKey = { ...bob, key: flipBit(bob.key, 100) }
    expect(matchesScanned(own, numberOf(otherKey, alice).scannable)).toBe('mismatch')
    expect(matchesScanned(own, numberOf(bob, otherKey).scannable)).toBe('mismatch')
  })

  test('is not the own one', () => {
    expect(matchesScanned(own, own)).toBe('mismatch')
  })

  test('of another version says nothing about the keys', () => {
    const version = 1
    const part = (byte: number) => encodeFields([[1, new Uint8Array(20).fill(byte)]])
    const later = encodeFields([
      [1, version],
      [2, part(1)],
      [3, part(2)],
    ])
    expect(matchesScanned(own, later)).toBe('other-version')
  })

  test('is refused when it is none, whatever bit is changed', () => {
    const refused = expect.objectContaining({ code: 'invalid-message' })
    const hash = encodeFields([[1, new Uint8Array(31)]])
    const short = encodeFields([
      [1, 2],
      [2, hash],
      [3, hash],
    ])
    for (const bytes of [new Uint8Array(), utf8('https://example.org'), own.subarray(2), short]) {
      expect(() => matchesScanned(own, bytes)).toThrow(refused)
    }
    for (let bit = 0; bit < theirs.length * 8; bit++) {
      expect(outcomeOf(flipBit(theirs, bit))).not.toBe('match')
    }
  })

  function outcomeOf(scanned: Uint8Array): string {
    try {
      return matchesScanned(own, scanned)
    } catch (error) {
      if (error instanceof CryptoError) return error.code
      throw error
    }
  }
})
