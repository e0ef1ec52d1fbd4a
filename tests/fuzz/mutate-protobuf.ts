/**
 * Changes of an input field by field, as protobuf has them: dropped, doubled, moved, retyped, of
 * another length, nested deep. What cannot be taken apart is changed as bytes.
 */
import type { SimRandom } from '../../packages/testkit/src/sim/random.ts'
import { boundaryNumber, type Change, changeBytes, joined, varint } from './mutate-bytes.ts'

interface Field {
  number: bigint
  wireType: number
  /** Of a number its bytes, of everything else the content without its length. */
  value: Uint8Array
}

const bytesType = 2
const startGroup = 3
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 }
const depthMax = 3_000

interface Cursor {
  bytes: Uint8Array
  at: number
}

/** Undefined when it is not a row of fields. */
function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const cursor = { bytes, at: 0 }
  const fields: Field[] = []
  while (cursor.at < bytes.length) {
    const tag = numberAt(cursor)
    if (tag === undefined || tag.value >> 3n === 0n) return undefined
    const wireType = Number(tag.value & 7n)
    const value = valueAt(cursor, wireType)
    if (value === undefined) return undefined
    fields.push({ number: tag.value >> 3n, wireType, value })
  }
  return fields
}

function valueAt(cursor: Cursor, wireType: number): Uint8Array | undefined {
  if (wireType === 0) return numberAt(cursor)?.bytes
  const length = wireType === bytesType ? numberAt(cursor)?.value : fixedBytes[wireType]
  if (length === undefined || Number(length) > cursor.bytes.length - cursor.at) return undefined
  const start = cursor.at
  cursor.at += Number(length)
  return cursor.bytes.subarray(start, cursor.at)
}

function numberAt(cursor: Cursor): { value: bigint; bytes: Uint8Array } | undefined {
  const start = cursor.at
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = cursor.bytes[cursor.at++]
    if (byte === undefined) return undefined
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return { value, bytes: cursor.bytes.subarray(start, cursor.at) }
  }
  return undefined
}

function bytesOf(fields: readonly Field[]): Uint8Array {
  return joined(
    ...fields.flatMap(({ number, wireType, value }) => {
      const tag = varint((number << 3n) | BigInt(wireType))
      return wireType === bytesType ? [tag, varint(BigInt(value.length)), value] : [tag, value]
    }),
  )
}

type FieldChange = (fields: Field[], random: SimRandom, other: Uint8Array) => Field[]

function withOne(
  fields: Field[],
  random: SimRandom,
  change: (field: Field) => Field | Field[],
): Field[] {
  const chosen = random.below(fields.length)
  return fields.flatMap((field, index) => (index === chosen ? change(field) : field))
}

/** Goes down where the field holds fields itself. */
const inside: FieldChange = (fields, random, other) =>
  withOne(fields, random, (field) => {
    if (field.wireType === bytesType) {
      return { ...field, value: changeProtobuf(field.value, random, other) }
    }
    return field.wireType === 0 ? { ...field, value: varint(boundaryNumber(random)) } : field
  })

const drop: FieldChange = (fields, random) => withOne(fields, random, () => [])

const double: FieldChange = (fields, random) => {
  const times = random.below(40) === 0 ? 300 : 1 + random.below(3)
  return withOne(fields, random, (field) => Array.from({ length: times + 1 }, () => field))
}

const shuffle: FieldChange = (fields, random) => {
  const rest = [...fields]
  return fields.map(() => rest.splice(random.below(rest.length), 1)[0] as Field)
}

const renumber: FieldChange = (fields, random) =>
  withOne(fields, random, (field) => {
    const number = random.chance(0.8) ? BigInt(1 + random.below(16)) : boundaryNumber(random) >> 3n
    return { ...field, number }
  })

const retype: FieldChange = (fields, random) =>
  withOne(fields, random, (field) => ({ ...field, wireType: random.below(8) }))

const empty: FieldChange = (fields, random) =>
  withOne(fields, random, (field) => ({ ...field, value: new Uint8Array(0) }))

const overlong: FieldChange = (fields, random) =>
  withOne(fields, random, (field) =>
    field.wireType === 0
      ? { ...field, value: varint(BigInt(random.below(300)), 1 + random.below(9)) }
      : field,
  )

const exchange: FieldChange = (fields, random) => {
  const from = random.pick(fields)
  return withOne(fields, random, (field) => ({ ...field, value: from.value }))
}

/** A field of the other input, which may be of another kind of message. */
const borrow: FieldChange = (fields, random, other) => {
  const theirs = fieldsOf(other)
  if (!theirs || theirs.length === 0) return fields
  return fields.toSpliced(random.below(fields.length + 1), 0, random.pick(theirs))
}

const unknown: FieldChange = (fields, random) => [
  ...fields,
  { number: BigInt(20 + random.below(2_000)), wireType: 2, value: random.bytes(random.below(9)) },
]

/** The whole in a field of itself, many times over; or groups, which nothing here uses. */
const nest: FieldChange = (fields, random) => {
  const depth = random.chance(0.97) ? 1 + random.below(12) : random.below(depthMax)
  const number = random.pick(fields).number
  const isGroup = random.chance(0.3)
  if (isGroup) {
    const tags = new Uint8Array(depth).fill(Number((number & 15n) << 3n) | startGroup)
    return [...fields, { number: 15n, wireType: startGroup, value: tags }]
  }
  let value: Uint8Array = bytesOf(fields)
  for (let level = 0; level < depth; level++) {
    value = bytesOf([{ number, wireType: bytesType, value }])
  }
  return [{ number, wireType: bytesType, value }]
}

const changes: readonly FieldChange[] = [
  inside,
  inside,
  inside,
  inside,
  drop,
  double,
  shuffle,
  renumber,
  retype,
  empty,
  overlong,
  exchange,
  borrow,
  unknown,
  nest,
]

export const changeProtobuf: Change = (bytes, random, other) => {
  const fields = random.chance(0.75) ? fieldsOf(bytes) : undefined
  if (!fields || fields.length === 0) return changeBytes(bytes, random, other)
  return bytesOf(random.pick(changes)(fields, random, other))
}
