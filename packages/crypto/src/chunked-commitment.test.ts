// Invisible salamanders: AES-GCM alone lets a sender make one ciphertext that two keys open, each to
// another picture, so that one person sees a report and another the evidence. Here such ciphertexts
// are really made; the commitment is what refuses them.

import { expect, test } from 'bun:test'
import { createCipheriv } from 'node:crypto'
import { concatBytes } from './bytes.ts'
import {
  backends,
  deriveAgain,
  expectRefused,
  openWhole,
  random,
  someBytes,
} from './chunked.fixture.ts'
import { createSealer } from './chunked.ts'

const CONTEXT = new TextEncoder().encode('a test')
const SALT = random(24)

type Derived = ReturnType<typeof deriveAgain>

/** Polynomials over GF(2) modulo x^128 + x^7 + x^2 + x + 1, the first bit the lowest power. */
function multiply(a: bigint, b: bigint): bigint {
  let [product, shifted] = [0n, b]
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ (0xe1n << 120n) : shifted >> 1n
  }
  return product
}

function inverse(a: bigint): bigint {
  let [result, power] = [1n << 127n, a]
  for (let bit = 1; bit < 128; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}

const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const toBlock = (n: bigint) => new Uint8Array(Buffer.from(n.toString(16).padStart(32, '0'), 'hex'))

function encryptBlock(key: Uint8Array, block: Uint8Array): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return toNumber(cipher.update(block))
}

/** The tag of these blocks of ciphertext. */
function tagOf({ key, baseNonce }: Derived, blocks: bigint[]): bigint {
  const h = encryptBlock(key, new Uint8Array(16))
  const hashed = [...blocks, BigInt(blocks.length * 128)].reduce(
    (sum, b) => multiply(sum ^ b, h),
    0n,
  )
  return hashed ^ encryptBlock(key, concatBytes(baseNonce, Uint8Array.of(0, 0, 0, 1)))
}

/** One sealed chunk that both open: its last block makes the two tags equal. */
function salamander(one: Derived, other: Derived) {
  const chosen = Array.from({ length: 4 }, (_, index) => toNumber(someBytes(16, index + 1)))
  const difference = tagOf(one, [...chosen, 0n]) ^ tagOf(other, [...chosen, 0n])
  const [h1, h2] = [one, other].map(({ key }) => encryptBlock(key, new Uint8Array(16)))
  const squares = multiply(h1 ?? 0n, h1 ?? 0n) ^ multiply(h2 ?? 0n, h2 ?? 0n)
  const blocks = [...chosen, multiply(difference, inverse(squares))]
  return concatBytes(...blocks.map(toBlock), toBlock(tagOf(one, blocks)))
}

const [ourKey, theirKey] = [random(32), random(32)]
const ours = deriveAgain({ key: ourKey, context: CONTEXT }, SALT)
const theirs = deriveAgain({ key: theirKey, context: CONTEXT }, SALT)
const chunk = salamander(ours, theirs)

for (const [name, aesGcm] of backends) {
  test(`${name}: two keys open one chunk, were it not for the commitment`, async () => {
    const one = await (await aesGcm(ours.key)).open(ours.baseNonce, chunk)
    const other = await (await aesGcm(theirs.key)).open(theirs.baseNonce, chunk)
    expect(one).toHaveLength(80)
    expect(other).toHaveLength(80)
    expect(one).not.toEqual(other)
  })

  test(`[E18] ${name}: a ciphertext opens under the one key that it commits to`, async () => {
    const [first, second] = [
      { key: ourKey, context: CONTEXT, aesGcm },
      { key: theirKey, context: CONTEXT, aesGcm },
    ]
    const sealer = await createSealer({ ...first, random: () => SALT })
    expect(sealer.header).toEqual(concatBytes(SALT, ours.commitment))
    const nothing = { plaintext: new Uint8Array(), chunksBefore: 0 }
    for (const [key, { commitment }] of [
      [first, ours],
      [second, theirs],
    ] as const) {
      const ciphertext = concatBytes(SALT, commitment, chunk)
      expect(await openWhole(ciphertext, key)).toHaveLength(80)
      await expectRefused(ciphertext, nothing, key === first ? second : first)
    }
    const mixed = ours.commitment.map((byte, at) => byte ^ (theirs.commitment[at] ?? 0))
    for (const key of [first, second]) {
      await expectRefused(concatBytes(SALT, mixed, chunk), nothing, key)
    }
  })
}
