// Sizes, single chunks and reading from anywhere.

import { expect, test } from 'bun:test'
import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { concatBytes, littleEndian, toHex } from './bytes.ts'
import {
  backends,
  deriveAgain,
  expectInvalidMessage,
  expectRefused,
  inPieces,
  KEY,
  openWhole,
  partsOf,
  random,
  readWhole,
  sealWhole,
  someBytes,
  TEST_KEY,
  withBitFlipped,
} from './chunked.fixture.ts'
import {
  CHUNK_BYTES,
  chunkNonce,
  createOpener,
  createSealer,
  plaintextSize,
  sealedSize,
} from './chunked.ts'

const SIZES = [0, 1, 7, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 50_000]
const PIB = 2 ** 50
const code = (wanted: string) => expect.objectContaining({ name: 'CryptoError', code: wanted })

test('what was sealed opens, on any two backends', async () => {
  for (const size of SIZES) {
    const plaintext = someBytes(size)
    for (const [, sealing] of backends) {
      const ciphertext = await sealWhole(plaintext, { ...TEST_KEY, aesGcm: sealing })
      expect(ciphertext.length).toBe(sealedSize(size))
      expect(plaintextSize(ciphertext.length)).toBe(size)
      for (const [, opening] of backends) {
        const key = { ...TEST_KEY, aesGcm: opening }
        expect(Buffer.compare(await openWhole(ciphertext, key), plaintext)).toBe(0)
        expect(Buffer.compare(await readWhole(ciphertext, key), plaintext)).toBe(0)
      }
    }
  }
})

test('the sizes of ciphertexts are those of the specification', () => {
  expect([0, 1_024, 16_384, 20_480].map(sealedSize)).toEqual([72, 1_096, 16_472, 20_568])
  expect(sealedSize(4 * PIB - 1)).toBe(56 + 4 * PIB - 1 + 2 ** 38 * 16)
  for (const impossible of [-1, 0.5, Number.NaN, Infinity, 4 * PIB, Number.MAX_SAFE_INTEGER]) {
    expect(() => sealedSize(impossible)).toThrow(code('invalid-argument'))
  }
})

test('[E26] every size is one of a ciphertext or refused, and there is no third', () => {
  const sizes = new Set(Array.from({ length: 3 * CHUNK_BYTES }, (_, size) => sealedSize(size)))
  const impossible: number[] = []
  for (let bytes = -2; bytes < sealedSize(3 * CHUNK_BYTES); bytes++) {
    if (sizes.has(bytes)) expect(sealedSize(plaintextSize(bytes))).toBe(bytes)
    else impossible.push(bytes)
  }
  const beyond = [1, 17, 16_400].map((more) => sealedSize(4 * PIB - 1) + more)
  for (const bytes of [...impossible, 72.5, Number.NaN, Infinity, ...beyond]) {
    expect(() => plaintextSize(bytes)).toThrow(code('invalid-message'))
  }
  expect(impossible).toContain(56)
  expect(impossible).toContain(56 + 16_400)
  expect(impossible).toContain(56 + 16_400 + 15)
})

test('the nonce of a chunk is the base nonce xor its number, up to the last one there can be', () => {
  const numbers = [0, 1, 255, 256, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 38 - 1]
  const bigEndian = (bytes: Uint8Array) => littleEndian(bytes.toReversed())
  for (const index of numbers) {
    const base = random(12)
    expect(bigEndian(chunkNonce(base, index))).toBe(bigEndian(base) ^ BigInt(index))
  }
  expect(() => chunkNonce(random(12), 2 ** 38)).toThrow(code('invalid-argument'))
})

test('a chunk from beyond 2^32 opens, sealed by an independent hand', async () => {
  const salt = random(24)
  const { key, baseNonce, commitment } = deriveAgain(TEST_KEY, salt)
  const header = concatBytes(salt, commitment)
  const sealedBytes = sealedSize(3 * PIB)
  for (const index of [0, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, 3 * 2 ** 36]) {
    const number = BigInt(`0x${toHex(baseNonce)}`) ^ BigInt(index)
    const nonce = Buffer.from(number.toString(16).padStart(24, '0'), 'hex')
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    const plaintext = someBytes(index === 3 * 2 ** 36 ? 0 : CHUNK_BYTES)
    const sealed = concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
    for (const [, aesGcm] of backends) {
      const opener = await createOpener({ ...TEST_KEY, aesGcm, header, sealedBytes })
      expect(Buffer.compare(await opener.open(index, sealed), plaintext)).toBe(0)
      const elsewhere = opener.open(index === 0 ? 1 : index - 1, sealed)
      await expect(elsewhere).rejects.toEqual(code('invalid-message'))
    }
  }
})

test('a sealer ends with the one short chunk', async () => {
  for (const last of [0, 1, CHUNK_BYTES - 1]) {
    const sealer = await createSealer({ ...TEST_KEY, random })
    const tooLong = sealer.seal(someBytes(CHUNK_BYTES + 1))
    await expect(tooLong).rejects.toEqual(code('invalid-argument'))
    const first = await sealer.seal(someBytes(CHUNK_BYTES))
    const second = await sealer.seal(someBytes(last))
    for (const more of [0, 1, CHUNK_BYTES]) {
      await expect(sealer.seal(someBytes(more))).rejects.toEqual(code('invalid-argument'))
    }
    const opened = await openWhole(concatBytes(sealer.header, first, second))
    expect(opened).toEqual(concatBytes(someBytes(CHUNK_BYTES), someBytes(last)))
  }
})

test('[E24] keys and salts of the wrong length are refused', async () => {
  for (const length of [0, 16, 31, 33, 64]) {
    const sealing = createSealer({ ...TEST_KEY, key: someBytes(length), random })
    await expect(sealing).rejects.toEqual(code('invalid-argument'))
  }
  const short = createSealer({ ...TEST_KEY, random: () => new Uint8Array(23) })
  await expect(short).rejects.toEqual(code('invalid-argument'))
})

test('[E24] every ciphertext has a salt of its own, so one key never meets one nonce twice', async () => {
  const made = await Promise.all(Array.from({ length: 50 }, () => sealWhole(someBytes(10))))
  expect(new Set(made.map((each) => Buffer.from(each).toString('hex', 0, 24))).size).toBe(50)
  expect(new Set(made.map((each) => Buffer.from(each).toString('hex', 24))).size).toBe(50)
})

test('any part reads as the slice of the whole', async () => {
  const plaintext = someBytes(3 * CHUNK_BYTES + 100)
  const ciphertext = await sealWhole(plaintext)
  const { header } = partsOf(ciphertext)
  const opener = await createOpener({ ...TEST_KEY, header, sealedBytes: ciphertext.length })
  expect(opener).toMatchObject({ plaintextBytes: plaintext.length, chunkCount: 4 })
  const near = (around: number) => [around - 1, around, around + 1]
  const edges = [0, 1, ...[1, 2, 3].flatMap((n) => near(n * CHUNK_BYTES)), plaintext.length]
  const anywhere = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: plaintext.length }))
  const property = fc.asyncProperty(anywhere, anywhere, async (one, other) => {
    const range = { start: Math.min(one, other), end: Math.max(one, other) }
    const part = opener.covering(range)
    const chunksMost = (range.end - range.start) / CHUNK_BYTES + 2
    expect(part.end - part.start).toBeLessThan(chunksMost * 16_400)
    const read = await opener.read(range, ciphertext.subarray(part.start, part.end))
    expect(Buffer.compare(read, plaintext.subarray(range.start, range.end))).toBe(0)
  })
  await fc.assert(property, { seed: 18, numRuns: 400 })
})

test('[E26] parts and chunks that are not there are refused', async () => {
  const ciphertext = await sealWhole(someBytes(CHUNK_BYTES + 10))
  const { header, chunks } = partsOf(ciphertext)
  const opener = await createOpener({ ...TEST_KEY, header, sealedBytes: ciphertext.length })
  const wrong = [
    [-1, 4],
    [5, 4],
    [0, CHUNK_BYTES + 11],
    [0.5, 4],
    [0, Number.NaN],
    [0, Infinity],
  ]
  for (const [start = 0, end = 0] of wrong) {
    expect(() => opener.covering({ start, end })).toThrow(code('invalid-argument'))
    const reading = opener.read({ start, end }, ciphertext.subarray(56))
    await expect(reading).rejects.toEqual(code('invalid-argument'))
  }
  const chunk = chunks[0] ?? new Uint8Array()
  for (const index of [-1, 2, 0.5, Number.NaN, 2 ** 38]) {
    await expect(opener.open(index, chunk)).rejects.toEqual(code('invalid-argument'))
  }
  for (const part of [new Uint8Array(), chunk.subarray(1), concatBytes(chunk, chunk)]) {
    const reading = opener.read({ start: 0, end: 100 }, part)
    await expect(reading).rejects.toEqual(code('invalid-message'))
  }
})

test('[E5] a length that is not the true one is refused by the chunk that would be the last', async () => {
  const ciphertext = await sealWhole(someBytes(2 * CHUNK_BYTES + 10))
  const { header, chunks } = partsOf(ciphertext)
  for (const size of [0, 10, CHUNK_BYTES, CHUNK_BYTES + 10, 2 * CHUNK_BYTES + 9]) {
    const opener = await createOpener({ ...TEST_KEY, header, sealedBytes: sealedSize(size) })
    const last = opener.chunkCount - 1
    const claimed = chunks[last]?.subarray(0, (size % CHUNK_BYTES) + 16) ?? new Uint8Array()
    expectInvalidMessage(await opener.open(last, claimed).catch((refusal: unknown) => refusal))
  }
})

test('[E5] chunks of the wrong length are refused, be they sealed by the owner of the key', async () => {
  const salt = random(24)
  const { key, baseNonce, commitment } = deriveAgain(TEST_KEY, salt)
  const header = concatBytes(salt, commitment)
  const sealedBytes = sealedSize(CHUNK_BYTES + 100)
  const aes = await TEST_KEY.aesGcm(key)
  const opener = await createOpener({ ...TEST_KEY, header, sealedBytes })
  const made = (index: number, size: number) =>
    aes.seal(chunkNonce(baseNonce, index), someBytes(size))
  expect(await opener.open(0, await made(0, CHUNK_BYTES))).toHaveLength(CHUNK_BYTES)
  expect(await opener.open(1, await made(1, 100))).toHaveLength(100)
  for (const [index, size] of [
    [0, 0],
    [0, 100],
    [0, 16_383],
    [0, 16_385],
    [1, 0],
    [1, 99],
  ]) {
    const chunk = await made(index ?? 0, size ?? 0)
    await expect(opener.open(index ?? 0, chunk)).rejects.toEqual(code('invalid-message'))
  }
  const chunkings = [[CHUNK_BYTES], [100, 100], [16_385, 10], [CHUNK_BYTES, CHUNK_BYTES]]
  for (const sizes of chunkings) {
    const chunks = await Promise.all(sizes.map((size, index) => made(index, size)))
    const plaintext = someBytes(sizes[0] ?? 0)
    const chunksBefore = sizes.filter((size) => size === CHUNK_BYTES).length
    const genuine = { plaintext: concatBytes(plaintext, plaintext), chunksBefore }
    await expectRefused(concatBytes(header, ...chunks), genuine)
  }
})

test('[E5] a header of another length is refused', async () => {
  const { header } = partsOf(await sealWhole(someBytes(10)))
  for (const wrong of [0, 23, 24, 25, 55].map((length) => header.subarray(0, length))) {
    const opening = createOpener({ ...TEST_KEY, header: wrong, sealedBytes: 82 })
    await expect(opening).rejects.toEqual(code('invalid-message'))
  }
  const longer = concatBytes(header, Uint8Array.of(0))
  const opening = createOpener({ ...TEST_KEY, header: longer, sealedBytes: 82 })
  await expect(opening).rejects.toEqual(code('invalid-message'))
})

test('[E5] every bit of the header and bits all over every chunk count', async () => {
  const plaintext = someBytes(2 * CHUNK_BYTES + 77)
  const ciphertext = await sealWhole(plaintext)
  for (let bit = 0; bit < 56 * 8; bit++) {
    await expectRefused(withBitFlipped(ciphertext, bit), { plaintext, chunksBefore: 0 })
  }
  const position = fc.integer({ min: 56, max: ciphertext.length - 1 })
  const property = fc.asyncProperty(position, fc.nat({ max: 7 }), async (at, bit) => {
    const chunksBefore = Math.floor((at - 56) / 16_400)
    await expectRefused(withBitFlipped(ciphertext, at * 8 + bit), { plaintext, chunksBefore })
  })
  await fc.assert(property, { seed: 5, numRuns: 300 })
  for (const end of [56 + 16_400, 56 + 2 * 16_400, ciphertext.length]) {
    for (let bit = (end - 16) * 8; bit < end * 8; bit++) {
      const chunksBefore = Math.floor((end - 57) / 16_400)
      await expectRefused(withBitFlipped(ciphertext, bit), { plaintext, chunksBefore })
    }
  }
})

test('[E5] a ciphertext cut off anywhere is refused', async () => {
  for (const size of [0, 5, CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 40]) {
    const plaintext = someBytes(size)
    const ciphertext = await sealWhole(plaintext)
    const edges = [0, 24, 56, 72, 56 + 16_400, 72 + 16_400, 56 + 2 * 16_400, ciphertext.length]
    const lengths = new Set(edges.flatMap((edge) => [edge - 2, edge - 1, edge, edge + 1]))
    for (const length of lengths) {
      if (length < 0 || length >= ciphertext.length) continue
      const chunksBefore = Math.max(0, Math.floor((length - 56) / 16_400))
      await expectRefused(ciphertext.subarray(0, length), { plaintext, chunksBefore })
    }
  }
})

test('[E5] whatever is put after the end is refused', async () => {
  for (const size of [0, 5, CHUNK_BYTES, CHUNK_BYTES + 40, 2 * CHUNK_BYTES - 1]) {
    const plaintext = someBytes(size)
    const ciphertext = await sealWhole(plaintext)
    const { chunks } = partsOf(ciphertext)
    const chunksBefore = Math.floor(size / CHUNK_BYTES)
    const tails = [...[1, 15, 16, 17, 16_400].map((length) => someBytes(length)), ...chunks]
    for (const tail of tails) {
      await expectRefused(concatBytes(ciphertext, tail), { plaintext, chunksBefore })
    }
  }
})

test('[E5] chunks that are swapped, repeated, left out or from elsewhere are refused', async () => {
  const plaintext = someBytes(3 * CHUNK_BYTES + 9)
  const ciphertext = await sealWhole(plaintext)
  const other = partsOf(await sealWhole(someBytes(3 * CHUNK_BYTES + 9, 2)))
  const { header, chunks } = partsOf(ciphertext)
  const arranged = (...order: (number | Uint8Array | undefined)[]) =>
    concatBytes(
      header,
      ...order.map((each) => (typeof each === 'number' ? chunks[each] : each) ?? new Uint8Array()),
    )
  expect(arranged(0, 1, 2, 3)).toEqual(ciphertext)
  const wrong: [chunksBefore: number, Uint8Array][] = [
    [0, arranged(1, 0, 2, 3)],
    [1, arranged(0, 2, 1, 3)],
    [1, arranged(0, 0, 2, 3)],
    [2, arranged(0, 1, 1, 3)],
    [3, arranged(0, 1, 2, 2, 3)],
    [0, arranged(1, 2, 3)],
    [1, arranged(0, 2, 3)],
    [2, arranged(0, 1, 3)],
    [3, arranged(0, 1, 2)],
    [3, arranged(0, 1, 2, 3, 3)],
    [0, arranged(3, 0, 1, 2)],
    [1, arranged(0, other.chunks[1], 2, 3)],
    [3, arranged(0, 1, 2, other.chunks[3])],
    [0, arranged(...other.chunks)],
    [0, concatBytes(other.header, ...chunks)],
  ]
  for (const [chunksBefore, changed] of wrong) {
    await expectRefused(changed, { plaintext, chunksBefore })
  }
})

test('[E5] another key and another context open nothing', async () => {
  const plaintext = someBytes(CHUNK_BYTES + 10)
  const ciphertext = await sealWhole(plaintext)
  const { context } = TEST_KEY
  const others = [
    { key: withBitFlipped(KEY, 0) },
    { key: withBitFlipped(KEY, 255) },
    { key: random(32) },
    { context: new Uint8Array() },
    { context: context.subarray(1) },
    { context: concatBytes(context, Uint8Array.of(0)) },
  ]
  for (const other of others) {
    await expectRefused(ciphertext, { plaintext, chunksBefore: 0 }, { ...TEST_KEY, ...other })
  }
})

test('[E26] of arbitrary bytes nothing comes but a typed refusal', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 16_440, maxLength: 16_480, size: 'max' }),
  )
  const property = fc.asyncProperty(bytes, fc.nat({ max: 100 }), async (junk, kept) => {
    const ciphertext = await sealWhole(someBytes(30))
    const changed = concatBytes(ciphertext.subarray(0, kept), junk)
    if (Buffer.compare(changed, ciphertext) === 0) return
    await expectRefused(changed, { plaintext: new Uint8Array(), chunksBefore: 0 })
  })
  await fc.assert(property, { seed: 26, numRuns: 200 })
})

test('[E5] the refused leaves nothing behind: the same opener opens the true chunk', async () => {
  const plaintext = someBytes(CHUNK_BYTES + 10)
  const ciphertext = await sealWhole(plaintext)
  const { header, chunks } = partsOf(ciphertext)
  const opener = await createOpener({ ...TEST_KEY, header, sealedBytes: ciphertext.length })
  for (const [index, chunk] of chunks.entries()) {
    const changed = opener.open(index, withBitFlipped(chunk, 9))
    expectInvalidMessage(await changed.catch((refusal: unknown) => refusal))
    const [expected] = [...inPieces(plaintext.subarray(index * CHUNK_BYTES), [CHUNK_BYTES])]
    expect(await opener.open(index, chunk)).toEqual(expected ?? new Uint8Array())
  }
})
