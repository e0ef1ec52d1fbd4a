/** Changes of an input as bytes: bits, boundary values, lengths, ranges, and two inputs spliced. */
import type { SimRandom } from '../../packages/testkit/src/sim/random.ts'

export type Change = (bytes: Uint8Array, random: SimRandom, other: Uint8Array) => Uint8Array

const boundaryBytes = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff]
const boundaryNumbers = [
  0n,
  1n,
  127n,
  128n,
  255n,
  256n,
  25_000n,
  25_001n,
  65_535n,
  65_536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]
/** One in this many changes that lengthen makes the input as long as it may be. */
const hugeOneIn = 60

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A number at a boundary or near one, or any of 64 bits. */
export function boundaryNumber(random: SimRandom): bigint {
  if (random.chance(0.1)) return (BigInt(random.word()) << 32n) | BigInt(random.word())
  const near = BigInt(random.pick(boundaryNumbers)) + BigInt(random.below(3)) - 1n
  return BigInt.asUintN(64, near)
}

/** As protobuf writes it, or longer than it need be: the same value with empty groups after it. */
export function varint(value: bigint, extraBytes = 0): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  for (let extra = 0; extra < extraBytes; extra++) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128
    bytes.push(0)
  }
  return Uint8Array.from(bytes)
}

function overwritten(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const changed = bytes.slice()
  changed.set(part.subarray(0, Math.max(0, bytes.length - at)), at)
  return changed
}

function inserted(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  return joined(bytes.subarray(0, at), part, bytes.subarray(at))
}

/** Start and end of some part of it. */
function range(bytes: Uint8Array, random: SimRandom): [number, number] {
  const start = random.below(bytes.length + 1)
  const length = random.below(Math.min(bytes.length - start, 64) + 1)
  return [start, start + length]
}

function flipBit(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const changed = bytes.slice()
  const at = random.below(bytes.length)
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
  return changed
}

function setByte(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const value = random.chance(0.5) ? random.pick(boundaryBytes) : random.below(256)
  return overwritten(bytes, random.below(bytes.length), Uint8Array.of(value))
}

function setInteger(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, boundaryNumber(random), random.chance(0.5))
  const width = random.pick([2, 4, 8])
  const isLittle = random.chance(0.5)
  const part = new Uint8Array(view.buffer).slice(isLittle ? 0 : 8 - width).subarray(0, width)
  return overwritten(bytes, random.below(bytes.length), part)
}

function setVarint(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const [start] = range(bytes, random)
  const part = varint(boundaryNumber(random), random.chance(0.2) ? random.below(9) : 0)
  return joined(bytes.subarray(0, start), part, bytes.subarray(start + 1))
}

function extend(bytes: Uint8Array, random: SimRandom): Uint8Array {
  return joined(bytes, random.bytes(1 + random.below(40)))
}

function fill(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const isHuge = random.below(hugeOneIn) === 0
  const length = isHuge ? 2 ** (10 + random.below(8)) : 1 + random.below(200)
  const value = random.chance(0.5) ? random.pick(boundaryBytes) : random.below(256)
  return inserted(bytes, random.below(bytes.length + 1), new Uint8Array(length).fill(value))
}

function remove(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const [start, end] = range(bytes, random)
  return joined(bytes.subarray(0, start), bytes.subarray(end))
}

function repeat(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const [start, end] = range(bytes, random)
  const times = random.below(hugeOneIn) === 0 ? 500 : 1 + random.below(4)
  const copies = Array.from({ length: times }, () => bytes.subarray(start, end))
  return inserted(bytes, end, joined(...copies))
}

function move(bytes: Uint8Array, random: SimRandom): Uint8Array {
  const [start, end] = range(bytes, random)
  const rest = joined(bytes.subarray(0, start), bytes.subarray(end))
  return inserted(rest, random.below(rest.length + 1), bytes.subarray(start, end))
}

function splice(bytes: Uint8Array, random: SimRandom, other: Uint8Array): Uint8Array {
  const here = random.below(bytes.length + 1)
  const there = random.chance(0.5) ? here : random.below(other.length + 1)
  return joined(bytes.subarray(0, here), other.subarray(there))
}

const cut: Change = (bytes, random) => bytes.slice(0, random.below(bytes.length))
const anything: Change = (_, random) => random.bytes(random.below(random.chance(0.1) ? 600 : 40))

const changes: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setInteger,
  setVarint,
  cut,
  extend,
  fill,
  remove,
  repeat,
  move,
  splice,
]
const anythingOneIn = 100

export const changeBytes: Change = (bytes, random, other) => {
  if (bytes.length === 0 || random.below(anythingOneIn) === 0) return anything(bytes, random, other)
  return random.pick(changes)(bytes, random, other)
}
