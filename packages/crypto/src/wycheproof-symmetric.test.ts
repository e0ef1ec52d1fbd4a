// Ciphers, MACs and key derivation against Wycheproof.

import { describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { browserAesGcm } from './aes-gcm.browser.ts'
import { bunAesGcm } from './aes-gcm.bun.ts'
import { type AesGcm, nobleAesGcm } from './aes-gcm.ts'
import { toHex } from './bytes.ts'
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  hkdfExpandSha512,
  hkdfSha256,
  hmacSha256,
} from './primitives.ts'
import { fromHex, readWycheproof } from './vectors.fixture.ts'
import { judge, orRefused, orRefusedWith, type Vector } from './wycheproof.fixture.ts'

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
interface GcmVector extends Vector {
  keySize: number
  ivSize: number
  tagSize: number
  key: string
  iv: string
  aad: string
  msg: string
  ct: string
  tag: string
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

test('the expanding half of HKDF-SHA512: 83 vectors', async () => {
  const verdict = await judge(readWycheproof<HkdfVector>('hkdf_sha512'), {
    outcome: ({ ikm, salt, info, size }) => {
      const secret = createHmac('sha512', fromHex(salt)).update(fromHex(ikm)).digest()
      return orRefused(() =>
        toHex(
          hkdfExpandSha512({ secret: new Uint8Array(secret), info: fromHex(info), length: size }),
        ),
      )
    },
    wanted: ({ result, okm }) => (result === 'valid' ? okm : 'refused'),
  })
  expect(verdict).toEqual({ right: 83, wrong: [] })
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

const webCryptoAesGcm = browserAesGcm()
if (webCryptoAesGcm === undefined) throw new Error('this runtime has no WebCrypto')
const gcmBackends: [string, AesGcm][] = [
  ['noble', nobleAesGcm],
  ['Bun', bunAesGcm],
  ['WebCrypto', webCryptoAesGcm],
]
/** Of 316: what the interface can express, which is 256-bit keys without associated data. */
const gcmVectors = readWycheproof<GcmVector>('aes_gcm').filter(
  ({ keySize, aad }) => keySize === 256 && aad === '',
)

describe.each(gcmBackends)('AES-256-GCM by %s', (_, aesGcm) => {
  test('opens what is genuine, or refuses it', async () => {
    const verdict = await judge(gcmVectors, {
      outcome: ({ key, iv, ct, tag }) =>
        orRefusedWith(iv.length === 24 ? 'invalid-message' : 'invalid-argument', async () => {
          const { open } = await aesGcm(fromHex(key))
          return toHex(await open(fromHex(iv), fromHex(`${ct}${tag}`)))
        }),
      wanted: ({ result, ivSize, msg }) => (result === 'valid' && ivSize === 96 ? msg : 'refused'),
    })
    expect(verdict).toEqual({ right: 87, wrong: [] })
  })

  test('seals as the valid vectors have it', async () => {
    const valid = gcmVectors.filter(({ result, ivSize }) => result === 'valid' && ivSize === 96)
    const verdict = await judge(valid, {
      outcome: async ({ key, iv, msg }) => {
        const { seal } = await aesGcm(fromHex(key))
        return toHex(await seal(fromHex(iv), fromHex(msg)))
      },
      wanted: ({ ct, tag }) => `${ct}${tag}`,
    })
    expect(verdict).toEqual({ right: 21, wrong: [] })
  })
})
