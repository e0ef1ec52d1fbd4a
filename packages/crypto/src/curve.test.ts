// Every backend of the curve does what the reference does. The vectors are in wycheproof tests.

import { describe, expect, test } from 'bun:test'
import { concatBytes, utf8 } from './bytes.ts'
import { browserCurve } from './curve.browser.ts'
import { bunCurve } from './curve.bun.ts'
import { type Curve25519, nobleCurve } from './curve.ts'
import { generateKeyPair, generateKeyPairWith, sign } from './keys.ts'
import { verify as verifyForServers } from './signatures.bun.ts'
import { verify, verifyWith } from './signatures.ts'
import { flipBit, repeatableRandom } from './two-devices.fixture.ts'

const webCryptoCurve = (await browserCurve()) as Curve25519
const backends: [string, Curve25519][] = [
  ['noble', nobleCurve],
  ['Bun', bunCurve],
  ['WebCrypto', webCryptoCurve],
]

describe.each(backends)('the curve by %s', (_, curve) => {
  const random = repeatableRandom('curve')

  test('makes the key pairs that the reference makes', async () => {
    for (let round = 0; round < 5; round++) {
      const expected = generateKeyPair(repeatableRandom(`${round}`))
      expect(await generateKeyPairWith(curve, repeatableRandom(`${round}`))).toEqual(expected)
    }
  })

  test('agrees with the reference on every secret', async () => {
    for (let round = 0; round < 5; round++) {
      const [ours, theirs] = [generateKeyPair(random), generateKeyPair(random)]
      const expected = await nobleCurve.agree(ours.privateKey, theirs.publicKey)
      expect(await curve.agree(ours.privateKey, theirs.publicKey)).toEqual(expected)
    }
  })

  test('judges signatures of XEdDSA as the reference does, whichever bit is flipped', async () => {
    const { publicKey, privateKey } = generateKeyPair(random)
    const message = utf8('a message')
    const signature = sign(privateKey, message, random)
    expect(await verifyWith(curve, publicKey, message, signature)).toBe(true)
    expect(await verifyWith(curve, publicKey, utf8('another'), signature)).toBe(false)
    for (let bit = 0; bit < 512; bit++) {
      const spoilt = flipBit(signature, bit)
      expect(verify(publicKey, message, spoilt)).toBe(false)
      expect(await verifyWith(curve, publicKey, message, spoilt)).toBe(false)
    }
    for (let bit = 0; bit < 264; bit += 3) {
      const other = flipBit(publicKey, bit)
      expect(await verifyWith(curve, other, message, signature)).toBe(false)
    }
    for (const wrong of [
      new Uint8Array(0),
      signature.subarray(1),
      concatBytes(signature, random(1)),
    ]) {
      expect(await verifyWith(curve, publicKey, message, wrong)).toBe(false)
    }
  })

  test('signs what the reference signs', async () => {
    const seed = random(32)
    const signature = await curve.sign(seed, utf8('a message'))
    expect(signature).toEqual(await nobleCurve.sign(seed, utf8('a message')))
    await expect(curve.sign(seed.subarray(1), utf8('a message'))).rejects.toMatchObject({
      code: 'invalid-key',
    })
  })

  test('takes no malformed Ed25519 key or signature', async () => {
    const message = utf8('a message')
    for (const length of [0, 31, 33]) {
      expect(await curve.verify(new Uint8Array(length), message, new Uint8Array(64))).toBe(false)
    }
    expect(await curve.verify(new Uint8Array(32).fill(0xff), message, random(64))).toBe(false)
    expect(await curve.verify(random(32), message, new Uint8Array(63))).toBe(false)
  })
})

test('the checks for servers judge as the reference does', () => {
  const random = repeatableRandom('servers')
  const { publicKey, privateKey } = generateKeyPair(random)
  const signature = sign(privateKey, utf8('a message'), random)
  expect(verifyForServers(publicKey, utf8('a message'), signature)).toBe(true)
  expect(verifyForServers(publicKey, utf8('another'), signature)).toBe(false)
  for (let bit = 0; bit < 512; bit += 3) {
    expect(verifyForServers(publicKey, utf8('a message'), flipBit(signature, bit))).toBe(false)
  }
  expect(verifyForServers(new Uint8Array(33), utf8('a message'), signature)).toBe(false)
})
