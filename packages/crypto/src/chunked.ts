// Encryption of what is large (media, archives): https://c2sp.org/chunked-encryption with
// AES-256-GCM and HKDF-SHA-512, the instance that its vectors call Cobblestone-256. Chunks of
// 16 KiB, so that it streams and can be read from anywhere, and a commitment, so that no ciphertext
// opens under two keys. Here: sizes, keys and single chunks; streams are in chunked-streams.ts.
//
//   ciphertext: salt 24 ‖ commitment 32 ‖ sealed chunks
//   sealed chunk k: AES-256-GCM(key, base nonce xor k, 16,384 bytes or, in the last, fewer)
//   key 32 ‖ base nonce 12 ‖ commitment 32: HKDF-Expand(input key, label ‖ 00 ‖ salt ‖ context)

import { AES_KEY_BYTES, type AesGcm, checkKey, NONCE_BYTES, TAG_BYTES } from './aes-gcm.ts'
import { concatBytes, equalBytes, utf8 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { drawn, hkdfExpandSha512, type RandomBytes } from './primitives.ts'

/** Of plaintext, in every chunk but the last. */
export const CHUNK_BYTES = 16_384
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
/** Salt and commitment. */
export const HEADER_BYTES = 56

const SALT_BYTES = 24
const COMMITMENT_BYTES = HEADER_BYTES - SALT_BYTES
/** 4 PiB of plaintext. */
const CHUNKS_MAX = 2 ** 38
const LABEL = utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0')

/** From `start` to before `end`. */
export interface ByteRange {
  start: number
  end: number
}

export interface ChunkKey {
  /** 32 bytes, uniformly random; use one for one plaintext. */
  key: Uint8Array
  /** What the ciphertext is for: with another context it does not open. May be empty. */
  context: Uint8Array
  aesGcm: AesGcm
}

/** Whether there may be a plaintext of this size: a whole number up to 4 PiB. */
export function isPlaintextSize(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= 0 && bytes < CHUNKS_MAX * CHUNK_BYTES
}

/** The length of the ciphertext. Throws `invalid-argument` when no plaintext has this size. */
export function sealedSize(plaintextBytes: number): number {
  if (!isPlaintextSize(plaintextBytes)) {
    throw new CryptoError('invalid-argument', 'no plaintext has this size')
  }
  const chunkCount = Math.floor(plaintextBytes / CHUNK_BYTES) + 1
  return HEADER_BYTES + plaintextBytes + chunkCount * TAG_BYTES
}

/** The other way round. Throws `invalid-message` for what no ciphertext is as long as. */
export function plaintextSize(sealedBytes: number): number {
  const body = sealedBytes - HEADER_BYTES
  const full = Math.floor(body / SEALED_CHUNK_BYTES)
  const last = (body % SEALED_CHUNK_BYTES) - TAG_BYTES
  if (!Number.isSafeInteger(sealedBytes) || body < 0 || last < 0 || full >= CHUNKS_MAX) {
    throw new CryptoError('invalid-message', 'no ciphertext has this size')
  }
  return full * CHUNK_BYTES + last
}

export interface ChunkSealer {
  /** What the ciphertext begins with, 56 bytes. */
  header: Uint8Array
  /**
   * The next chunk. Every one has 16,384 bytes but the last, which is shorter, be it empty: without
   * it the ciphertext is truncated, and after it `invalid-argument` is all there is.
   */
  seal(plaintext: Uint8Array): Promise<Uint8Array>
}

/** Seals one plaintext, chunk after chunk, with a salt of its own. */
export async function createSealer(
  input: ChunkKey & { random: RandomBytes },
): Promise<ChunkSealer> {
  const salt = drawn(input.random, SALT_BYTES)
  const { key, baseNonce, commitment } = deriveKeys(input, salt)
  const aes = await input.aesGcm(key)
  let next = 0
  let isFinished = false
  return {
    header: concatBytes(salt, commitment),
    async seal(plaintext) {
      if (isFinished) throw new CryptoError('invalid-argument', 'the last chunk was sealed before')
      if (plaintext.length > CHUNK_BYTES) {
        throw new CryptoError('invalid-argument', 'a chunk has at most 16,384 bytes')
      }
      isFinished = plaintext.length < CHUNK_BYTES
      return aes.seal(chunkNonce(baseNonce, next++), plaintext)
    },
  }
}

/**
 * Opens the chunk at an index; rejects with `invalid-message` unless it was sealed at just that
 * index. Whoever calls it sees to the lengths: all chunks are full but the last, which is not.
 */
export type OpenChunk = (index: number, sealed: Uint8Array) => Promise<Uint8Array>

/** Checks the commitment, before which no chunk is opened: `invalid-message` when it is wrong. */
export async function acceptHeader(input: ChunkKey & { header: Uint8Array }): Promise<OpenChunk> {
  const salt = input.header.subarray(0, SALT_BYTES)
  const { key, baseNonce, commitment } = deriveKeys(input, salt)
  if (!equalBytes(commitment, input.header.subarray(SALT_BYTES))) {
    throw new CryptoError('invalid-message', 'not made with this key, or for another use')
  }
  const aes = await input.aesGcm(key)
  return (index, sealed) => aes.open(chunkNonce(baseNonce, index), sealed)
}

export interface ChunkOpener {
  plaintextBytes: number
  /** At least one. */
  chunkCount: number
  /** The chunk at this index, which has 16,400 bytes as sealed, or what is left for the last. */
  open: OpenChunk
  /** Where in the ciphertext the chunks are that hold this part of the plaintext. */
  covering(range: ByteRange): ByteRange
  /** This part of the plaintext, out of the part of the ciphertext that `covering` names. */
  read(range: ByteRange, sealed: Uint8Array): Promise<Uint8Array>
}

export interface OpenerInput extends ChunkKey {
  header: Uint8Array
  /** Of the whole ciphertext; it says which chunk is the last, and that chunk proves it. */
  sealedBytes: number
}

/**
 * For reading from anywhere. Rejects with `invalid-message` when no ciphertext is that long or the
 * commitment is wrong. A part that opens is genuine and in its place; that the rest is there and
 * unharmed is known only of what was opened too.
 */
export async function createOpener(input: OpenerInput): Promise<ChunkOpener> {
  const plaintextBytes = plaintextSize(input.sealedBytes)
  const openAny = await acceptHeader(input)
  const chunkCount = Math.floor(plaintextBytes / CHUNK_BYTES) + 1
  const covering = (range: ByteRange) => coveringRange(range, plaintextBytes)
  const open: OpenChunk = async (index, sealed) => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= chunkCount) {
      throw new CryptoError('invalid-argument', 'there is no such chunk')
    }
    const { start, end } = sealedChunk(index, input.sealedBytes)
    if (sealed.length !== end - start) {
      throw new CryptoError('invalid-message', 'the chunk has the wrong length')
    }
    return openAny(index, sealed)
  }
  const read = async (range: ByteRange, sealed: Uint8Array) => {
    const part = covering(range)
    if (sealed.length !== part.end - part.start) {
      throw new CryptoError('invalid-message', 'this is not the part that was asked for')
    }
    const first = Math.floor(range.start / CHUNK_BYTES)
    const chunks: Uint8Array[] = []
    for (let at = 0; at < sealed.length; at += SEALED_CHUNK_BYTES) {
      const chunk = sealed.subarray(at, at + SEALED_CHUNK_BYTES)
      chunks.push(await open(first + chunks.length, chunk))
    }
    const skipped = first * CHUNK_BYTES
    return concatBytes(...chunks).slice(range.start - skipped, range.end - skipped)
  }
  return { plaintextBytes, chunkCount, open, covering, read }
}

function sealedChunk(index: number, sealedBytes: number): ByteRange {
  const start = HEADER_BYTES + index * SEALED_CHUNK_BYTES
  return { start, end: Math.min(start + SEALED_CHUNK_BYTES, sealedBytes) }
}

/** An empty part lies in no chunk. */
function coveringRange({ start, end }: ByteRange, plaintextBytes: number): ByteRange {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start <= end
  if (!isRange || start < 0 || end > plaintextBytes) {
    throw new CryptoError('invalid-argument', 'the plaintext has no such part')
  }
  const sealedBytes = sealedSize(plaintextBytes)
  const first = sealedChunk(Math.floor(start / CHUNK_BYTES), sealedBytes)
  if (start === end) return { start: first.start, end: first.start }
  return {
    start: first.start,
    end: sealedChunk(Math.floor((end - 1) / CHUNK_BYTES), sealedBytes).end,
  }
}

/** The base nonce, its last 5 bytes xor the index as a big-endian number. */
export function chunkNonce(baseNonce: Uint8Array, index: number): Uint8Array {
  if (index >= CHUNKS_MAX) throw new CryptoError('invalid-argument', 'more than 4 PiB')
  const nonce = baseNonce.slice()
  const view = new DataView(nonce.buffer)
  view.setUint8(7, view.getUint8(7) ^ Math.floor(index / 2 ** 32))
  view.setUint32(8, view.getUint32(8) ^ (index % 2 ** 32))
  return nonce
}

interface DerivedKeys {
  key: Uint8Array
  baseNonce: Uint8Array
  commitment: Uint8Array
}

function deriveKeys({ key: secret, context }: ChunkKey, salt: Uint8Array): DerivedKeys {
  checkKey(secret)
  const info = concatBytes(LABEL, salt, context)
  const nonceEnd = AES_KEY_BYTES + NONCE_BYTES
  const derived = hkdfExpandSha512({ secret, info, length: nonceEnd + COMMITMENT_BYTES })
  return {
    key: derived.slice(0, AES_KEY_BYTES),
    baseNonce: derived.slice(AES_KEY_BYTES, nonceEnd),
    commitment: derived.slice(nonceEnd),
  }
}
