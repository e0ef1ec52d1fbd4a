// The message of SPQR as it travels in each message of the Double Ratchet: version, epoch of the
// braid, index of the message key, and at most one chunk of what the braid is exchanging.

import { concatBytes } from './bytes.ts'
import { CHUNK_BYTES, CHUNK_COUNT_MAX, type Chunk } from './erasure.ts'
import { CryptoError } from './errors.ts'

const VERSION = 1
const UINT32_MAX = 2 ** 32 - 1
const VARINT_BYTES_MAX = 5

/** In the order of their numbers on the wire. */
const PAYLOAD_TYPES = ['none', 'header', 'vector', 'vector-ack', 'ack', 'ct1', 'ct2'] as const

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
  const type = PAYLOAD_TYPES.indexOf(payload.type)
  const head = [VERSION, ...varintBytes(epoch), ...varintBytes(index), type]
  if (!('chunk' in payload)) return Uint8Array.from(head)
  const { chunk } = payload
  return concatBytes(Uint8Array.from([...head, ...varintBytes(chunk.index)]), chunk.bytes)
}

/** Strict: the one shortest form of each number, and nothing after the end. */
export function decodeSpqrMessage(bytes: Uint8Array): SpqrMessage {
  const cursor = { bytes, offset: 0 }
  if (readByte(cursor) !== VERSION) {
    throw new CryptoError('unsupported-version', 'the version of the post-quantum ratchet')
  }
  const epoch = readVarint(cursor)
  const index = readVarint(cursor)
  if (epoch === 0 || index === 0) throw malformed('epochs and keys are counted from 1')
  return { epoch, index, payload: readPayload(cursor) }
}

interface Cursor {
  readonly bytes: Uint8Array
  offset: number
}

function readPayload(cursor: Cursor): Payload {
  const type = PAYLOAD_TYPES[readByte(cursor)]
  if (type === undefined) throw malformed('an unknown type')
  if (type === 'none' || type === 'ack') {
    readRest(cursor, 0)
    return { type }
  }
  const index = readVarint(cursor)
  if (index >= CHUNK_COUNT_MAX) throw malformed('a chunk out of range')
  return { type, chunk: { index, bytes: readRest(cursor, CHUNK_BYTES) } }
}

function readRest({ bytes, offset }: Cursor, length: number): Uint8Array {
  if (bytes.length - offset !== length) throw malformed('it ends too early or too late')
  return bytes.slice(offset)
}

function readByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.offset++]
  if (byte === undefined) throw malformed('it ends too early')
  return byte
}

function readVarint(cursor: Cursor): number {
  let value = 0
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = readByte(cursor)
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if ((byte === 0 && i > 0) || value > UINT32_MAX) break
    return value
  }
  throw malformed('a number out of range')
}

function varintBytes(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return bytes
}

function malformed(why: string): CryptoError {
  return new CryptoError('invalid-message', `malformed post-quantum ratchet message: ${why}`)
}
