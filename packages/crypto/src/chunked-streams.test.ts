// Streams in pieces of any size, what they hold, and how they end.

import { expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  attempt,
  backends,
  collect,
  expectInvalidMessage,
  inPieces,
  openWhole,
  random,
  sealWhole,
  someBytes,
  TEST_KEY,
  withBitFlipped,
} from './chunked.fixture.ts'
import { CHUNK_BYTES } from './chunked.ts'
import { openStream, sealStream } from './chunked-streams.ts'

const lengths = fc.array(fc.nat({ max: 40_000 }), { minLength: 1, maxLength: 6 })
/** All zero would never come to an end. */
const someLengths = lengths.filter((each) => each.some((length) => length > 0))

for (const [name, aesGcm] of backends) {
  test(`${name}: however the pieces are cut, streams are the same as in one go`, async () => {
    const key = { ...TEST_KEY, aesGcm }
    const size = fc.nat({ max: 70_000 })
    const property = fc.asyncProperty(size, someLengths, someLengths, async (bytes, cut, recut) => {
      const plaintext = someBytes(bytes)
      const salt = random(24)
      const sealing = { ...key, random: () => salt }
      const whole = await collect(sealStream({ ...sealing, plaintext: [plaintext] }))
      const cutUp = await collect(sealStream({ ...sealing, plaintext: inPieces(plaintext, cut) }))
      expect(Buffer.compare(cutUp, whole)).toBe(0)
      const opened = await collect(openStream({ ...key, ciphertext: inPieces(whole, recut) }))
      expect(Buffer.compare(opened, plaintext)).toBe(0)
    })
    await fc.assert(property, { seed: 18, numRuns: name === 'noble' ? 15 : 60 })
  })
}

test('byte by byte works too, and nothing empty comes out', async () => {
  const plaintext = someBytes(CHUNK_BYTES + 3)
  const ciphertext = await sealWhole(plaintext)
  const pieces = await Array.fromAsync(
    openStream({ ...TEST_KEY, ciphertext: inPieces(ciphertext, [1]) }),
  )
  expect(pieces.map(({ length }) => length)).toEqual([CHUNK_BYTES, 3])
  const empty = openStream({ ...TEST_KEY, ciphertext: [await sealWhole(new Uint8Array())] })
  expect(await Array.fromAsync(empty)).toEqual([])
})

test('a source may be asynchronous, and may use its buffer again', async () => {
  const plaintext = someBytes(100_000)
  async function* fromOneBuffer(bytes: Uint8Array) {
    const buffer = new Uint8Array(1_000)
    for (const piece of inPieces(bytes, [1_000])) {
      buffer.set(piece)
      yield buffer.subarray(0, piece.length)
      buffer.fill(0)
    }
  }
  for (const [, aesGcm] of backends) {
    const key = { ...TEST_KEY, aesGcm }
    const sealed = await collect(
      sealStream({ ...key, random, plaintext: fromOneBuffer(plaintext) }),
    )
    const opened = await collect(openStream({ ...key, ciphertext: fromOneBuffer(sealed) }))
    expect(Buffer.compare(opened, plaintext)).toBe(0)
  }
})

test('64 MB pass through sealing and opening, and a few chunks are all that is held', async () => {
  const total = 64_000_000
  const held = { now: 0, most: 0 }
  async function* made() {
    for (let done = 0; done < total; ) {
      const piece = new Uint8Array(Math.min(100_000, total - done)).fill(done % 251)
      done += piece.length
      held.now += piece.length
      held.most = Math.max(held.most, held.now)
      yield piece
    }
  }
  const ciphertext = sealStream({ ...TEST_KEY, random, plaintext: made() })
  let received = 0
  for await (const piece of openStream({ ...TEST_KEY, ciphertext })) {
    held.now -= piece.length
    received += piece.length
  }
  expect(received).toBe(total)
  expect(held.now).toBe(0)
  expect(held.most).toBeLessThan(100_000 + 10 * CHUNK_BYTES)
})

test('[E5] the wrong key is noticed by the header: no more of the stream is asked for', async () => {
  const ciphertext = await sealWhole(someBytes(200_000))
  let asked = 0
  let isClosed = false
  function* counted() {
    try {
      for (const piece of inPieces(ciphertext, [56])) {
        asked++
        yield piece
      }
    } finally {
      isClosed = true
    }
  }
  const key = { ...TEST_KEY, key: random(32) }
  const { released, error } = await attempt(openStream({ ...key, ciphertext: counted() }))
  expectInvalidMessage(error)
  expect([released.length, asked, isClosed]).toEqual([0, 1, true])
})

test('[E5] a stream that failed never seems to have come to its end', async () => {
  const ciphertext = withBitFlipped(await sealWhole(someBytes(200_000)), 70_000 * 8)
  for (const [, aesGcm] of backends) {
    const stream = openStream({ ...TEST_KEY, aesGcm, ciphertext: [ciphertext] })
    const steps = await Promise.allSettled(Array.from({ length: 20 }, () => stream.next()))
    const isFulfilled = steps.map(({ status }) => status === 'fulfilled')
    expect(isFulfilled).toEqual(Array.from({ length: 20 }, (_, index) => index < 4))
    for (const step of steps.slice(4)) {
      expectInvalidMessage(step.status === 'rejected' ? step.reason : undefined)
    }
  }
})

test('an error of the source comes out as it is, and ends no stream well', async () => {
  const broken = new Error('the connection was lost')
  async function* breaking(bytes: Uint8Array) {
    yield bytes
    throw broken
  }
  const plaintext = someBytes(CHUNK_BYTES + 5)
  const sealing = sealStream({ ...TEST_KEY, random, plaintext: breaking(plaintext) })
  expect((await attempt(sealing)).error).toBe(broken)
  await expect(sealing.next()).rejects.toBe(broken)
  const ciphertext = await sealWhole(plaintext)
  const opening = openStream({ ...TEST_KEY, ciphertext: breaking(ciphertext) })
  const { released, error } = await attempt(opening)
  expect(error).toBe(broken)
  expect(released.length).toBeLessThanOrEqual(CHUNK_BYTES)
  await expect(opening.next()).rejects.toBe(broken)
})

test('who stops in the middle closes the source', async () => {
  for (const stop of [0, 1, 3]) {
    let isClosed = false
    function* endless() {
      try {
        for (;;) yield someBytes(CHUNK_BYTES)
      } finally {
        isClosed = true
      }
    }
    let seen = 0
    for await (const piece of sealStream({ ...TEST_KEY, random, plaintext: endless() })) {
      if (piece.length > 56 && seen++ === stop) break
    }
    expect(isClosed).toBe(true)
  }
})

test('[E24] streams under one key take salts of their own', async () => {
  const [one, other] = [await sealWhole(someBytes(50)), await sealWhole(someBytes(50))]
  expect(one).not.toEqual(other)
  expect(await openWhole(one)).toEqual(await openWhole(other))
})
