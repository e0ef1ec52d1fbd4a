// The message of SPQR as it travels in each message of the Double Ratchet: version, epoch of the
// braid, index of the message key, and at most one chunk of what the braid is exchanging.

import { concatBytes } from './bytes.ts'
import { type Chunk, chunkBytes, chunkCountMax } from './erasure.ts'
import { CryptoError } from './errors.ts'
import { type Reader, reader, varintBytes } from './spqr-reader.ts'

const version = 1

/** In the order of their numbers on the wire. */
const payloadTypes = ['none', 'header', 'vector', 'vector-ack', 'ack', 'ct1', 'ct2'] as const

export type Payload =
  | { type: 'none' | 'ack' }
  | { type: 'header' | 'vector' | 'vector-ack' | 'ct1' | 'ct2'; chunk: Chunk }

export interface SpqrMessage {
  /** Of the braid, from 1; the message key is that of the epoch before. */
  epoch: number
  /** From 1, per epoch and direction. */
  index: number
  payload: Payload
}

export function encodeSpqrMessage({ epoch, index, payload }: SpqrMessage): Uint8Array {
  const type = payloadTypes.indexOf(payload.type)
  const head = [Uint8Array.of(version), varintBytes(epoch), varintBytes(index), Uint8Array.of(type)]
  if (!('chunk' in payload)) return concatBytes(...head)
  return concatBytes(...head, varintBytes(payload.chunk.index), payload.chunk.bytes)
}

export function decodeSpqrMessage(bytes: Uint8Array): SpqrMessage {
  const input = reader(bytes, 'invalid-message')
  if (input.byte() !== version) {
    throw new CryptoError(
      'unsupported-version',
      'This version of the post-quantum ratchet is unknown.',
    )
  }
  const epoch = input.varint()
  const index = input.varint()
  if (epoch === 0 || index === 0) throw input.fail('there is no key of number 0')
  const payload = readPayload(input)
  input.end()
  return { epoch, index, payload }
}

function readPayload(input: Reader): Payload {
  const type = payloadTypes[input.byte()]
  if (type === undefined) throw input.fail('the type of the message is unknown')
  if (type === 'none' || type === 'ack') return { type }
  const index = input.varint()
  if (index >= chunkCountMax) throw input.fail('a chunk is out of range')
  return { type, chunk: { index, bytes: input.take(chunkBytes) } }
}
