// The systematic erasure code by which SPQR spreads a long value over many small messages: a value
// of n chunks of 32 bytes becomes up to 65,536 chunks, and any n of them give it back. Sixteen
// polynomials over GF(2^16) are interleaved; the i-th chunk holds their values at the point i.

import { logarithm, multiplyByPower, reduceLogarithm } from './erasure-field.ts'

export const chunkBytes = 32
export const chunkCountMax = 65_536
const wordsPerChunk = chunkBytes / 2
const entryBytes = 2 + chunkBytes

export interface Chunk {
  index: number
  bytes: Uint8Array
}

/** Distinct chunks in order of arrival, each as 2 bytes of index and 32 of content. */
export type ChunkSet = Uint8Array

export const noChunks: ChunkSet = new Uint8Array(0)

interface Points {
  positions: number[]
  /** The sixteen values at each position. */
  values: Uint16Array[]
  /** The logarithm of the product of the differences to all other positions, per position. */
  differences: number[]
}

/** `value` is a whole number of chunks; the first ones are its own bytes. */
export function chunkAt(value: Uint8Array, index: number): Uint8Array {
  const start = index * chunkBytes
  if (start < value.length) return value.slice(start, start + chunkBytes)
  const count = value.length / chunkBytes
  const positions = Array.from({ length: count }, (_, i) => i)
  const values = positions.map((i) => readWords(value, i * chunkBytes))
  const bytes = new Uint8Array(chunkBytes)
  writeValueAt(index, withDifferences(positions, values), bytes)
  return bytes
}

export function isComplete(chunks: ChunkSet, valueBytes: number): boolean {
  return chunks.length / entryBytes >= valueBytes / chunkBytes
}

/** A chunk that is there, or not needed any more, changes nothing. */
export function addChunk(chunks: ChunkSet, chunk: Chunk, valueBytes: number): ChunkSet {
  if (isComplete(chunks, valueBytes)) return chunks
  for (let at = 0; at < chunks.length; at += entryBytes) {
    if (readIndex(chunks, at) === chunk.index) return chunks
  }
  const grown = new Uint8Array(chunks.length + entryBytes)
  grown.set(chunks)
  grown[chunks.length] = chunk.index >> 8
  grown[chunks.length + 1] = chunk.index & 0xff
  grown.set(chunk.bytes, chunks.length + 2)
  return grown
}

/** The value, or undefined while there are too few chunks. */
export function joinChunks(chunks: ChunkSet, valueBytes: number): Uint8Array | undefined {
  if (!isComplete(chunks, valueBytes)) return undefined
  const count = valueBytes / chunkBytes
  const value = new Uint8Array(valueBytes)
  const missing = new Set(Array.from({ length: count }, (_, i) => i))
  const positions: number[] = []
  const values: Uint16Array[] = []
  for (let at = 0; at < count * entryBytes; at += entryBytes) {
    const index = readIndex(chunks, at)
    positions.push(index)
    values.push(readWords(chunks, at + 2))
    if (missing.delete(index)) {
      value.set(chunks.subarray(at + 2, at + entryBytes), index * chunkBytes)
    }
  }
  if (missing.size === 0) return value
  const points = withDifferences(positions, values)
  for (const index of missing) {
    const start = index * chunkBytes
    writeValueAt(index, points, value.subarray(start, start + chunkBytes))
  }
  return value
}

/** Whether these bytes, read from outside, have the form that `addChunk` gives. */
export function isChunkSet(bytes: Uint8Array, valueBytes: number): boolean {
  if (bytes.length % entryBytes !== 0 || bytes.length / entryBytes > valueBytes / chunkBytes) {
    return false
  }
  const indexes = new Set<number>()
  for (let at = 0; at < bytes.length; at += entryBytes) indexes.add(readIndex(bytes, at))
  return indexes.size === bytes.length / entryBytes
}

function readIndex(chunks: ChunkSet, at: number): number {
  return ((chunks[at] ?? 0) << 8) | (chunks[at + 1] ?? 0)
}

function readWords(bytes: Uint8Array, at: number): Uint16Array {
  const words = new Uint16Array(wordsPerChunk)
  for (let i = 0; i < wordsPerChunk; i++) words[i] = readIndex(bytes, at + 2 * i)
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
  const sums = new Uint16Array(wordsPerChunk)
  for (let j = 0; j < points.positions.length; j++) {
    const distance = logarithm(position ^ (points.positions[j] ?? 0))
    const weight = reduceLogarithm(numerator - distance - (points.differences[j] ?? 0))
    const values = points.values[j] ?? sums
    for (let i = 0; i < wordsPerChunk; i++) {
      sums[i] = (sums[i] ?? 0) ^ multiplyByPower(weight, values[i] ?? 0)
    }
  }
  for (let i = 0; i < wordsPerChunk; i++) {
    target[2 * i] = (sums[i] ?? 0) >> 8
    target[2 * i + 1] = (sums[i] ?? 0) & 0xff
  }
}
