// The protobuf structure of a message as a list that can be changed and written again, with every
// freedom that a sender has and an honest one does not use.

import { concatBytes } from '../../packages/crypto/src/bytes.ts'

export interface RawField {
  number: number
  wireType: number
  /** A varint's bytes, or the content of a length-delimited field. */
  value: Uint8Array
  /** Tag and length are written with a byte more than they need. */
  isLong?: boolean
}

/** Ends of the protobuf part: after the version byte, before the MAC or signature. */
export interface Layout {
  trailerBytes: number
}

export const PREKEY: Layout = { trailerBytes: 0 }
export const RATCHET: Layout = { trailerBytes: 8 }
export const GROUP_MESSAGE: Layout = { trailerBytes: 64 }
export const DISTRIBUTION: Layout = { trailerBytes: 0 }
/** Field of a prekey message that holds the ratchet message. */
export const INNER_FIELD = 4

export function readMessage(bytes: Uint8Array, { trailerBytes }: Layout): RawField[] {
  return readFields(bytes.subarray(1, bytes.length - trailerBytes))
}

/** The message with other fields: version byte and trailer stay. */
export function rewrite(
  bytes: Uint8Array,
  { trailerBytes }: Layout,
  fields: readonly RawField[],
): Uint8Array {
  const end = bytes.length - trailerBytes
  return concatBytes(bytes.slice(0, 1), writeFields(fields), bytes.slice(end))
}

/** The ratchet message within a prekey message. */
export function innerMessage(bytes: Uint8Array): Uint8Array {
  const inner = readMessage(bytes, PREKEY).find(({ number }) => number === INNER_FIELD)
  if (inner === undefined) throw new Error('not a prekey message')
  return inner.value
}

/** The prekey message around another ratchet message. */
export function withInner(bytes: Uint8Array, message: Uint8Array): Uint8Array {
  const fields = readMessage(bytes, PREKEY)
  const changed = fields.map((field) =>
    field.number === INNER_FIELD ? { ...field, value: message } : field,
  )
  return rewrite(bytes, PREKEY, changed)
}

export function readFields(bytes: Uint8Array): RawField[] {
  const fields: RawField[] = []
  let offset = 0
  const varint = () => {
    const start = offset
    while ((bytes[offset] ?? 0) >= 128) offset++
    return bytes.slice(start, ++offset)
  }
  while (offset < bytes.length) {
    const tag = valueOf(varint())
    const [number, wireType] = [tag >> 3, tag & 7]
    if (wireType === 0) {
      fields.push({ number, wireType, value: varint() })
    } else {
      const length = valueOf(varint())
      fields.push({ number, wireType, value: bytes.slice(offset, offset + length) })
      offset += length
    }
  }
  return fields
}

function writeFields(fields: readonly RawField[]): Uint8Array {
  return concatBytes(
    ...fields.map(({ number, wireType, value, isLong = false }) => {
      const write = (count: number) => (isLong ? spellLonger(spell(count)) : spell(count))
      const tag = write(number * 8 + wireType)
      return wireType === 2 ? concatBytes(tag, write(value.length), value) : concatBytes(tag, value)
    }),
  )
}

export function valueOf(varint: Uint8Array): number {
  return varint.reduceRight((value, byte) => value * 128 + (byte & 127), 0)
}

export function spell(value: number): Uint8Array {
  return value < 128
    ? Uint8Array.of(value)
    : concatBytes(Uint8Array.of((value & 127) | 128), spell(Math.floor(value / 128)))
}

export function spellLonger(varint: Uint8Array): Uint8Array {
  const long = Uint8Array.of(...varint, 0)
  long[varint.length - 1] = (varint.at(-1) ?? 0) | 128
  return long
}
