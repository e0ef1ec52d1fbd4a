// The backends of AES-256-GCM are one and the same to a caller. Their vectors are run in
// wycheproof-symmetric.test.ts.

import { expect, test } from 'bun:test'
import { backends, KEY, random, someBytes, withBitFlipped } from './chunked.fixture.ts'

const NONCE = random(12)
const invalid = (code: string) => expect.objectContaining({ name: 'CryptoError', code })

for (const [name, aesGcm] of backends) {
  test(`${name} opens what the others seal`, async () => {
    const ours = await aesGcm(KEY)
    for (const [, other] of backends) {
      const theirs = await other(KEY)
      for (const length of [0, 1, 15, 16, 17, 1_000, 16_384]) {
        const plaintext = someBytes(length)
        expect(await ours.open(NONCE, await theirs.seal(NONCE, plaintext))).toEqual(plaintext)
      }
    }
  })

  test(`[E5] ${name} refuses whatever was changed`, async () => {
    const aes = await aesGcm(KEY)
    const sealed = await aes.seal(NONCE, someBytes(20))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = aes.open(NONCE, withBitFlipped(sealed, bit))
      await expect(changed).rejects.toEqual(invalid('invalid-message'))
    }
    for (let length = 0; length < sealed.length; length++) {
      const shorter = aes.open(NONCE, sealed.subarray(0, length))
      await expect(shorter).rejects.toEqual(invalid('invalid-message'))
    }
    const elsewhere = aes.open(withBitFlipped(NONCE, 3), sealed)
    await expect(elsewhere).rejects.toEqual(invalid('invalid-message'))
    const another = await aesGcm(withBitFlipped(KEY, 3))
    await expect(another.open(NONCE, sealed)).rejects.toEqual(invalid('invalid-message'))
  })

  test(`${name} takes keys of 32 bytes and nonces of 12 only`, async () => {
    for (const length of [0, 16, 24, 31, 33]) {
      await expect(aesGcm(someBytes(length))).rejects.toEqual(invalid('invalid-argument'))
    }
    const aes = await aesGcm(KEY)
    for (const length of [0, 8, 11, 13, 16]) {
      const nonce = someBytes(length)
      await expect(aes.seal(nonce, KEY)).rejects.toEqual(invalid('invalid-argument'))
      await expect(aes.open(nonce, KEY)).rejects.toEqual(invalid('invalid-argument'))
    }
  })

  test(`${name} holds copies: callers may reuse their buffers at once`, async () => {
    const [key, nonce, plaintext] = [KEY.slice(), NONCE.slice(), someBytes(20_000)]
    const expected = await (await aesGcm(KEY)).seal(NONCE, plaintext.slice())
    const making = aesGcm(key)
    key.fill(0)
    const aes = await making
    const sealing = aes.seal(nonce, plaintext)
    nonce.fill(0)
    plaintext.fill(0)
    const sealed = await sealing
    expect(sealed).toEqual(expected)
    const opening = aes.open(NONCE, sealed)
    sealed.fill(0)
    expect(await opening).toEqual(someBytes(20_000))
  })
}
