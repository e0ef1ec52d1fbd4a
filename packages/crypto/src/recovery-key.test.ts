// The recovery key as people read, type and mistype it.

import { expect, test } from 'bun:test'
import { newRecoveryKey, parseRecoveryKey, rootKeyPair } from './recovery-key.ts'
import { isPublicKey } from './signatures.ts'
import { repeatableRandom } from './two-devices.fixture.ts'

const key = newRecoveryKey(repeatableRandom('recovery'))

test('is 64 characters that cannot be taken for one another', () => {
  expect(key).toMatch(/^[0-9a-hjkmnp-tv-z]{64}$/)
  expect(newRecoveryKey(repeatableRandom('another'))).not.toBe(key)
})

test('uses the whole alphabet, evenly', () => {
  const counts = new Map<string, number>()
  const random = repeatableRandom('many')
  for (let i = 0; i < 200; i++) {
    for (const character of newRecoveryKey(random)) {
      counts.set(character, (counts.get(character) ?? 0) + 1)
    }
  }
  expect(counts.size).toBe(32)
  for (const count of counts.values()) expect(count).toBeWithin(300, 500)
})

test('is read whatever spaces, dashes and capitals it is written with', () => {
  const groups = key.match(/.{4}/g) ?? []
  expect(parseRecoveryKey(groups.join(' '))).toBe(key)
  expect(parseRecoveryKey(`  ${groups.join('-').toUpperCase()}\n`)).toBe(key)
  expect(parseRecoveryKey(groups.join(' – '))).toBe(key)
  expect(parseRecoveryKey(key.replaceAll('0', 'O').replaceAll('1', 'l'))).toBe(key)
  expect(parseRecoveryKey(key.replaceAll('1', 'I'))).toBe(key)
})

test('with a slip in it is found out', () => {
  for (let at = 0; at < 64; at++) {
    const slip = key[at] === '7' ? '8' : '7'
    expect(parseRecoveryKey(key.slice(0, at) + slip + key.slice(at + 1))).toBeUndefined()
  }
  for (const wrong of ['', key.slice(1), `${key}0`, 'u'.repeat(64), '🙂'.repeat(32)]) {
    expect(parseRecoveryKey(wrong)).toBeUndefined()
  }
})

test('always gives the same root key pair, and another key another', () => {
  const pair = rootKeyPair(key)
  expect(isPublicKey(pair.publicKey)).toBe(true)
  expect(rootKeyPair(key.toUpperCase())).toEqual(pair)
  expect(rootKeyPair(newRecoveryKey(repeatableRandom('another')))).not.toEqual(pair)
  expect(() => rootKeyPair('nonsense')).toThrow(expect.objectContaining({ code: 'invalid-key' }))
})
