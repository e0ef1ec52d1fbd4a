// The 35 vectors of Wycheproof, applied as doc/c2sp_chunked_encryption.md there says: as a stream,
// by random access, and sealing again with the same salt.

import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { AesGcm } from './aes-gcm.ts'
import { attempt, backends, collect, inPieces, partsOf, readWhole } from './chunked.fixture.ts'
import { type ChunkKey, chunkNonce, createOpener } from './chunked.ts'
import { openStream, sealStream } from './chunked-streams.ts'
import { CryptoError } from './errors.ts'
import { fromHex } from './vectors.fixture.ts'

interface ChunkedVector {
  tcId: number
  comment: string
  key: string
  ctx: string
  ct: string
  aeadKey?: string
  baseNonce?: string
  /** Of an invalid one: of the longest prefix that is genuine. */
  msgLength?: number
  msgSha512?: string
  result: 'valid' | 'invalid'
  flags: string[]
}

const FILE = '../../../vectors/wycheproof/c2sp-chunked-aes-256-gcm.json'
const text = readFileSync(join(import.meta.dirname, FILE), 'utf8')
const { testGroups } = JSON.parse(text) as { testGroups: { tests: ChunkedVector[] }[] }
const vectors = testGroups.flatMap(({ tests }) => tests)

test('the vectors are all there', () => {
  expect(vectors.map(({ tcId }) => tcId)).toEqual(Array.from({ length: 35 }, (_, i) => i + 1))
  expect(vectors.filter(({ result }) => result === 'valid')).toHaveLength(10)
})

for (const [name, aesGcm] of backends) {
  for (const vector of vectors) {
    const { tcId, comment, result } = vector
    test(`${name}: vector ${tcId}, ${comment}`, async () => {
      if (result === 'valid') await acceptsValid(vector, aesGcm)
      else await refusesInvalid(vector, aesGcm)
      await opensRaw(vector, aesGcm)
    })
  }
}

function inputOf({ key, ctx, ct }: ChunkedVector, aesGcm: AesGcm) {
  const ciphertext = new Uint8Array(inflateSync(fromHex(ct)))
  return { chunkKey: { key: fromHex(key), context: fromHex(ctx), aesGcm }, ciphertext }
}

async function acceptsValid(vector: ChunkedVector, aesGcm: AesGcm): Promise<void> {
  const { chunkKey, ciphertext } = inputOf(vector, aesGcm)
  const pieces = inPieces(ciphertext, [1, 55, 16_399, 2, 70_000])
  const message = await collect(openStream({ ...chunkKey, ciphertext: pieces }))
  expect(message.length).toBe(vector.msgLength ?? -1)
  expect(sha512(message)).toBe(vector.msgSha512 ?? '')
  expect(sha512(await readWhole(ciphertext, chunkKey))).toBe(vector.msgSha512 ?? '')

  const random = () => ciphertext.slice(0, 24)
  const plaintext = inPieces(message, [3, 40_000])
  const sealed = await collect(sealStream({ ...chunkKey, random, plaintext }))
  expect(Buffer.compare(sealed, ciphertext)).toBe(0)
}

async function refusesInvalid(vector: ChunkedVector, aesGcm: AesGcm): Promise<void> {
  const { chunkKey, ciphertext } = inputOf(vector, aesGcm)
  const stream = openStream({ ...chunkKey, ciphertext: inPieces(ciphertext, [16_399, 1]) })
  const { released, error } = await attempt(stream)
  expectRefusal(vector, error)
  expect(released.length).toBeLessThanOrEqual(vector.msgLength ?? 0)
  if (released.length > 0) expect(sha512(released)).toBe(vector.msgSha512 ?? '')
  for (const again of [1, 2, 3]) {
    const refusal: unknown = await stream.next().catch((cause: unknown) => cause)
    expect(refusal, `asked ${again} times more`).toBe(error)
  }
  expectRefusal(vector, await refusalOf(readWhole(ciphertext, chunkKey)))

  const last = await refusalOf(openLast(ciphertext, chunkKey))
  if (vector.flags.includes('ValidFinalChunk')) expect(last).toBeUndefined()
  else expectRefusal(vector, last)
}

function expectRefusal({ flags }: ChunkedVector, error: unknown): void {
  const code = flags.includes('InvalidKeySize') ? 'invalid-argument' : 'invalid-message'
  expect(error).toBeInstanceOf(CryptoError)
  expect(error).toMatchObject({ code })
}

/** Authenticates the length of the message. */
async function openLast(ciphertext: Uint8Array, key: ChunkKey): Promise<Uint8Array> {
  const { header, chunks } = partsOf(ciphertext)
  const opener = await createOpener({ ...key, header, sealedBytes: ciphertext.length })
  return opener.open(opener.chunkCount - 1, chunks.at(-1) ?? new Uint8Array())
}

/** With the derived key that the vector names: the longest genuine prefix is what it says. */
async function opensRaw(vector: ChunkedVector, aesGcm: AesGcm): Promise<void> {
  if (!vector.aeadKey || !vector.baseNonce) return
  const { ciphertext } = inputOf(vector, aesGcm)
  const baseNonce = fromHex(vector.baseNonce)
  const aes = await aesGcm(fromHex(vector.aeadKey))
  const hash = createHash('sha512')
  let length = 0
  for (const [index, chunk] of partsOf(ciphertext).chunks.entries()) {
    const opened = await aes.open(chunkNonce(baseNonce, index), chunk).catch(() => undefined)
    if (!opened) break
    hash.update(opened)
    length += opened.length
  }
  if (vector.msgLength === undefined) expect(length).toBe(0)
  else expect([length, hash.digest('hex')]).toEqual([vector.msgLength, vector.msgSha512 ?? ''])
}

async function refusalOf(attempted: Promise<unknown>): Promise<unknown> {
  return attempted.then(
    () => undefined,
    (cause: unknown) => cause,
  )
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex')
}
