// How a step of the ML-KEM Braid is stored: its number (u8) and its fields in the order in which
// spqr-steps.ts has them; `sent` as u32, a set of chunks as length u32 and bytes, the rest bare.

import type { ByteReader, ByteWriter } from './encode.ts'
import { CHUNK_COUNT_MAX, type ChunkSet, isChunkSet } from './erasure.ts'
import { CryptoError } from './errors.ts'
import {
  KEM_CT1_BYTES,
  KEM_HEADER_BYTES,
  KEM_PENDING_BYTES,
  KEM_SEED_BYTES,
  KEM_VECTOR_BYTES,
} from './kem768.ts'
import {
  CT2_VALUE_BYTES,
  type EncapsulatorStep,
  type GeneratorStep,
  HEADER_VALUE_BYTES,
  type Step,
} from './spqr-steps.ts'

/** In the order of their numbers. */
const STEPS = [
  'keys-unsampled',
  'keys-sampled',
  'header-sent',
  'ct1-received',
  'vector-sent',
  'no-header-received',
  'header-received',
  'ct1-sampled',
  'vector-received',
  'ct2-sampled',
] as const satisfies Step['at'][]

export function writeStep(writer: ByteWriter, step: Step): void {
  writer.uint8(STEPS.indexOf(step.at))
  switch (step.at) {
    case 'keys-unsampled':
      return
    case 'keys-sampled':
      return writeFields(writer, [step.seed, step.header], step.sent)
    case 'header-sent':
      writeFields(writer, [step.seed, step.vector], step.sent)
      return writer.prefixed(step.ct1)
    case 'ct1-received':
      return writeFields(writer, [step.seed, step.vector, step.ct1], step.sent)
    case 'vector-sent':
      writeFields(writer, [step.seed, step.ct1])
      return writer.prefixed(step.ct2)
    case 'no-header-received':
      return writer.prefixed(step.header)
    case 'header-received':
      return writer.bytes(step.header)
    case 'ct1-sampled':
      writeFields(writer, [step.header, step.pending, step.ct1], step.sent)
      writer.uint8(step.acknowledged ? 1 : 0)
      return writer.prefixed(step.vector)
    case 'vector-received':
      return writeFields(writer, [step.pending, step.ct1, step.vector], step.sent)
    case 'ct2-sampled':
      return writeFields(writer, [step.ct2], step.sent)
  }
}

export function readStep(reader: ByteReader): Step {
  const at = STEPS[reader.uint8()]
  switch (at) {
    case undefined:
      throw invalidState('an unknown step')
    case 'keys-unsampled':
    case 'keys-sampled':
    case 'header-sent':
    case 'ct1-received':
    case 'vector-sent':
      return readGeneratorStep(reader, at)
    default:
      return readEncapsulatorStep(reader, at)
  }
}

export function readFlag(reader: ByteReader): boolean {
  const flag = reader.uint8()
  if (flag > 1) throw invalidState('a flag is neither 0 nor 1')
  return flag === 1
}

export function invalidState(why: string): CryptoError {
  return new CryptoError('invalid-state', `stored post-quantum ratchet: ${why}`)
}

function writeFields(writer: ByteWriter, fields: readonly Uint8Array[], sent?: number): void {
  for (const field of fields) writer.bytes(field)
  if (sent !== undefined) writer.uint32(sent)
}

function readGeneratorStep(reader: ByteReader, at: GeneratorStep['at']): GeneratorStep {
  if (at === 'keys-unsampled') return { at }
  const seed = reader.bytes(KEM_SEED_BYTES)
  if (at === 'keys-sampled') {
    return { at, seed, header: reader.bytes(HEADER_VALUE_BYTES), sent: readSent(reader) }
  }
  if (at === 'vector-sent') {
    return { at, seed, ct1: reader.bytes(KEM_CT1_BYTES), ct2: readChunks(reader, CT2_VALUE_BYTES) }
  }
  const vector = reader.bytes(KEM_VECTOR_BYTES)
  if (at === 'ct1-received') {
    return { at, seed, vector, ct1: reader.bytes(KEM_CT1_BYTES), sent: readSent(reader) }
  }
  return { at, seed, vector, sent: readSent(reader), ct1: readChunks(reader, KEM_CT1_BYTES) }
}

function readEncapsulatorStep(reader: ByteReader, at: EncapsulatorStep['at']): EncapsulatorStep {
  switch (at) {
    case 'no-header-received':
      return { at, header: readChunks(reader, HEADER_VALUE_BYTES) }
    case 'header-received':
      return { at, header: reader.bytes(KEM_HEADER_BYTES) }
    case 'ct1-sampled': {
      const [header, pending] = [reader.bytes(KEM_HEADER_BYTES), reader.bytes(KEM_PENDING_BYTES)]
      const [ct1, sent] = [reader.bytes(KEM_CT1_BYTES), readSent(reader)]
      const acknowledged = readFlag(reader)
      const vector = readChunks(reader, KEM_VECTOR_BYTES)
      return { at, header, pending, ct1, sent, acknowledged, vector }
    }
    case 'vector-received': {
      const [pending, ct1] = [reader.bytes(KEM_PENDING_BYTES), reader.bytes(KEM_CT1_BYTES)]
      return { at, pending, ct1, vector: reader.bytes(KEM_VECTOR_BYTES), sent: readSent(reader) }
    }
    case 'ct2-sampled':
      return { at, ct2: reader.bytes(CT2_VALUE_BYTES), sent: readSent(reader) }
  }
}

function readSent(reader: ByteReader): number {
  const sent = reader.uint32()
  if (sent >= CHUNK_COUNT_MAX) throw invalidState('a chunk out of range')
  return sent
}

function readChunks(reader: ByteReader, valueBytes: number): ChunkSet {
  const chunks = reader.prefixed()
  if (!isChunkSet(chunks, valueBytes)) throw invalidState('its chunks do not fit')
  return chunks
}
