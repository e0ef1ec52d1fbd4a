// The side of the ML-KEM Braid whose key pair it is: sends header and vector, takes ct1 and ct2.

import { concatBytes } from './bytes.ts'
import { addChunk, type Chunk, chunkAt, CHUNK_COUNT_MAX, joinChunks, NO_CHUNKS } from './erasure.ts'
import { CryptoError } from './errors.ts'
import {
  decapsulate,
  KEM_CT1_BYTES,
  KEM_CT2_BYTES,
  kemPublicKey,
  KEM_SEED_BYTES,
} from './kem768.ts'
import { drawn, type RandomBytes } from './primitives.ts'
import {
  epochSecretOf,
  headerMac,
  isCiphertextMac,
  updateAuthenticator,
} from './spqr-authenticator.ts'
import type { Payload } from './spqr-message.ts'
import {
  CT2_VALUE_BYTES,
  type Braid,
  type BraidReceived,
  type BraidSent,
  FIRST_ENCAPSULATOR_STEP,
  type GeneratorStep,
} from './spqr-steps.ts'

export function generatorSend(braid: Braid<GeneratorStep>, random: RandomBytes): BraidSent {
  const { step } = braid
  switch (step.at) {
    case 'keys-unsampled':
      return generatorSend({ ...braid, step: sampleKeys(braid, random) }, random)
    case 'keys-sampled':
      return sendChunk(braid, step, { type: 'header', value: step.header })
    case 'header-sent':
      return sendChunk(braid, step, { type: 'vector', value: step.vector })
    case 'ct1-received':
      return sendChunk(braid, step, { type: 'vector-ack', value: step.vector })
    case 'vector-sent':
      return { braid, payload: { type: 'none' }, secret: undefined }
  }
}

/**
 * `payload` is of the braid's own epoch. What does not fit the step is late, and changes nothing.
 */
export function generatorReceive(braid: Braid<GeneratorStep>, payload: Payload): BraidReceived {
  const { step } = braid
  if (payload.type === 'ct1' && (step.at === 'keys-sampled' || step.at === 'header-sent')) {
    return { braid: { ...braid, step: takeCt1(step, payload.chunk) }, secret: undefined }
  }
  if (payload.type === 'ct2' && (step.at === 'ct1-received' || step.at === 'vector-sent')) {
    return takeCt2(braid, step, payload.chunk)
  }
  return { braid, secret: undefined }
}

function sampleKeys(braid: Braid<GeneratorStep>, random: RandomBytes): GeneratorStep {
  const seed = drawn(random, KEM_SEED_BYTES)
  const { header } = kemPublicKey(seed)
  const mac = headerMac(braid.authenticator, braid.epoch, header)
  return { at: 'keys-sampled', seed, header: concatBytes(header, mac), sent: 0 }
}

interface Outgoing {
  type: 'header' | 'vector' | 'vector-ack'
  value: Uint8Array
}

function sendChunk(
  braid: Braid<GeneratorStep>,
  step: Extract<GeneratorStep, { sent: number }>,
  { type, value }: Outgoing,
): BraidSent {
  return {
    braid: { ...braid, step: { ...step, sent: (step.sent + 1) % CHUNK_COUNT_MAX } },
    payload: { type, chunk: { index: step.sent, bytes: chunkAt(value, step.sent) } },
    secret: undefined,
  }
}

function takeCt1(
  step: Extract<GeneratorStep, { at: 'keys-sampled' | 'header-sent' }>,
  chunk: Chunk,
): GeneratorStep {
  const { seed } = step
  if (step.at === 'keys-sampled') {
    const { vector } = kemPublicKey(seed)
    const chunks = addChunk(NO_CHUNKS, chunk, KEM_CT1_BYTES)
    return { at: 'header-sent', seed, vector, sent: 0, ct1: chunks }
  }
  const chunks = addChunk(step.ct1, chunk, KEM_CT1_BYTES)
  const ct1 = joinChunks(chunks, KEM_CT1_BYTES)
  if (ct1 === undefined) return { ...step, ct1: chunks }
  return { at: 'ct1-received', seed, vector: step.vector, sent: step.sent, ct1 }
}

function takeCt2(
  braid: Braid<GeneratorStep>,
  step: Extract<GeneratorStep, { at: 'ct1-received' | 'vector-sent' }>,
  chunk: Chunk,
): BraidReceived {
  const { seed, ct1 } = step
  const known = step.at === 'vector-sent' ? step.ct2 : NO_CHUNKS
  const ct2 = addChunk(known, chunk, CT2_VALUE_BYTES)
  const value = joinChunks(ct2, CT2_VALUE_BYTES)
  if (value !== undefined) return finishEpoch(braid, { seed, ct1, value })
  return { braid: { ...braid, step: { at: 'vector-sent', seed, ct1, ct2 } }, secret: undefined }
}

interface Ciphertext {
  seed: Uint8Array
  ct1: Uint8Array
  value: Uint8Array
}

function finishEpoch(braid: Braid<GeneratorStep>, { seed, ct1, value }: Ciphertext): BraidReceived {
  const { epoch } = braid
  const ct2 = value.subarray(0, KEM_CT2_BYTES)
  const secret = epochSecretOf(decapsulate(seed, ct1, ct2), epoch)
  const authenticator = updateAuthenticator(braid.authenticator, epoch, secret)
  const mac = value.subarray(KEM_CT2_BYTES)
  if (!isCiphertextMac(authenticator, { epoch, content: concatBytes(ct1, ct2), mac })) {
    throw new CryptoError('invalid-message', 'the post-quantum ciphertext is not authentic')
  }
  return {
    braid: { epoch: epoch + 1, authenticator, step: FIRST_ENCAPSULATOR_STEP },
    secret: { epoch, secret },
  }
}
