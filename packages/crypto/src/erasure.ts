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

/** A place where the sixteen polynomials are known. */
interface Point {
  position: number
  words: Uint16Array
}

interface WeighedPoint extends Point {
  /** Logarithm of the product of the differences to all other positions. */
  difference: number
}

/** `value` is a whole number of chunks; the first ones are its own bytes. */
export function chunkAt(value: Uint8Array, index: number): Uint8Array {
  const start = index * CHUNK_BYTES
  if (start < value.length) return value.slice(start, start + CHUNK_BYTES)
  const points = Array.from({ length: value.length / CHUNK_BYTES }, (_, position) => {
    return { position, words: readWords(value, position * CHUNK_BYTES) }
  })
  const bytes = new Uint8Array(CHUNK_BYTES)
  writeChunkAt(index, weigh(points), bytes)
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
  const points: Point[] = []
  for (let at = 0; at < count * ENTRY_BYTES; at += ENTRY_BYTES) {
    const index = readIndex(chunks, at)
    points.push({ position: index, words: readWords(chunks, at + 2) })
    if (missing.delete(index)) {
      value.set(chunks.subarray(at + 2, at + ENTRY_BYTES), index * CHUNK_BYTES)
    }
  }
  if (missing.size === 0) return value
  const weighed = weigh(points)
  for (const index of missing) {
    const start = index * CHUNK_BYTES
    writeChunkAt(index, weighed, value.subarray(start, start + CHUNK_BYTES))
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

function weigh(points: readonly Point[]): WeighedPoint[] {
  return points.map((point) => {
    let difference = 0
    for (const { position } of points) {
      if (position !== point.position) difference += logarithm(position ^ point.position)
    }
    return { ...point, difference }
  })
}

/** Lagrange: what the polynomials through the points are at `index`, which is none of them. */
function writeChunkAt(index: number, points: readonly WeighedPoint[], target: Uint8Array): void {
  let numerator = 0
  for (const { position } of points) numerator += logarithm(index ^ position)
  const sums = new Uint16Array(WORDS_PER_CHUNK)
  for (const { position, words, difference } of points) {
    const weight = reduceLogarithm(numerator - logarithm(index ^ position) - difference)
    for (let i = 0; i < WORDS_PER_CHUNK; i++) {
      sums[i] = (sums[i] ?? 0) ^ multiplyByPower(weight, words[i] ?? 0)
    }
  }
  for (let i = 0; i < WORDS_PER_CHUNK; i++) {
    target[2 * i] = (sums[i] ?? 0) >> 8
    target[2 * i + 1] = (sums[i] ?? 0) & 0xff
  }
}
