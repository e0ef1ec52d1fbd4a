// Media as messages refer to them (rule E18): a key of its own for each medium, chunked encryption
// (chunked.ts), and in the message what tells the one true ciphertext from any other.
//
// [Note: Looking before use] Decoders of images, audio and video must not see a byte of a medium
// that is not whole and genuine. So either collect `openMedia` to its end and use nothing if it
// fails, or store the ciphertext, let `verifyMedia` go through it, and then read the same stored
// bytes: with `openMedia` from the beginning, or with `createOpener` from anywhere.

import { AES_KEY_BYTES, type AesGcm } from './aes-gcm.ts'
import { equalBytes, utf8 } from './bytes.ts'
import { isPlaintextSize, plaintextSize, sealedSize } from './chunked.ts'
import { type ByteSource, openStream, sealStream } from './chunked-streams.ts'
import { CryptoError } from './errors.ts'
import { drawn, type RandomBytes, runningSha256 } from './primitives.ts'

/** The context of media: what is sealed for another use does not open as one. */
export const MEDIA_CONTEXT = utf8('parley media v1')

/** What a message carries of a medium, besides its type. */
export interface MediaReference {
  /** 32 bytes, of this medium alone. */
  key: Uint8Array
  plaintextBytes: number
  /** Of the whole ciphertext. */
  sha256: Uint8Array
}

export interface SealMediaInput {
  plaintext: ByteSource
  aesGcm: AesGcm
  random: RandomBytes
  context?: Uint8Array
}

export interface SealedMedia {
  /** To be read once. */
  ciphertext: AsyncIterableIterator<Uint8Array>
  /** Throws `invalid-argument` until the ciphertext was read to its end. */
  reference(): MediaReference
}

/** Makes the key itself, so that none is used twice: another sending is another sealing. */
export function sealMedia(input: SealMediaInput): SealedMedia {
  const { plaintext, aesGcm, random, context = MEDIA_CONTEXT } = input
  const key = drawn(random, AES_KEY_BYTES)
  let reference: MediaReference | undefined
  async function* seal(): AsyncGenerator<Uint8Array> {
    const hash = runningSha256()
    let sealedBytes = 0
    for await (const piece of sealStream({ key, context, aesGcm, random, plaintext })) {
      hash.update(piece)
      sealedBytes += piece.length
      yield piece
    }
    reference = { key, plaintextBytes: plaintextSize(sealedBytes), sha256: hash.digest() }
  }
  return {
    ciphertext: seal(),
    reference() {
      if (reference) return reference
      throw new CryptoError('invalid-argument', 'the medium is not sealed to its end')
    },
  }
}

export interface OpenMediaInput {
  reference: MediaReference
  ciphertext: ByteSource
  aesGcm: AesGcm
  context?: Uint8Array
}

/**
 * The plaintext, as `openStream` gives it, which moreover fails with `invalid-message` when length
 * or SHA-256 are not those of the reference, or the reference is malformed. Before the end nothing
 * vouches for the whole: see [Note: Looking before use].
 */
export function openMedia(input: OpenMediaInput): AsyncIterableIterator<Uint8Array> {
  const { reference, aesGcm, context = MEDIA_CONTEXT } = input
  return openStream({ key: reference.key, context, aesGcm, ciphertext: referredTo(input) })
}

/** Goes through all of it and keeps nothing: commitment, every chunk, length, SHA-256. */
export async function verifyMedia(input: OpenMediaInput): Promise<void> {
  const plaintext = openMedia(input)
  while (!(await plaintext.next()).done);
}

/**
 * The ciphertext, held to the reference. The last chunk is cut off only where this ends, so it
 * stays closed when this throws instead.
 */
async function* referredTo({ reference, ciphertext }: OpenMediaInput): AsyncGenerator<Uint8Array> {
  const expectedBytes = expectedSize(reference)
  const hash = runningSha256()
  let sealedBytes = 0
  for await (const piece of ciphertext) {
    sealedBytes += piece.length
    if (sealedBytes > expectedBytes) throw notTheOne()
    hash.update(piece)
    yield piece
  }
  const isTheOne = sealedBytes === expectedBytes && equalBytes(hash.digest(), reference.sha256)
  if (!isTheOne) throw notTheOne()
}

function expectedSize({ key, plaintextBytes, sha256 }: MediaReference): number {
  const isWellFormed =
    key.length === AES_KEY_BYTES && sha256.length === 32 && isPlaintextSize(plaintextBytes)
  if (isWellFormed) return sealedSize(plaintextBytes)
  throw new CryptoError('invalid-message', 'the reference to the medium is malformed')
}

function notTheOne(): CryptoError {
  return new CryptoError('invalid-message', 'not the ciphertext that the message refers to')
}
