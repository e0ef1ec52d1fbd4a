// Kyber-1024 of round 3 against the vectors of its submission to NIST. What ML-KEM-1024 has in
// common with it is in wycheproof-mlkem.test.ts.

import { expect, test } from 'bun:test'
import { toHex } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { kyberDecapsulate, kyberEncapsulate } from './kyber1024.ts'
import { flipBit } from './two-devices.fixture.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface KyberVector {
  count: number
  privateKey: string
  random: string
  ciphertext: string
  sharedSecret: string
}

const { vectors } = readVectors<{ vectors: KyberVector[] }>('kyber1024')
/** Where the public key stands in the private one. */
const PUBLIC_KEY_AT = 1536
const PUBLIC_KEY_END = 3104

test('there are ten vectors', () => {
  expect(vectors).toHaveLength(10)
})

test.each(vectors)('encapsulates and decapsulates as vector $count has it', (vector) => {
  const privateKey = fromHex(vector.privateKey)
  const raw = toHex(privateKey.subarray(PUBLIC_KEY_AT, PUBLIC_KEY_END))
  const made = kyberEncapsulate(fromHex(`08${raw}`), () => fromHex(vector.random))
  expect(toHex(made.ciphertext)).toBe(`08${vector.ciphertext}`)
  expect(toHex(made.sharedSecret)).toBe(vector.sharedSecret)
  expect(toHex(kyberDecapsulate(privateKey, made.ciphertext))).toBe(vector.sharedSecret)
})

test('gives another secret for a ciphertext with any one bit of these flipped', () => {
  const [vector] = vectors as [KyberVector]
  const privateKey = fromHex(vector.privateKey)
  const ciphertext = fromHex(`08${vector.ciphertext}`)
  for (let bit = 8; bit < ciphertext.length * 8; bit += 499) {
    const secret = kyberDecapsulate(privateKey, flipBit(ciphertext, bit))
    expect(toHex(secret)).not.toBe(vector.sharedSecret)
  }
})

test('[E3] refuses keys and ciphertexts of another type or length', () => {
  const [vector] = vectors as [KyberVector]
  const privateKey = fromHex(vector.privateKey)
  const refused = (attempt: () => unknown) => expect(attempt).toThrow(CryptoError)
  refused(() => kyberDecapsulate(privateKey, fromHex(`09${vector.ciphertext}`)))
  refused(() => kyberDecapsulate(privateKey, fromHex(vector.ciphertext)))
  refused(() => kyberDecapsulate(privateKey, fromHex(`08${vector.ciphertext}00`)))
  refused(() => kyberDecapsulate(privateKey.subarray(1), fromHex(`08${vector.ciphertext}`)))
  const raw = toHex(privateKey.subarray(PUBLIC_KEY_AT, PUBLIC_KEY_END))
  for (const key of [raw, `07${raw}`, `08${raw}00`, `08${raw.slice(2)}`, '']) {
    refused(() => kyberEncapsulate(fromHex(key), () => fromHex(vector.random)))
  }
})
