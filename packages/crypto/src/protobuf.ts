// The little of protobuf that the message formats of the protocol need: unsigned 32-bit integers
// and byte strings, unknown fields passed over, the last of several equal fields wins.

import { concatBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const GROUP_START = 3
const GROUP_END = 4
const FIXED32 = 5
/** How deep an unknown group may lie in others, as the official library has it. */
const NESTING_MAX = 100
const VARINT_BYTES_MAX = 10
const VARINT_MAX = 2n ** 64n - 1n
const TAG_MAX = 2n ** 32n - 1n

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

/** `unusable`: a group, of fixed width (no field here is either), or given twice in two types. */
type Value = number | Uint8Array | 'unusable'

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

/** For a field that a message must have; without it the message is malformed. */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw malformed('a field is missing')
  return value
}

/** Throws `invalid-message`. The byte strings are views of the input. */
export function parseFields(bytes: Uint8Array): Fields {
  const values = new Map<number, Value>()
  const cursor = { bytes, offset: 0 }
  while (cursor.offset < bytes.length) {
    const tag = readTag(cursor)
    const { field } = tag
    const value = readValue(cursor, tag, NESTING_MAX)
    const earlier = values.get(field)
    const isClash = earlier !== undefined && typeof earlier !== typeof value
    values.set(field, isClash ? 'unusable' : value)
  }
  return new Fields(values)
}

interface Cursor {
  readonly bytes: Uint8Array
  offset: number
}

interface Tag {
  field: number
  wireType: number
}

function readTag(cursor: Cursor): Tag {
  const tag = readVarint(cursor)
  const field = Number(tag >> 3n)
  if (field === 0 || tag > TAG_MAX) throw malformed('a field has an impossible number')
  return { field, wireType: Number(tag & 7n) }
}

/** `nesting`: levels that are left, this one included. */
function readValue(cursor: Cursor, { field, wireType }: Tag, nesting: number): Value {
  if (nesting === 0) throw malformed('groups lie too deep in each other')
  switch (wireType) {
    case VARINT:
      return Number(BigInt.asUintN(32, readVarint(cursor)))
    case FIXED64:
      take(cursor, 8)
      return 'unusable'
    case LENGTH_DELIMITED:
      return take(cursor, Number(readVarint(cursor)))
    case FIXED32:
      take(cursor, 4)
      return 'unusable'
    case GROUP_START:
      passGroup(cursor, field, nesting)
      return 'unusable'
    default:
      throw malformed('an unknown wire type')
  }
}

function passGroup(cursor: Cursor, field: number, nesting: number): void {
  while (cursor.offset < cursor.bytes.length) {
    const tag = readTag(cursor)
    if (tag.wireType !== GROUP_END) readValue(cursor, tag, nesting - 1)
    else if (tag.field === field) return
    else throw malformed('a group ends that did not begin')
  }
  throw malformed('it ends within a group')
}

function readVarint(cursor: Cursor): bigint {
  let value = 0n
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = cursor.bytes[cursor.offset++]
    if (byte === undefined) throw malformed('it ends within a number')
    value |= BigInt(byte & 127) << BigInt(7 * i)
    if (byte < 128 && value <= VARINT_MAX) return value
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
