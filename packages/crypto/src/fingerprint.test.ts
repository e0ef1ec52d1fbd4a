// [E2] Safety numbers against published ones; tests/interop compares with the library itself.

import { expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { safetyNumber } from './fingerprint.ts'
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
