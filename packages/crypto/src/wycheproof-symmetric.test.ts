// Ciphers, MACs and key derivation against Wycheproof.

import { expect, test } from 'bun:test'
import { toHex } from './bytes.ts'
import { aesCbcDecrypt, aesCbcEncrypt, hkdfSha256, hmacSha256 } from './primitives.ts'
import { fromHex, readWycheproof } from './vectors.fixture.ts'
import { judge, orRefused, type Vector } from './wycheproof.fixture.ts'

interface MacVector extends Vector {
  key: string
  msg: string
  tag: string
}
interface HkdfVector extends Vector {
  ikm: string
  salt: string
  info: string
  size: number
  okm: string
}
interface CbcVector extends Vector {
  key: string
  iv: string
  msg: string
  ct: string
}

test('HMAC-SHA256: 174 vectors, cut to the length of the tag', async () => {
  const verdict = await judge(readWycheproof<MacVector>('hmac_sha256'), {
    outcome: ({ key, msg, tag }) => toHex(hmacSha256(fromHex(key), fromHex(msg))).startsWith(tag),
    wanted: ({ result }) => result === 'valid',
  })
  expect(verdict).toEqual({ right: 174, wrong: [] })
})

test('HKDF-SHA256: 86 vectors', async () => {
  const verdict = await judge(readWycheproof<HkdfVector>('hkdf_sha256'), {
    outcome: ({ ikm, salt, info, size }) => {
      const input = { secret: fromHex(ikm), salt: fromHex(salt), info: fromHex(info) }
      return orRefused(() => toHex(hkdfSha256({ ...input, length: size })))
    },
    wanted: ({ result, okm }) => (result === 'valid' ? okm : 'refused'),
  })
  expect(verdict).toEqual({ right: 86, wrong: [] })
})

test('HKDF-SHA256 takes no salt for an empty one', async () => {
  const unsalted = readWycheproof<HkdfVector>('hkdf_sha256').filter(({ salt }) => salt === '')
  const verdict = await judge(unsalted, {
    outcome: ({ ikm, info, size }) => {
      const input = { secret: fromHex(ikm), salt: undefined, info: fromHex(info) }
      return orRefused(() => toHex(hkdfSha256({ ...input, length: size })))
    },
    wanted: ({ result, okm }) => (result === 'valid' ? okm : 'refused'),
  })
  expect(verdict).toEqual({ right: unsalted.length, wrong: [] })
  expect(unsalted.length).toBeGreaterThan(20)
})

test('AES-CBC with PKCS#7: 216 vectors, wrong padding included', async () => {
  const verdict = await judge(readWycheproof<CbcVector>('aes_cbc_pkcs5'), {
    outcome: ({ key, iv, ct }) =>
      orRefused(() => toHex(aesCbcDecrypt({ key: fromHex(key), iv: fromHex(iv) }, fromHex(ct)))),
    wanted: ({ result, msg }) => (result === 'valid' ? msg : 'refused'),
  })
  expect(verdict).toEqual({ right: 216, wrong: [] })
})

test('AES-CBC with PKCS#7 encrypts as the 72 valid vectors have it', async () => {
  const vectors = readWycheproof<CbcVector>('aes_cbc_pkcs5')
  const verdict = await judge(
    vectors.filter(({ result }) => result === 'valid'),
    {
      outcome: ({ key, iv, msg }) =>
        toHex(aesCbcEncrypt({ key: fromHex(key), iv: fromHex(iv) }, fromHex(msg))),
      wanted: ({ ct }) => ct,
    },
  )
  expect(verdict).toEqual({ right: 72, wrong: [] })
})
