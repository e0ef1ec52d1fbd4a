// Ways to spoil a message: in its bytes, in its protobuf structure, in what its fields say.

import type { Dice } from './random.ts'

export interface Mutant {
  /** What was done, for the report. */
  how: string
  bytes: Uint8Array
}

/**
 * Ends of the protobuf part of a message: after the version byte, before the MAC if there is one.
 */
interface Layout {
  macBytes: number
}

const PREKEY: Layout = { macBytes: 0 }
const RATCHET: Layout = { macBytes: 8 }
/** Field of a prekey message that holds the ratchet message. */
const INNER_FIELD = 4

type Change = (bytes: Uint8Array, dice: Dice) => Uint8Array
type FieldChange = (fields: RawField[], dice: Dice) => RawField[]

interface RawField {
  number: number
  wireType: number
  /** A varint's bytes, or the content of a length-delimited field. */
  value: Uint8Array
}

const BYTE_CHANGES: Record<string, Change> = {
  'bit flipped': (bytes, dice) =>
    withByte(bytes, dice.below(bytes.length), (byte) => byte ^ (1 << dice.below(8))),
  'cut short': (bytes, dice) => bytes.slice(0, dice.below(bytes.length)),
  'bytes added': (bytes, dice) => Uint8Array.from([...bytes, ...dice.bytes(1 + dice.below(20))]),
  'bytes inserted': (bytes, dice) => {
    const at = dice.below(bytes.length)
    return Uint8Array.from([...bytes.slice(0, at), ...dice.bytes(1), ...bytes.slice(at)])
  },
  'another version': (bytes, dice) => withByte(bytes, 0, () => dice.below(256)),
}

const FIELD_CHANGES: Record<string, FieldChange> = {
  'field dropped': (fields, dice) => {
    const at = dice.below(fields.length)
    return fields.filter((_, index) => index !== at)
  },
  'field doubled': (fields, dice) => [...fields, pick(fields, dice)],
  'field doubled with another value': (fields, dice) => {
    const field = pick(fields, dice)
    return [...fields, { ...field, value: spoil(field.value, dice) }]
  },
  'fields turned round': (fields) => [...fields].reverse(),
  'unknown field': (fields, dice) => [
    ...fields,
    { number: 20 + dice.below(2_000), wireType: 2, value: dice.bytes(dice.below(9)) },
  ],
  'value spoilt': (fields, dice) =>
    changeOne(fields, dice, (field) => ({ ...field, value: spoil(field.value, dice) })),
  'value emptied': (fields, dice) =>
    changeOne(fields, dice, (field) =>
      field.wireType === 2
        ? { ...field, value: new Uint8Array(0) }
        : { ...field, value: Uint8Array.of(0) },
    ),
  'value cut': (fields, dice) =>
    changeOne(fields, dice, (field) =>
      field.wireType === 2 ? { ...field, value: field.value.slice(0, -1) } : field,
    ),
  'number spelt too long': (fields, dice) => changeNumber(fields, dice, spellLonger),
  'number as large as can be': (fields, dice) =>
    changeNumber(fields, dice, () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)),
  'number beyond 32 bits': (fields, dice) =>
    changeNumber(fields, dice, () => Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)),
  'key of low order': (fields, dice) => changeKey(fields, dice, () => lowOrderKey(dice)),
  'key with its top bit set': (fields, dice) =>
    changeKey(fields, dice, (key) => withByte(key, 32, (byte) => byte | 0x80)),
  'key of another type': (fields, dice) =>
    changeKey(fields, dice, (key) => withByte(key, 0, () => 6)),
}

export function mutatePreKeyMessage(bytes: Uint8Array, dice: Dice): Mutant {
  if (dice.chance(0.5)) return mutate(bytes, PREKEY, dice)
  const fields = readFields(bytes.slice(1))
  const inner = fields.find(({ number }) => number === INNER_FIELD)
  if (inner === undefined) return mutate(bytes, PREKEY, dice)
  const mutant = mutate(inner.value, RATCHET, dice)
  const changed = fields.map((field) =>
    field === inner ? { ...field, value: mutant.bytes } : field,
  )
  return { how: `inner ${mutant.how}`, bytes: join(bytes.slice(0, 1), writeFields(changed)) }
}

export function mutateRatchetMessage(bytes: Uint8Array, dice: Dice): Mutant {
  return mutate(bytes, RATCHET, dice)
}

/** The ratchet message within a prekey message. */
export function innerMessage(bytes: Uint8Array): Uint8Array {
  const inner = readFields(bytes.slice(1)).find(({ number }) => number === INNER_FIELD)
  if (inner === undefined) throw new Error('not a prekey message')
  return inner.value
}

function mutate(bytes: Uint8Array, { macBytes }: Layout, dice: Dice): Mutant {
  if (dice.chance(0.4)) {
    const [how, change] = pickEntry(BYTE_CHANGES, dice)
    return { how, bytes: change(bytes, dice) }
  }
  const [how, change] = pickEntry(FIELD_CHANGES, dice)
  const end = bytes.length - macBytes
  const before = readFields(bytes.slice(1, end))
  const fields = change(before, dice)
  return {
    how: `${how} (${changedFields(before, fields)})`,
    bytes: join(bytes.slice(0, 1), writeFields(fields), bytes.slice(end)),
  }
}

function changedFields(before: readonly RawField[], after: readonly RawField[]): string {
  const changed = [
    ...before.filter((field) => !after.includes(field)),
    ...after.filter((field, index) => !before.includes(field) || after.indexOf(field) !== index),
  ]
  return [...new Set(changed.map(({ number }) => number))].join(', ')
}

function readFields(bytes: Uint8Array): RawField[] {
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
  return join(
    ...fields.map(({ number, wireType, value }) => {
      const tag = spell(number * 8 + wireType)
      return wireType === 2 ? join(tag, spell(value.length), value) : join(tag, value)
    }),
  )
}

function valueOf(varint: Uint8Array): number {
  return varint.reduceRight((value, byte) => value * 128 + (byte & 127), 0)
}

function spell(value: number): Uint8Array {
  return value < 128
    ? Uint8Array.of(value)
    : join(Uint8Array.of((value & 127) | 128), spell(value >> 7))
}

function spellLonger(varint: Uint8Array): Uint8Array {
  const last = varint.length - 1
  return join(
    withByte(varint, last, (byte) => byte | 128),
    Uint8Array.of(0),
  )
}

function changeOne(
  fields: RawField[],
  dice: Dice,
  change: (field: RawField) => RawField,
): RawField[] {
  const chosen = pick(fields, dice)
  return fields.map((field) => (field === chosen ? change(field) : field))
}

function changeNumber(
  fields: RawField[],
  dice: Dice,
  change: (varint: Uint8Array) => Uint8Array,
): RawField[] {
  const chosen = pick(
    fields.filter(({ wireType }) => wireType === 0),
    dice,
  )
  return fields.map((field) =>
    field === chosen ? { ...field, value: change(field.value) } : field,
  )
}

function changeKey(
  fields: RawField[],
  dice: Dice,
  change: (key: Uint8Array) => Uint8Array,
): RawField[] {
  const chosen = pick(
    fields.filter(({ value }) => value.length === 33 && value[0] === 5),
    dice,
  )
  return fields.map((field) =>
    field === chosen ? { ...field, value: change(field.value) } : field,
  )
}

function lowOrderKey(dice: Dice): Uint8Array {
  return withByte(
    withByte(new Uint8Array(33), 0, () => 5),
    1,
    () => dice.below(2),
  )
}

function spoil(value: Uint8Array, dice: Dice): Uint8Array {
  if (value.length === 0) return value
  // The last byte of a varint keeps its top bit clear, so that the field stays one field.
  const bit = 1 << dice.below(7)
  return withByte(value, dice.below(value.length), (byte) => byte ^ bit)
}

function withByte(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[at] = change(changed[at] ?? 0)
  return changed
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function pick<T>(values: readonly T[], dice: Dice): T {
  const value = values[dice.below(values.length)]
  if (value === undefined) throw new Error('nothing to choose from')
  return value
}

function pickEntry<T>(choices: Record<string, T>, dice: Dice): [string, T] {
  return pick(Object.entries(choices), dice)
}
