// The little of protobuf that the message formats of the protocol need: unsigned 32-bit integers
// and byte strings, unknown fields passed over, the last of several equal fields wins.

import { concatBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5
const VARINT_BYTES_MAX = 10

export type Field = readonly [number: number, value: number | Uint8Array | undefined]

export function encodeFields(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [field, value] of fields) {
    if (value === undefined) continue
    if (typeof value === 'number') {
      parts.push(encodeVarint((field << 3) | VARINT), encodeVarint(value))
    } else {
      parts.push(encodeVarint((field << 3) | LENGTH_DELIMITED), encodeVarint(value.length), value)
    }
  }
  return concatBytes(...parts)
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** No message here has a field of fixed width: such a one is passed over or out of place. */
type Value = number | Uint8Array | 'fixed-width'

/** Fields of a parsed message. Asking for one by the wrong type is malformed input, not absence. */
export class Fields {
  readonly #values: ReadonlyMap<number, Value>

  constructor(values: ReadonlyMap<number, Value>) {
    this.#values = values
  }

  uint32(field: number): number | undefined {
    const value = this.#values.get(field)
    if (value === undefined || typeof value === 'number') return value
    throw malformed('an integer is expected')
  }

  bytes(field: number): Uint8Array | undefined {
    const value = this.#values.get(field)
    if (value === undefined || value instanceof Uint8Array) return value
    throw malformed('bytes are expected')
  }
}

/** Throws `invalid-message`. The byte strings are views of the input. */
export function parseFields(bytes: Uint8Array): Fields {
  const values = new Map<number, Value>()
  const cursor = { bytes, offset: 0 }
  while (cursor.offset < bytes.length) {
    const tag = readVarint(cursor)
    const field = tag >>> 3
    if (field === 0) throw malformed('a field has no number')
    values.set(field, readValue(cursor, tag & 7))
  }
  return new Fields(values)
}

interface Cursor {
  readonly bytes: Uint8Array
  offset: number
}

function readValue(cursor: Cursor, wireType: number): Value {
  switch (wireType) {
    case VARINT:
      return readVarint(cursor)
    case FIXED64:
      take(cursor, 8)
      return 'fixed-width'
    case LENGTH_DELIMITED:
      return take(cursor, readVarint(cursor))
    case FIXED32:
      take(cursor, 4)
      return 'fixed-width'
    default:
      throw malformed('an unknown wire type')
  }
}

/** The low 32 bits of a varint of at most 64. */
function readVarint(cursor: Cursor): number {
  let value = 0
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = cursor.bytes[cursor.offset++]
    if (byte === undefined) throw malformed('it ends within a number')
    if (i < 5) value = (value | ((byte & 127) << (7 * i))) >>> 0
    if (byte < 128) return value
  }
  throw malformed('a number is too long')
}

function take(cursor: Cursor, length: number): Uint8Array {
  const end = cursor.offset + length
  if (end > cursor.bytes.length) throw malformed('it ends within a field')
  const value = cursor.bytes.subarray(cursor.offset, end)
  cursor.offset = end
  return value
}

function malformed(why: string): CryptoError {
  return new CryptoError('invalid-message', `malformed message: ${why}`)
}
