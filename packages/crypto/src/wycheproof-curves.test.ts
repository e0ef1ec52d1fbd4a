// X25519 and Ed25519 against Wycheproof and RFC 8032, by each backend, and the stricter check of
// keys that we put before them. In Chromium: tests/browser/crypto.test.ts.

import { describe, expect, test } from 'bun:test'
import { concatBytes, toHex } from './bytes.ts'
import { browserCurve } from './curve.browser.ts'
import { bunCurve } from './curve.bun.ts'
import { type Curve25519, nobleCurve } from './curve.ts'
import {
  type Ed25519Vector,
  ed25519Trial,
  type X25519Vector,
  x25519Trial,
} from './curve-trials.fixture.ts'
import { isPublicKey } from './signatures.ts'
import { fromHex, readVectors, readWycheproof } from './vectors.fixture.ts'
import { isFlagged, judge } from './wycheproof.fixture.ts'

interface Rfc8032Vectors {
  vectors: { name: string; seed: string; publicKey: string; message: string; signature: string }[]
}

const webCryptoCurve = await browserCurve()
if (webCryptoCurve === undefined) throw new Error('WebCrypto of this runtime has no Curve25519')
const backends: [string, Curve25519][] = [
  ['noble', nobleCurve],
  ['Bun', bunCurve],
  ['WebCrypto', webCryptoCurve],
]
const x25519Vectors = readWycheproof<X25519Vector>('x25519')
const ed25519Vectors = readWycheproof<Ed25519Vector>('ed25519')
/** The points of low order of Ed25519, as RFC 8032 spells them. */
const CANONICAL_LOW_ORDER_POINTS = [
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]
/** With the other spellings of four of them: y above p, or a sign where x is 0. */
const LOW_ORDER_POINTS = [
  ...CANONICAL_LOW_ORDER_POINTS,
  `ed${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(31)}`,
  `ec${'ff'.repeat(31)}`,
]
const rfc8032 = readVectors<Rfc8032Vectors>('ed25519').vectors

describe.each(backends)('the curve by %s', (_, curve) => {
  test('[E3] agrees as 518 vectors have it, and refuses the 31 keys of low order', async () => {
    const verdict = await judge(x25519Vectors, x25519Trial(curve))
    expect(verdict).toEqual({ right: 518, wrong: [] })
  })

  test('[E3] agrees with no key of the wrong type or length', async () => {
    const privateKey = new Uint8Array(32).fill(0x40)
    const publicKey = fromHex(`05${x25519Vectors[0]?.public}`)
    expect(await curve.agree(privateKey, publicKey)).toHaveLength(32)
    for (const [ours, theirs] of [
      [privateKey, publicKey.subarray(1)],
      [privateKey.subarray(1), publicKey],
      [privateKey, concatBytes(publicKey, Uint8Array.of(0))],
      [privateKey, concatBytes(Uint8Array.of(4), publicKey.subarray(1))],
    ] as const) {
      await expect(curve.agree(ours, theirs)).rejects.toMatchObject({ code: 'invalid-key' })
    }
  })

  test('verifies as 150 vectors have it', async () => {
    const verdict = await judge(ed25519Vectors, ed25519Trial(curve))
    expect(verdict).toEqual({ right: 150, wrong: [] })
  })

  test.each(rfc8032)('signs as RFC 8032 has it: $name', async (vector) => {
    const message = fromHex(vector.message)
    const signature = await curve.sign(fromHex(vector.seed), message)
    expect(toHex(signature)).toBe(vector.signature)
    expect(await curve.verify(fromHex(vector.publicKey), message, signature)).toBe(true)
  })
})

test('all backends judge keys and commitments of low order alike, and take one spelling', async () => {
  const accepted = new Set<string>()
  for (const [key, commitment] of pairsOf(LOW_ORDER_POINTS)) {
    const signature = fromHex(`${commitment}${'00'.repeat(32)}`)
    for (let salt = 0; salt < 2; salt++) {
      const message = Uint8Array.of(salt)
      const verdicts = await Promise.all(
        backends.map(([, curve]) => curve.verify(fromHex(key), message, signature)),
      )
      expect(new Set(verdicts).size).toBe(1)
      if (verdicts[0]) accepted.add(key)
    }
  }
  expect([...accepted].sort()).toEqual(CANONICAL_LOW_ORDER_POINTS.toSorted())
})

test('the vectors hold the cases that we look for', () => {
  const count = (flag: string) => x25519Vectors.filter((vector) => isFlagged(vector, flag)).length
  expect(count('ZeroSharedSecret')).toBe(31)
  expect(count('LowOrderPublic')).toBe(31)
  expect(count('NonCanonicalPublic')).toBe(19)
  expect(ed25519Vectors.filter(({ result }) => result === 'invalid')).toHaveLength(62)
})

test('[E3] a public key passes unless it is of low order or not canonical', async () => {
  const verdict = await judge(x25519Vectors, {
    outcome: (vector) => isPublicKey(fromHex(`05${vector.public}`)),
    wanted: (vector) =>
      !isFlagged(vector, 'LowOrderPublic') && !isFlagged(vector, 'NonCanonicalPublic'),
  })
  expect(verdict).toEqual({ right: 518, wrong: [] })
})

function pairsOf<T>(values: readonly T[]): [T, T][] {
  return values.flatMap((one) => values.map((other): [T, T] => [one, other]))
}
