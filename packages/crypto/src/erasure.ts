// The systematic erasure code by which SPQR spreads a long value over many small messages: a value
// of n chunks of 32 bytes becomes up to 65,536 chunks, and any n of them give it back. Sixteen
// polynomials over GF(2^16) are interleaved; the i-th chunk holds their values at the point i.

import { logarithm, multiplyByPower, reduceLogarithm } from './erasure-field.ts'

export const CHUNK_BYTES = 32
export const CHUNK_COUNT_MAX = 65_536
const WORDS_PER_CHUNK = CHUNK_BYTES / 2
const ENTRY_BYTES = 2 + CHUNK_BYTES

export interface Chunk {
  index: number
  bytes: Uint8Array
}

/** Distinct chunks in order of arrival, each as 2 bytes of index and 32 of content. */
export type ChunkSet = Uint8Array

export const NO_CHUNKS: ChunkSet = new Uint8Array(0)

interface Points {
  positions: number[]
  /** The sixteen values at each position. */
  values: Uint16Array[]
  /** The logarithm of the product of the differences to all other positions, per position. */
  differences: number[]
}

/** `value` is a whole number of chunks; the first ones are its own bytes. */
export function chunkAt(value: Uint8Array, index: number): Uint8Array {
  const start = index * CHUNK_BYTES
  if (start < value.length) return value.slice(start, start + CHUNK_BYTES)
  const count = value.length / CHUNK_BYTES
  const positions = Array.from({ length: count }, (_, i) => i)
  const values = positions.map((i) => readWords(value, i * CHUNK_BYTES))
  const bytes = new Uint8Array(CHUNK_BYTES)
  writeValueAt(index, withDifferences(positions, values), bytes)
  return bytes
}

export function isComplete(chunks: ChunkSet, valueBytes: number): boolean {
  return chunks.length / ENTRY_BYTES >= valueBytes / CHUNK_BYTES
}

/** A chunk that is there, or not needed any more, changes nothing. */
export function addChunk(chunks: ChunkSet, chunk: Chunk, valueBytes: number): ChunkSet {
  if (isComplete(chunks, valueBytes)) return chunks
  for (let at = 0; at < chunks.length; at += ENTRY_BYTES) {
    if (readIndex(chunks, at) === chunk.index) return chunks
  }
  const grown = new Uint8Array(chunks.length + ENTRY_BYTES)
  grown.set(chunks)
  grown[chunks.length] = chunk.index >> 8
  grown[chunks.length + 1] = chunk.index & 0xff
  grown.set(chunk.bytes, chunks.length + 2)
  return grown
}

/** The value, or undefined while there are too few chunks. */
export function joinChunks(chunks: ChunkSet, valueBytes: number): Uint8Array | undefined {
  if (!isComplete(chunks, valueBytes)) return undefined
  const count = valueBytes / CHUNK_BYTES
  const value = new Uint8Array(valueBytes)
  const missing = new Set(Array.from({ length: count }, (_, i) => i))
  const positions: number[] = []
  const values: Uint16Array[] = []
  for (let at = 0; at < count * ENTRY_BYTES; at += ENTRY_BYTES) {
    const index = readIndex(chunks, at)
    positions.push(index)
    values.push(readWords(chunks, at + 2))
    if (missing.delete(index)) {
      value.set(chunks.subarray(at + 2, at + ENTRY_BYTES), index * CHUNK_BYTES)
    }
  }
  if (missing.size === 0) return value
  const points = withDifferences(positions, values)
  for (const index of missing) {
    const start = index * CHUNK_BYTES
    writeValueAt(index, points, value.subarray(start, start + CHUNK_BYTES))
  }
  return value
}

/** Whether these bytes, read from outside, have the form that `addChunk` gives. */
export function isChunkSet(bytes: Uint8Array, valueBytes: number): boolean {
  if (bytes.length % ENTRY_BYTES !== 0 || bytes.length / ENTRY_BYTES > valueBytes / CHUNK_BYTES) {
    return false
  }
  const indexes = new Set<number>()
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) indexes.add(readIndex(bytes, at))
  return indexes.size === bytes.length / ENTRY_BYTES
}

function readIndex(chunks: ChunkSet, at: number): number {
  return ((chunks[at] ?? 0) << 8) | (chunks[at + 1] ?? 0)
}

function readWords(bytes: Uint8Array, at: number): Uint16Array {
  const words = new Uint16Array(WORDS_PER_CHUNK)
  for (let i = 0; i < WORDS_PER_CHUNK; i++) words[i] = readIndex(bytes, at + 2 * i)
  return words
}

function withDifferences(positions: number[], values: Uint16Array[]): Points {
  const differences = positions.map((position) => {
    let sum = 0
    for (const other of positions) if (other !== position) sum += logarithm(position ^ other)
    return sum
  })
  return { positions, values, differences }
}

/** Lagrange: the values at `position`, which is none of the points, of the polynomials through them. */
function writeValueAt(position: number, points: Points, target: Uint8Array): void {
  let numerator = 0
  for (const other of points.positions) numerator += logarithm(position ^ other)
  const sums = new Uint16Array(WORDS_PER_CHUNK)
  for (let j = 0; j < points.positions.length; j++) {
    const distance = logarithm(position ^ (points.positions[j] ?? 0))
    const weight = reduceLogarithm(numerator - distance - (points.differences[j] ?? 0))
    const values = points.values[j] ?? sums
    for (let i = 0; i < WORDS_PER_CHUNK; i++) {
      sums[i] = (sums[i] ?? 0) ^ multiplyByPower(weight, values[i] ?? 0)
    }
  }
  for (let i = 0; i < WORDS_PER_CHUNK; i++) {
    target[2 * i] = (sums[i] ?? 0) >> 8
    target[2 * i + 1] = (sums[i] ?? 0) & 0xff
  }
}
