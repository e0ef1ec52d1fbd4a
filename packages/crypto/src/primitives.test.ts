// Published vectors that Wycheproof does not have: hashes, and HMAC with keys of other lengths.

import { expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { hmacSha256, sha3_256, sha3_512, sha256, sha512, shake256 } from './primitives.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface HmacVectors {
  vectors: { key: string; message: string; mac: string }[]
}

test.each(readVectors<HmacVectors>('hmac-sha256').vectors)('HMAC of RFC 4231, %#', (vector) => {
  expect(toHex(hmacSha256(fromHex(vector.key), fromHex(vector.message)))).toBe(vector.mac)
})

test('SHA-256 and SHA-512 of "abc" are those of FIPS 180', () => {
  expect(toHex(sha256(utf8('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
  expect(toHex(sha512(utf8('abc')))).toStartWith('ddaf35a193617abacc417349ae204131')
})

test('SHA-3 and SHAKE of nothing are those of FIPS 202', () => {
  const nothing = new Uint8Array(0)
  expect(toHex(sha3_256(nothing))).toBe(
    'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a',
  )
  expect(toHex(sha3_512(nothing))).toStartWith('a69f73cca23a9ac5c8b567dc185a756e')
  expect(toHex(shake256(nothing, { dkLen: 32 }))).toBe(
    '46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f',
  )
})
