// XEdDSA and the checks of public keys.

import { describe, expect, test } from 'bun:test'
import { concatBytes, littleEndian, utf8 } from './bytes.ts'
import { generateKeyPair, sign } from './keys.ts'
import { ed25519 } from './primitives.ts'
import { isPublicKey, isTorsionFree, verify } from './signatures.ts'
import { flipBit, repeatableRandom } from './two-devices.fixture.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface XeddsaVectors {
  vectors: { publicKey: string; message: string; signature: string }[]
}

const random = repeatableRandom('signatures')

describe('XEdDSA', () => {
  test.each(readVectors<XeddsaVectors>('xeddsa').vectors)('accepts the published one', (vector) => {
    const publicKey = fromHex(vector.publicKey)
    const message = fromHex(vector.message)
    const signature = fromHex(vector.signature)
    expect(verify(publicKey, message, signature)).toBe(true)
    for (let bit = 0; bit < 512; bit += 7) {
      expect(verify(publicKey, message, flipBit(signature, bit))).toBe(false)
    }
    expect(verify(publicKey, flipBit(message, 9), signature)).toBe(false)
    expect(verify(flipBit(publicKey, 9), message, signature)).toBe(false)
  })

  test('verifies what it signed, for keys of either sign bit', () => {
    const signBits = new Set<number>()
    for (let round = 0; round < 12; round++) {
      const { publicKey, privateKey } = generateKeyPair(random)
      const message = utf8('m'.repeat(round))
      const signature = sign(privateKey, message, random)
      signBits.add((signature[63] ?? 0) & 0x80)
      expect(verify(publicKey, message, signature)).toBe(true)
      expect(verify(publicKey, message, flipBit(signature, 511))).toBe(false)
      expect(verify(generateKeyPair(random).publicKey, message, signature)).toBe(false)
    }
    expect(signBits.size).toBe(2)
  })

  test('signs the same message differently each time, and never with one nonce for two', () => {
    const { privateKey } = generateKeyPair(random)
    const [one, again] = [1, 2].map(() => sign(privateKey, utf8('same'), random))
    expect(one).not.toEqual(again)
    const stuck = (length: number) => new Uint8Array(length)
    const [a, b] = ['one', 'two'].map((text) => sign(privateKey, utf8(text), stuck).slice(0, 32))
    expect(a).not.toEqual(b)
  })

  test('accepts one spelling only: s + L is refused', () => {
    const { publicKey, privateKey } = generateKeyPair(random)
    const signature = sign(privateKey, utf8('m'), random)
    const signBit = (signature[63] ?? 0) & 0x80
    signature[63] = (signature[63] ?? 0) & 0x7f
    const s = littleEndian(signature.subarray(32)) + ed25519.Point.Fn.ORDER
    const shifted = concatBytes(signature.subarray(0, 32), toLittleEndian(s))
    shifted[63] = (shifted[63] ?? 0) | signBit
    expect(verify(publicKey, utf8('m'), shifted)).toBe(false)
  })

  test('refuses wrong lengths and keys of low order without throwing', () => {
    const { publicKey, privateKey } = generateKeyPair(random)
    const signature = sign(privateKey, utf8('m'), random)
    expect(verify(publicKey, utf8('m'), signature.subarray(1))).toBe(false)
    expect(verify(publicKey.subarray(1), utf8('m'), signature)).toBe(false)
    const lowOrder = concatBytes(Uint8Array.of(5), new Uint8Array(32))
    expect(verify(lowOrder, utf8('m'), new Uint8Array(64))).toBe(false)
  })
})

describe('public keys', () => {
  test('[E3] are canonical: neither u + p nor a set top bit passes', () => {
    const { publicKey } = generateKeyPair(random)
    expect(isPublicKey(publicKey)).toBe(true)
    expect(isPublicKey(flipBit(publicKey, 33 * 8 - 1))).toBe(false)
    expect(isPublicKey(fromHex(`05f0${'ff'.repeat(30)}7f`))).toBe(false)
    expect(isPublicKey(concatBytes(publicKey, Uint8Array.of(0)))).toBe(false)
    expect(isPublicKey(concatBytes(Uint8Array.of(4), publicKey.subarray(1)))).toBe(false)
  })

  test('[E6] with a point of small order added are told from those without', () => {
    const { publicKey } = generateKeyPair(random)
    expect(isTorsionFree(publicKey)).toBe(true)
    const torsioned = addSmallOrder(publicKey)
    expect(isPublicKey(torsioned)).toBe(true)
    expect(isTorsionFree(torsioned)).toBe(false)
  })

  test('on the twist are no points of the curve', () => {
    const onTwist = fromHex(
      `05${'63aa40c6e38346c5caf23a6df0a5e6c80889a08647e551b3563449befcfc9733'}`,
    )
    expect(isTorsionFree(onTwist)).toBe(false)
    expect(verify(onTwist, utf8('m'), new Uint8Array(64))).toBe(false)
  })
})

function toLittleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n))
}

/** The key of the point plus one of order eight: other bytes, the same shared secrets. */
function addSmallOrder(publicKey: Uint8Array): Uint8Array {
  const { Point } = ed25519
  const { Fp } = Point
  const u = littleEndian(publicKey.subarray(1))
  const y = Fp.mul(Fp.sub(u, 1n), Fp.inv(Fp.add(u, 1n)))
  const orderEight = Point.fromHex(
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  )
  const sum = Point.fromBytes(Fp.toBytes(y)).add(orderEight)
  const sumU = Fp.mul(Fp.add(1n, sum.y), Fp.inv(Fp.sub(1n, sum.y)))
  return concatBytes(Uint8Array.of(5), toLittleEndian(sumU))
}
