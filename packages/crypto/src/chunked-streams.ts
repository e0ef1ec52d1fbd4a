// Chunked encryption (chunked.ts) of streams: pieces of any size go in, and never more than a few
// chunks are held. Errors of the stream that is read come out as they are; all others are ours.

import {
  acceptHeader,
  CHUNK_BYTES,
  type ChunkKey,
  createSealer,
  HEADER_BYTES,
  SEALED_CHUNK_BYTES,
} from './chunked.ts'
import { CryptoError } from './errors.ts'
import type { RandomBytes } from './primitives.ts'

export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Chunks that a backend works on at once; WebCrypto has threads of its own. */
const IN_FLIGHT_MAX = 4

export interface SealStreamInput extends ChunkKey {
  random: RandomBytes
  plaintext: ByteSource
}

/** The ciphertext: the header, then one chunk at a time. */
export function sealStream(input: SealStreamInput): AsyncIterableIterator<Uint8Array> {
  return failingForGood(seal(input))
}

async function* seal(input: SealStreamInput): AsyncGenerator<Uint8Array> {
  const sealer = await createSealer(input)
  yield sealer.header
  const pieces = cut(input.plaintext, { first: CHUNK_BYTES, rest: CHUNK_BYTES })
  yield* inOrder(pieces, (piece) => sealer.seal(piece))
}

export interface OpenStreamInput extends ChunkKey {
  ciphertext: ByteSource
}

/**
 * The plaintext, one chunk at a time; none before commitment and chunk were checked. What comes is
 * genuine from its beginning, but that it is whole is known only when the stream ends without an
 * error. Fails with `invalid-message`, and with the same again whenever it is asked to go on.
 */
export function openStream(input: OpenStreamInput): AsyncIterableIterator<Uint8Array> {
  return failingForGood(open(input))
}

async function* open(input: OpenStreamInput): AsyncGenerator<Uint8Array> {
  const pieces = cut(input.ciphertext, { first: HEADER_BYTES, rest: SEALED_CHUNK_BYTES })
  try {
    const header = await pieces.next()
    if (header.done) throw new CryptoError('invalid-message', 'the ciphertext is empty')
    const openChunk = await acceptHeader({ ...input, header: header.value })
    let index = 0
    for await (const plaintext of inOrder(pieces, (piece) => openChunk(index++, piece))) {
      if (plaintext.length > 0) yield plaintext
    }
  } finally {
    await pieces.return(undefined)
  }
}

/** In pieces of these sizes. The last piece is always shorter, and may be empty. */
async function* cut(
  source: ByteSource,
  bytes: { first: number; rest: number },
): AsyncGenerator<Uint8Array, undefined> {
  let piece = new Uint8Array(bytes.first)
  let filled = 0
  for await (const arrived of source) {
    let taken = 0
    while (taken < arrived.length) {
      const part = arrived.subarray(taken, taken + piece.length - filled)
      piece.set(part, filled)
      taken += part.length
      filled += part.length
      if (filled < piece.length) continue
      yield piece
      piece = new Uint8Array(bytes.rest)
      filled = 0
    }
  }
  yield piece.subarray(0, filled)
}

/** Works on a few at once, gives them out in order, and none after one that failed. */
async function* inOrder(
  pieces: AsyncIterable<Uint8Array>,
  work: (piece: Uint8Array) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const running: Promise<Uint8Array>[] = []
  for await (const piece of pieces) {
    const outcome = work(piece)
    // Whoever awaits it hears of a failure; until then it must not count as unhandled.
    outcome.catch(() => undefined)
    running.push(outcome)
    const oldest = running.length === IN_FLIGHT_MAX ? running.shift() : undefined
    if (oldest) yield await oldest
  }
  for (const outcome of running) yield await outcome
}

/** A generator that threw says next that it is at its end, which would pass for a whole stream. */
function failingForGood<T>(generator: AsyncGenerator<T>): AsyncIterableIterator<T> {
  let failure: { error: unknown } | undefined
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      try {
        const step = await generator.next()
        if (!failure) return step
      } catch (error) {
        failure ??= { error }
      }
      throw failure.error
    },
    return: () => generator.return(undefined),
  }
}
