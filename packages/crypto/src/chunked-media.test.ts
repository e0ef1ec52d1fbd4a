// Media against a server that hands out something else than what a message refers to.

import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { concatBytes } from './bytes.ts'
import {
  type Attempt,
  attempt,
  backends,
  collect,
  expectInvalidMessage,
  inPieces,
  partsOf,
  random,
  someBytes,
  TEST_KEY,
  withBitFlipped,
} from './chunked.fixture.ts'
import { CHUNK_BYTES, createOpener, sealedSize } from './chunked.ts'
import {
  MEDIA_CONTEXT,
  type MediaReference,
  openMedia,
  sealMedia,
  verifyMedia,
} from './chunked-media.ts'
import { sealStream } from './chunked-streams.ts'
import { CryptoError } from './errors.ts'

const { aesGcm } = TEST_KEY

interface Medium {
  plaintext: Uint8Array
  ciphertext: Uint8Array
  reference: MediaReference
}

async function makeMedium(size: number, salt = 1): Promise<Medium> {
  const plaintext = someBytes(size, salt)
  const sealed = sealMedia({ plaintext: [plaintext], aesGcm, random })
  const ciphertext = await collect(sealed.ciphertext)
  return { plaintext, ciphertext, reference: sealed.reference() }
}

const refer = (ciphertext: Uint8Array, reference: MediaReference): MediaReference => ({
  ...reference,
  sha256: new Uint8Array(createHash('sha256').update(ciphertext).digest()),
})

/** Refused by both ways of looking; says what the stream let out before. */
async function refusal(ciphertext: Uint8Array, reference: MediaReference): Promise<Uint8Array> {
  const input = { reference, aesGcm }
  const verified = verifyMedia({ ...input, ciphertext: inPieces(ciphertext, [9_000]) })
  expectInvalidMessage(await verified.catch((error: unknown) => error))
  const streamed: Attempt = await attempt(openMedia({ ...input, ciphertext: [ciphertext] }))
  expectInvalidMessage(streamed.error)
  return streamed.released
}

test('[E18] a medium comes back by its reference: streamed, verified, read from anywhere', async () => {
  for (const size of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 100_000]) {
    const { plaintext, ciphertext, reference } = await makeMedium(size)
    expect(reference.plaintextBytes).toBe(size)
    expect(reference).toEqual(refer(ciphertext, reference))
    for (const [, backend] of backends) {
      const input = { reference, aesGcm: backend }
      const pieces = inPieces(ciphertext, [77, 30_000])
      expect(await verifyMedia({ ...input, ciphertext: [ciphertext] })).toBeUndefined()
      const opened = await collect(openMedia({ ...input, ciphertext: pieces }))
      expect(Buffer.compare(opened, plaintext)).toBe(0)
    }
    const { header } = partsOf(ciphertext)
    const sealedBytes = sealedSize(reference.plaintextBytes)
    const key = { key: reference.key, context: MEDIA_CONTEXT, aesGcm }
    const opener = await createOpener({ ...key, header, sealedBytes })
    const range = { start: Math.floor(size / 3), end: size }
    const { start, end } = opener.covering(range)
    const read = await opener.read(range, ciphertext.subarray(start, end))
    expect(Buffer.compare(read, plaintext.subarray(range.start))).toBe(0)
  }
})

test('[E18] another medium in its place is refused, shorter, longer and as long', async () => {
  const { reference } = await makeMedium(40_000)
  for (const size of [0, 39_999, 40_000, 40_001, 90_000]) {
    const other = await makeMedium(size, 2)
    expect(await refusal(other.ciphertext, reference)).toHaveLength(0)
  }
})

test('[E18] any change to the ciphertext is refused, and nothing after it shows', async () => {
  const { plaintext, ciphertext, reference } = await makeMedium(2 * CHUNK_BYTES + 500)
  const { header, chunks } = partsOf(ciphertext)
  const [first, second, last] = chunks
  if (!first || !second || !last) throw new Error('there are three chunks')
  const changed = [
    new Uint8Array(),
    ciphertext.subarray(0, 40),
    ciphertext.subarray(0, -1),
    ciphertext.subarray(1),
    concatBytes(header, first, second),
    concatBytes(header, second, first, last),
    concatBytes(header, first, first, last),
    concatBytes(header, first, last),
    concatBytes(ciphertext, Uint8Array.of(0)),
    concatBytes(ciphertext, last),
    ...[3, 300, 60 * 8, 20_000 * 8, 33_000 * 8].map((bit) => withBitFlipped(ciphertext, bit)),
  ]
  for (const each of changed) {
    const released = await refusal(each, reference)
    expect(released.length).toBeLessThan(plaintext.length)
    expect(Buffer.compare(released, plaintext.subarray(0, released.length))).toBe(0)
    await refusal(each, refer(each, reference))
  }
})

test('[E18] each check refuses alone: hash, length, commitment, chunks', async () => {
  const { ciphertext, reference } = await makeMedium(2 * CHUNK_BYTES + 500)
  const sha256 = withBitFlipped(reference.sha256, 7)
  expect((await refusal(ciphertext, { ...reference, sha256 })).length).toBeLessThanOrEqual(32_768)
  for (const plaintextBytes of [0, 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 499, 2 ** 49]) {
    await refusal(ciphertext, { ...reference, plaintextBytes })
  }
  const key = withBitFlipped(reference.key, 100)
  expect(await refusal(ciphertext, { ...reference, key })).toHaveLength(0)
  for (const at of [56, 56 + 16_400, 56 + 2 * 16_400]) {
    const changed = withBitFlipped(ciphertext, at * 8)
    const released = await refusal(changed, refer(changed, reference))
    expect(released.length).toBeLessThanOrEqual(at - 56)
  }
})

test('[E18] what is sealed for another use does not pass for a medium', async () => {
  const { key, plaintext } = { key: random(32), plaintext: someBytes(1_000) }
  for (const context of [new Uint8Array(), new TextEncoder().encode('parley archive v1')]) {
    const sealing = sealStream({ key, context, aesGcm, random, plaintext: [plaintext] })
    const ciphertext = await collect(sealing)
    const sha256 = new Uint8Array()
    const reference = refer(ciphertext, { key, plaintextBytes: plaintext.length, sha256 })
    expect(await refusal(ciphertext, reference)).toHaveLength(0)
    const opened = await collect(
      openMedia({ reference, context, aesGcm, ciphertext: [ciphertext] }),
    )
    expect(opened).toEqual(plaintext)
  }
})

test('[E18] chunks of a twin under the same key and salt, which the format takes, fail by the hash', async () => {
  const [key, salt] = [random(32), random(24)]
  const input = { key, context: MEDIA_CONTEXT, aesGcm, random: () => salt }
  const twin = (mark: number) =>
    collect(sealStream({ ...input, plaintext: [someBytes(2 * CHUNK_BYTES + 500, mark)] }))
  const [ours, theirs] = [await twin(1), await twin(2)]
  const { header, chunks } = partsOf(ours)
  const mixed = concatBytes(header, chunks[0] ?? header, ...partsOf(theirs).chunks.slice(1))
  const whole = { key, plaintextBytes: 2 * CHUNK_BYTES + 500, sha256: new Uint8Array() }
  await verifyMedia({ reference: refer(ours, whole), aesGcm, ciphertext: [ours] })
  await refusal(mixed, refer(ours, whole))
})

test('[E18] the last chunk stays closed until length and hash are right', async () => {
  const { plaintext, ciphertext, reference } = await makeMedium(500)
  const sha256 = withBitFlipped(reference.sha256, 0)
  expect(await refusal(ciphertext, { ...reference, sha256 })).toHaveLength(0)
  expect(await refusal(concatBytes(ciphertext, ciphertext), reference)).toHaveLength(0)
  expect(await collect(openMedia({ reference, aesGcm, ciphertext: [ciphertext] }))).toEqual(
    plaintext,
  )
})

test('[E18] a blob without an end is left at the length that the message names', async () => {
  const { ciphertext, reference } = await makeMedium(50_000)
  let given = 0
  function* endless() {
    for (;;) {
      yield given === 0 ? ciphertext : someBytes(10_000)
      given++
    }
  }
  const verifying = verifyMedia({ reference, aesGcm, ciphertext: endless() })
  expectInvalidMessage(await verifying.catch((error: unknown) => error))
  expect(given).toBeLessThanOrEqual(1)
})

test('[E26] a malformed reference is refused before anything is read', async () => {
  const { ciphertext, reference } = await makeMedium(10)
  const malformed: Partial<MediaReference>[] = [
    ...[0, 16, 31, 33].map((length) => ({ key: someBytes(length) })),
    ...[0, 20, 31, 33, 64].map((length) => ({ sha256: someBytes(length) })),
    ...[-1, 0.5, Number.NaN, Infinity, 2 ** 52, 2 ** 53].map((plaintextBytes) => ({
      plaintextBytes,
    })),
  ]
  for (const part of malformed) {
    let isRead = false
    function* watched() {
      isRead = true
      yield ciphertext
    }
    const input = { reference: { ...reference, ...part }, aesGcm, ciphertext: watched() }
    expectInvalidMessage(await verifyMedia(input).catch((error: unknown) => error))
    expect(isRead).toBe(false)
  }
})

test('[E26] of arbitrary ciphertexts nothing comes but a typed refusal', async () => {
  const { reference } = await makeMedium(100)
  const bytes = fc.uint8Array({ maxLength: 300 })
  const property = fc.asyncProperty(bytes, fc.boolean(), async (junk, isNamed) => {
    const plaintextBytes = Math.max(0, junk.length - 72)
    const named = isNamed ? { ...refer(junk, reference), plaintextBytes } : reference
    expect(await refusal(junk, named)).toHaveLength(0)
  })
  await fc.assert(property, { seed: 26, numRuns: 200 })
})

test('[E24] every medium has a key of its own, and no reference before it is whole', async () => {
  const media = await Promise.all(Array.from({ length: 20 }, () => makeMedium(10)))
  const keys = media.map(({ reference }) => Buffer.from(reference.key).toString('hex'))
  expect(new Set(keys).size).toBe(20)
  const sealed = sealMedia({ plaintext: [someBytes(40_000)], aesGcm, random })
  while (!(await sealed.ciphertext.next()).done) {
    expect(() => sealed.reference()).toThrow(CryptoError)
  }
  expect(sealed.reference().plaintextBytes).toBe(40_000)
})

test('nothing of a medium is in its ciphertext, neither plaintext nor key', async () => {
  const { plaintext, ciphertext, reference } = await makeMedium(5_000)
  const text = Buffer.from(ciphertext).toString('hex')
  expect(text).not.toContain(Buffer.from(reference.key).toString('hex'))
  expect(text).not.toContain(Buffer.from(plaintext.subarray(100, 116)).toString('hex'))
})
