// For tests of chunked encryption: the backends, plaintexts, and whole ciphertexts in one call.

import { expect } from 'bun:test'
import { createHmac } from 'node:crypto'
import { browserAesGcm } from './aes-gcm.browser.ts'
import { bunAesGcm } from './aes-gcm.bun.ts'
import { type AesGcm, nobleAesGcm } from './aes-gcm.ts'
import { concatBytes } from './bytes.ts'
import { type ChunkKey, createOpener, HEADER_BYTES, SEALED_CHUNK_BYTES } from './chunked.ts'
import { type ByteSource, openStream, sealStream } from './chunked-streams.ts'
import { CryptoError } from './errors.ts'
import { repeatableRandom } from './two-devices.fixture.ts'

const webCrypto = browserAesGcm()
if (!webCrypto) throw new Error('this platform has no WebCrypto')

export const backends: readonly [name: string, aesGcm: AesGcm][] = [
  ['noble', nobleAesGcm],
  ['node:crypto', bunAesGcm],
  ['WebCrypto', webCrypto],
]

export const random = repeatableRandom('chunked encryption')
export const KEY = random(32)
const CONTEXT = new TextEncoder().encode('a test')

/** Key and context that tests use, with the fastest backend. */
export const TEST_KEY: ChunkKey = { key: KEY, context: CONTEXT, aesGcm: bunAesGcm }

/** No two positions within reach of a mistake have the same neighbourhood. */
export function someBytes(length: number, salt = 1): Uint8Array {
  let state = salt
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  })
}

export async function collect(source: ByteSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return concatBytes(...pieces)
}

export function sealWhole(plaintext: Uint8Array, key = TEST_KEY): Promise<Uint8Array> {
  return collect(sealStream({ ...key, random, plaintext: [plaintext] }))
}

export function openWhole(ciphertext: Uint8Array, key = TEST_KEY): Promise<Uint8Array> {
  return collect(openStream({ ...key, ciphertext: [ciphertext] }))
}

/** Pieces of these lengths, over and over, until the bytes are used up. */
export function* inPieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length
    yield bytes.slice(at, at + length)
    at += length
  }
}

/** Header and sealed chunks, as copies. */
export function partsOf(ciphertext: Uint8Array): { header: Uint8Array; chunks: Uint8Array[] } {
  const body = ciphertext.slice(HEADER_BYTES)
  return {
    header: ciphertext.slice(0, HEADER_BYTES),
    chunks: [...inPieces(body, [SEALED_CHUNK_BYTES])],
  }
}

export function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return changed
}

export interface Attempt {
  released: Uint8Array
  error: unknown
}

/** What comes out of a stream before it fails, and how it fails. */
export async function attempt(plaintext: AsyncIterableIterator<Uint8Array>): Promise<Attempt> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of plaintext) pieces.push(piece)
  } catch (error) {
    return { released: concatBytes(...pieces), error }
  }
  return { released: concatBytes(...pieces), error: undefined }
}

/** Refused as a stream and as a file, and nothing shown but what came before the harm. */
export async function expectRefused(
  ciphertext: Uint8Array,
  genuine: { plaintext: Uint8Array; chunksBefore: number },
  key = TEST_KEY,
): Promise<void> {
  const { released, error } = await attempt(openStream({ ...key, ciphertext: [ciphertext] }))
  expectInvalidMessage(error)
  const most = genuine.plaintext.subarray(0, genuine.chunksBefore * 16_384)
  expect(released.length).toBeLessThanOrEqual(most.length)
  expect(Buffer.compare(released, most.subarray(0, released.length))).toBe(0)
  expectInvalidMessage(await readWhole(ciphertext, key).catch((refusal: unknown) => refusal))
}

export function expectInvalidMessage(error: unknown): void {
  expect(error).toBeInstanceOf(CryptoError)
  expect(error).toMatchObject({ code: 'invalid-message' })
}

/** By random access: every chunk, the last one too. */
export async function readWhole(ciphertext: Uint8Array, key = TEST_KEY): Promise<Uint8Array> {
  const { header, chunks } = partsOf(ciphertext)
  const opener = await createOpener({ ...key, header, sealedBytes: ciphertext.length })
  const plaintext: Uint8Array[] = []
  for (const [index, chunk] of chunks.entries()) plaintext.push(await opener.open(index, chunk))
  return concatBytes(...plaintext)
}

/** Key, base nonce and commitment as the specification has them, written a second time. */
export function deriveAgain(input: Pick<ChunkKey, 'key' | 'context'>, salt: Uint8Array) {
  const label = new TextEncoder().encode('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0')
  const info = concatBytes(label, salt, input.context)
  const block = (...parts: Uint8Array[]) =>
    new Uint8Array(
      createHmac('sha512', input.key)
        .update(concatBytes(...parts))
        .digest(),
    )
  const first = block(info, Uint8Array.of(1))
  const all = concatBytes(first, block(first, info, Uint8Array.of(2)))
  return { key: all.slice(0, 32), baseNonce: all.slice(32, 44), commitment: all.slice(44, 76) }
}
