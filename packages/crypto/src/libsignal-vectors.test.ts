// What libsignal publishes as data in its tests: agreement, signature, message keys and safety
// numbers. Its tests of HKDF are those of RFC 5869, which Wycheproof has too.

import { describe, expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { browserCurve } from './curve.browser.ts'
import { bunCurve } from './curve.bun.ts'
import { type Curve25519, nobleCurve } from './curve.ts'
import { safetyNumber } from './fingerprint.ts'
import { keyPairFromSecret, sign } from './keys.ts'
import { stepSending } from './ratchet.ts'
import { messageKeys } from './session.ts'
import { verify, verifyWith } from './signatures.ts'
import { flipBit, repeatableRandom } from './two-devices.fixture.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

interface HexKeys {
  privateKey: string
  publicKey: string
}
interface Agreement {
  alice: HexKeys
  bob: HexKeys
  shared: string
}
interface Xeddsa {
  vectors: (HexKeys & { message: string; signature: string })[]
}
interface ChainKey {
  chainKey: string
  cipherKey: string
  macKey: string
  nextChainKey: string
}
interface Fingerprint {
  alice: { id: string; key: string }
  bob: { id: string; key: string }
  digits: string
  scannable: string
  scannableOfBob: string
}

const agreement = readVectors<Agreement>('libsignal-agreement')
const [xeddsa] = readVectors<Xeddsa>('xeddsa').vectors as [Xeddsa['vectors'][0]]

const backends: [string, Curve25519 | undefined][] = [
  ['noble', nobleCurve],
  ['Bun', bunCurve],
  ['WebCrypto', await browserCurve()],
]

describe.each(backends)('the curve by %s', (_, curve = missing()) => {
  test('agrees on the published secret, from either side', async () => {
    const { alice, bob, shared } = agreement
    const byAlice = await curve.agree(fromHex(alice.privateKey), fromHex(bob.publicKey))
    const byBob = await curve.agree(fromHex(bob.privateKey), fromHex(alice.publicKey))
    expect([toHex(byAlice), toHex(byBob)]).toEqual([shared, shared])
  })

  test('takes the published XEdDSA signature, and none with one bit flipped', async () => {
    const [publicKey, message] = [fromHex(xeddsa.publicKey), fromHex(xeddsa.message)]
    const signature = fromHex(xeddsa.signature)
    expect(await verifyWith(curve, publicKey, message, signature)).toBe(true)
    expect(verify(publicKey, message, signature)).toBe(true)
    for (let byte = 0; byte < 64; byte++) {
      const spoilt = flipBit(signature, byte * 8)
      expect(await verifyWith(curve, publicKey, message, spoilt)).toBe(false)
    }
  })
})

test('the published private keys have the published public keys', () => {
  for (const { privateKey, publicKey } of [agreement.alice, agreement.bob, xeddsa]) {
    expect(toHex(keyPairFromSecret(fromHex(privateKey)).publicKey)).toBe(publicKey)
  }
})

test('what the published private key signs, the published public key verifies', () => {
  const message = fromHex(xeddsa.message)
  const { privateKey } = keyPairFromSecret(fromHex(xeddsa.privateKey))
  const signature = sign(privateKey, message, repeatableRandom('published key'))
  expect(verify(fromHex(xeddsa.publicKey), message, signature)).toBe(true)
})

test('a chain key leads to the published message keys and the next chain key', () => {
  const { chainKey, cipherKey, macKey, nextChainKey } = readVectors<ChainKey>('libsignal-chain-key')
  const ratchetKey = keyPairFromSecret(fromHex(agreement.alice.privateKey))
  const step = stepSending({
    rootKey: new Uint8Array(32),
    sending: { ratchetKey, key: fromHex(chainKey), index: 0 },
    previousCounter: 0,
    receiving: [],
  })
  // Published without a post-quantum key: no salt is a salt of 32 zero bytes (RFC 5869, 2.2).
  const keys = messageKeys(step.seed, new Uint8Array(32))
  expect(step.counter).toBe(0)
  expect(toHex(keys.cipher.key)).toBe(cipherKey)
  expect(toHex(keys.mac)).toBe(macKey)
  expect(step.ratchet.sending.index).toBe(1)
  expect(toHex(step.ratchet.sending.key)).toBe(nextChainKey)
})

test('[E2] the safety number is the published one on both sides', () => {
  const { alice, bob, ...published } = readVectors<Fingerprint>('fingerprint')
  const numberOf = (local: typeof alice, remote: typeof bob) =>
    safetyNumber({
      localId: utf8(local.id),
      localKey: fromHex(local.key),
      remoteId: utf8(remote.id),
      remoteKey: fromHex(remote.key),
    })
  const [ours, theirs] = [numberOf(alice, bob), numberOf(bob, alice)]
  expect([ours.digits, theirs.digits]).toEqual([published.digits, published.digits])
  expect(toHex(ours.scannable)).toBe(published.scannable)
  expect(toHex(theirs.scannable)).toBe(published.scannableOfBob)
})

function missing(): never {
  throw new Error('this runtime has no Curve25519')
}
