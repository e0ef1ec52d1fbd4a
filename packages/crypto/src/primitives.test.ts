// Published vectors for the primitives, each Diffie-Hellman backend included.

import { describe, expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { browserCurve } from './curve.browser.ts'
import { bunCurve } from './curve.bun.ts'
import { type Curve25519, nobleCurve } from './curve.ts'
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  hkdfSha256,
  hmacSha256,
  sha256,
  sha512,
} from './primitives.ts'
import { isPublicKey } from './signatures.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface X25519Vectors {
  agree: { name: string; private: string; public: string; shared: string }[]
  lowOrder: string[]
}
interface HkdfVectors {
  vectors: { secret: string; salt: string | null; info: string; output: string }[]
}
interface HmacVectors {
  vectors: { key: string; message: string; mac: string }[]
}

const { agree, lowOrder } = readVectors<X25519Vectors>('x25519')
const webCryptoCurve = await browserCurve()
const backends: [string, Curve25519 | undefined][] = [
  ['noble', nobleCurve],
  ['Bun', bunCurve],
  ['WebCrypto', webCryptoCurve],
]

describe.each(backends)('X25519 by %s', (_, curve) => {
  test.each(agree)('agrees on the secret of $name', async (vector) => {
    const secret = await curve?.agree(fromHex(vector.private), fromHex(`05${vector.public}`))
    expect(toHex(secret ?? new Uint8Array(0))).toBe(vector.shared)
  })

  test.each(lowOrder)('[E3] refuses the low-order point %s', async (point) => {
    const privateKey = fromHex(agree[0]?.private ?? '')
    await expect(curve?.agree(privateKey, fromHex(`05${point}`))).rejects.toMatchObject({
      code: 'invalid-key',
    })
  })

  test('refuses keys of the wrong type or length', async () => {
    const privateKey = fromHex(agree[0]?.private ?? '')
    const publicKey = fromHex(`05${agree[0]?.public}`)
    const code = { code: 'invalid-key' }
    await expect(curve?.agree(privateKey, publicKey.subarray(1))).rejects.toMatchObject(code)
    await expect(curve?.agree(privateKey.subarray(1), publicKey)).rejects.toMatchObject(code)
    await expect(curve?.agree(privateKey, fromHex(`04${agree[0]?.public}`))).rejects.toMatchObject(
      code,
    )
  })
})

test.each(lowOrder)('[E3] %s does not pass for a public key', (point) => {
  expect(isPublicKey(fromHex(`05${point}`))).toBe(false)
})

test.each(readVectors<HkdfVectors>('hkdf-sha256').vectors)('HKDF of RFC 5869, %#', (vector) => {
  const output = hkdfSha256({
    secret: fromHex(vector.secret),
    salt: vector.salt === null ? undefined : fromHex(vector.salt),
    info: fromHex(vector.info),
    length: vector.output.length / 2,
  })
  expect(toHex(output)).toBe(vector.output)
})

test.each(readVectors<HmacVectors>('hmac-sha256').vectors)('HMAC of RFC 4231, %#', (vector) => {
  expect(toHex(hmacSha256(fromHex(vector.key), fromHex(vector.message)))).toBe(vector.mac)
})

test('SHA-256 and SHA-512 of "abc" are those of FIPS 180', () => {
  expect(toHex(sha256(utf8('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
  expect(toHex(sha512(utf8('abc')))).toStartWith('ddaf35a193617abacc417349ae204131')
})

test('AES-256-CBC gives the first block of NIST SP 800-38A F.2.5 and pads with PKCS#7', () => {
  const cipher = {
    key: fromHex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'),
    iv: fromHex('000102030405060708090a0b0c0d0e0f'),
  }
  const plaintext = fromHex('6bc1bee22e409f96e93d7e117393172a')
  const ciphertext = aesCbcEncrypt(cipher, plaintext)
  expect(toHex(ciphertext.subarray(0, 16))).toBe('f58c4c04d6e5f1ba779eabfb5f7bfbd6')
  expect(ciphertext).toHaveLength(32)
  expect(aesCbcDecrypt(cipher, ciphertext)).toEqual(plaintext)
  expect(() => aesCbcDecrypt(cipher, ciphertext.subarray(0, 16))).toThrow()
})
