// Ways to spoil a message: in its bytes, in its protobuf structure, in what its fields say, in who
// is said to have sent it to whom.

import { concatBytes } from '../../packages/crypto/src/bytes.ts'
import { lowOrderKey, nonCanonicalKey, withTorsion } from './bad-keys.ts'
import {
  innerMessage,
  type Layout,
  PREKEY,
  RATCHET,
  type RawField,
  readMessage,
  rewrite,
  spellLonger,
  withInner,
} from './fields.ts'
import type { Dice } from './random.ts'

export interface Change {
  /** What was done, for the report. */
  how: string
  bytes: Uint8Array
}

type ByteChange = (bytes: Uint8Array, dice: Dice) => Uint8Array
type FieldChange = (fields: RawField[], dice: Dice) => RawField[]

const BYTE_CHANGES: Record<string, ByteChange> = {
  'bit flipped': (bytes, dice) =>
    withByte(bytes, dice.below(bytes.length), (byte) => byte ^ (1 << dice.below(8))),
  'cut short': (bytes, dice) => bytes.slice(0, dice.below(bytes.length)),
  'bytes added': (bytes, dice) => concatBytes(bytes, dice.bytes(1 + dice.below(20))),
  'bytes inserted': (bytes, dice) => {
    const at = dice.below(bytes.length)
    return concatBytes(bytes.slice(0, at), dice.bytes(1), bytes.slice(at))
  },
  'another version': (bytes, dice) =>
    withByte(bytes, 0, (byte) => (byte & 0x0f) | (dice.below(16) << 4)),
  'another newest version': (bytes, dice) =>
    withByte(bytes, 0, (byte) => (byte & 0xf0) | dice.below(16)),
  'another version byte': (bytes, dice) => withByte(bytes, 0, () => dice.below(256)),
}

const FIELD_CHANGES: Record<string, FieldChange> = {
  'field dropped': (fields, dice) => {
    const at = dice.below(fields.length)
    return fields.filter((_, index) => index !== at)
  },
  'field doubled': (fields, dice) => [...fields, { ...pick(fields, dice) }],
  'field doubled with another value': (fields, dice) => {
    const field = pick(fields, dice)
    return [...fields, { ...field, value: spoil(field.value, dice) }]
  },
  'fields turned round': (fields) => [...fields].reverse(),
  'fields shuffled': (fields, dice) => {
    const rest = [...fields]
    return fields.map(() => rest.splice(dice.below(rest.length), 1)[0] as RawField)
  },
  'unknown field': (fields, dice) => [
    ...fields,
    { number: 20 + dice.below(2_000), wireType: 2, value: dice.bytes(dice.below(9)) },
  ],
  'value spoilt': (fields, dice) =>
    changeOne(fields, dice, (field) => ({ ...field, value: spoil(field.value, dice) })),
  'value emptied': (fields, dice) =>
    changeOne(fields, dice, (field) => ({
      ...field,
      value: field.wireType === 2 ? new Uint8Array(0) : Uint8Array.of(0),
    })),
  'value cut': (fields, dice) =>
    changeOne(fields, dice, (field) =>
      field.wireType === 2 ? { ...field, value: field.value.slice(0, -1) } : field,
    ),
  'tag and length spelt too long': (fields, dice) =>
    changeOne(fields, dice, (field) => ({ ...field, isLong: true })),
  'number spelt too long': (fields, dice) => changeNumber(fields, dice, spellLonger),
  'number as large as can be': (fields, dice) =>
    changeNumber(fields, dice, () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)),
  'number beyond 32 bits': (fields, dice) =>
    changeNumber(fields, dice, () => Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)),
  'key of low order': (fields, dice) => changeKey(fields, dice, () => lowOrderKey(dice)),
  'key not canonical': (fields, dice) => changeKey(fields, dice, () => nonCanonicalKey(dice)),
  'key with a point of small order added': (fields, dice) =>
    changeKey(fields, dice, (key) => withTorsion(key, dice)),
  'key with its top bit set': (fields, dice) =>
    changeKey(fields, dice, (key) => withByte(key, 32, (byte) => byte | 0x80)),
  'key of another type': (fields, dice) =>
    changeKey(fields, dice, (key) => withByte(key, 0, () => 6)),
}

/** In the message of the post-quantum ratchet, which has a form of its own. */
const PQ_CHANGES: Record<string, ByteChange> = {
  'chunk spoilt': (bytes, dice) =>
    withByte(
      bytes,
      bytes.length - 1 - dice.below(Math.min(32, bytes.length)),
      (byte) => byte ^ (1 << dice.below(8)),
    ),
  'chunk cut': (bytes) => bytes.slice(0, -1),
  'chunk doubled': (bytes) => concatBytes(bytes, bytes.slice(-32)),
  'another epoch': (bytes, dice) => withByte(bytes, 1, () => dice.below(128)),
  'another index': (bytes, dice) => withByte(bytes, 2, () => dice.below(128)),
  'another type': (bytes, dice) => withByte(bytes, 3, () => dice.below(16)),
  'another version': (bytes, dice) => withByte(bytes, 0, () => dice.below(256)),
}
const PQ_FIELD = 5

export function mutatePreKeyMessage(bytes: Uint8Array, dice: Dice): Change {
  if (dice.chance(0.5)) return mutate(bytes, PREKEY, dice)
  const mutant = mutateRatchetMessage(innerMessage(bytes), dice)
  return { how: `inner ${mutant.how}`, bytes: withInner(bytes, mutant.bytes) }
}

export function mutateRatchetMessage(bytes: Uint8Array, dice: Dice): Change {
  if (!dice.chance(0.1)) return mutate(bytes, RATCHET, dice)
  const [how, change] = pickEntry(PQ_CHANGES, dice)
  const fields = readMessage(bytes, RATCHET).map((field) =>
    field.number === PQ_FIELD ? { ...field, value: change(field.value, dice) } : field,
  )
  return { how: `post-quantum ${how}`, bytes: rewrite(bytes, RATCHET, fields) }
}

export function mutate(bytes: Uint8Array, layout: Layout, dice: Dice): Change {
  if (dice.chance(0.4)) {
    const [how, change] = pickEntry(BYTE_CHANGES, dice)
    return { how, bytes: change(bytes, dice) }
  }
  return mutateFields(bytes, layout, dice)
}

export function mutateFields(bytes: Uint8Array, layout: Layout, dice: Dice): Change {
  const before = readMessage(bytes, layout)
  const choices = Object.entries(FIELD_CHANGES).filter(
    ([how]) => !how.startsWith('key ') || before.some(isKey),
  )
  const [how, change] = pick(choices, dice)
  const fields = change(before, dice)
  const changed = `${how} (${changedFields(before, fields)})`
  return { how: changed, bytes: rewrite(bytes, layout, fields) }
}

function changedFields(before: readonly RawField[], after: readonly RawField[]): string {
  const changed = [
    ...before.filter((field) => !after.includes(field)),
    ...after.filter((field) => !before.includes(field)),
  ]
  return [...new Set(changed.map(({ number }) => number))].join(', ')
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
  const numbers = fields.filter(({ wireType }) => wireType === 0)
  const chosen = pick(numbers, dice)
  return fields.map((field) =>
    field === chosen ? { ...field, value: change(field.value) } : field,
  )
}

function changeKey(
  fields: RawField[],
  dice: Dice,
  change: (key: Uint8Array) => Uint8Array,
): RawField[] {
  const chosen = pick(fields.filter(isKey), dice)
  return fields.map((field) =>
    field === chosen ? { ...field, value: change(field.value) } : field,
  )
}

function isKey({ value }: RawField): boolean {
  return value.length === 33 && value[0] === 5
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

function pick<T>(values: readonly T[], dice: Dice): T {
  const value = values[dice.below(values.length)]
  if (value === undefined) throw new Error('nothing to choose from')
  return value
}

function pickEntry<T>(choices: Record<string, T>, dice: Dice): [string, T] {
  return pick(Object.entries(choices), dice)
}
