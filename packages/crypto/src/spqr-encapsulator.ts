// The side of the ML-KEM Braid that makes the shared secret: takes header and vector, sends ct1 as
// soon as it has the header, and ct2 once it has the vector and knows that ct1 has arrived.

import { concatBytes } from './bytes.ts'
import { addChunk, chunkAt, CHUNK_COUNT_MAX, joinChunks, NO_CHUNKS } from './erasure.ts'
import { CryptoError } from './errors.ts'
import {
  encapsulateFirst,
  encapsulateSecond,
  isVectorOf,
  KEM_HEADER_BYTES,
  KEM_MESSAGE_BYTES,
  KEM_VECTOR_BYTES,
} from './kem768.ts'
import { drawn, type RandomBytes } from './primitives.ts'
import {
  ciphertextMac,
  epochSecretOf,
  isHeaderMac,
  updateAuthenticator,
} from './spqr-authenticator.ts'
import type { Payload } from './spqr-message.ts'
import {
  type Braid,
  type BraidReceived,
  type BraidSent,
  type EncapsulatorStep,
  HEADER_VALUE_BYTES,
} from './spqr-steps.ts'

type Ct1Sampled = Extract<EncapsulatorStep, { at: 'ct1-sampled' }>
type VectorReceived = Extract<EncapsulatorStep, { at: 'vector-received' }>

export function encapsulatorSend(braid: Braid<EncapsulatorStep>, random: RandomBytes): BraidSent {
  const { step } = braid
  switch (step.at) {
    case 'header-received':
      return sampleCt1(braid, step.header, random)
    case 'ct1-sampled':
      return step.acknowledged ? sendNothing(braid) : sendChunk(braid, step, 'ct1')
    case 'vector-received':
      return sendChunk(braid, step, 'ct1')
    case 'ct2-sampled':
      return sendChunk(braid, step, 'ct2')
    case 'no-header-received':
      return sendNothing(braid)
  }
}

/**
 * `payload` is of the braid's own epoch. What does not fit the step is late, and changes nothing.
 */
export function encapsulatorReceive(
  braid: Braid<EncapsulatorStep>,
  payload: Payload,
): BraidReceived {
  const step = nextStep(braid, payload)
  return { braid: step === braid.step ? braid : { ...braid, step }, secret: undefined }
}

function nextStep(braid: Braid<EncapsulatorStep>, payload: Payload): EncapsulatorStep {
  const { step } = braid
  const acknowledges = payload.type === 'ack' || payload.type === 'vector-ack'
  if (step.at === 'no-header-received' && payload.type === 'header') {
    const header = addChunk(step.header, payload.chunk, HEADER_VALUE_BYTES)
    const value = joinChunks(header, HEADER_VALUE_BYTES)
    return value ? takeHeader(braid, value) : { ...step, header }
  }
  if (step.at === 'ct1-sampled' && (acknowledges || payload.type === 'vector')) {
    return takeVector(braid, step, payload)
  }
  if (step.at === 'vector-received' && acknowledges) return sampleCt2(braid, step)
  return step
}

function sampleCt1(
  braid: Braid<EncapsulatorStep>,
  header: Uint8Array,
  random: RandomBytes,
): BraidSent {
  const message = drawn(random, KEM_MESSAGE_BYTES)
  const { epoch } = braid
  const { ct1, pending, sharedSecret } = encapsulateFirst(header, message)
  const secret = epochSecretOf(sharedSecret, epoch)
  const step: Ct1Sampled = {
    at: 'ct1-sampled',
    header,
    pending,
    ct1,
    sent: 0,
    vector: NO_CHUNKS,
    acknowledged: false,
  }
  const authenticator = updateAuthenticator(braid.authenticator, epoch, secret)
  const sent = sendChunk({ epoch, authenticator, step }, step, 'ct1')
  return { ...sent, secret: { epoch, secret } }
}

function sendNothing(braid: Braid<EncapsulatorStep>): BraidSent {
  return { braid, payload: { type: 'none' }, secret: undefined }
}

function sendChunk(
  braid: Braid<EncapsulatorStep>,
  step: Extract<EncapsulatorStep, { sent: number }>,
  type: 'ct1' | 'ct2',
): BraidSent {
  const value = step.at === 'ct2-sampled' ? step.ct2 : step.ct1
  return {
    braid: { ...braid, step: { ...step, sent: (step.sent + 1) % CHUNK_COUNT_MAX } },
    payload: { type, chunk: { index: step.sent, bytes: chunkAt(value, step.sent) } },
    secret: undefined,
  }
}

function takeHeader(braid: Braid<EncapsulatorStep>, value: Uint8Array): EncapsulatorStep {
  const header = value.slice(0, KEM_HEADER_BYTES)
  const mac = value.subarray(KEM_HEADER_BYTES)
  if (!isHeaderMac(braid.authenticator, { epoch: braid.epoch, content: header, mac })) {
    throw new CryptoError('invalid-message', 'the post-quantum key header is not authentic')
  }
  return { at: 'header-received', header }
}

function takeVector(
  braid: Braid<EncapsulatorStep>,
  step: Ct1Sampled,
  payload: Payload,
): EncapsulatorStep {
  const acknowledged = step.acknowledged || payload.type !== 'vector'
  const chunks =
    'chunk' in payload ? addChunk(step.vector, payload.chunk, KEM_VECTOR_BYTES) : step.vector
  const vector = joinChunks(chunks, KEM_VECTOR_BYTES)
  if (vector === undefined) return { ...step, vector: chunks, acknowledged }
  if (!isVectorOf(step.header, vector)) {
    throw new CryptoError('invalid-message', 'the post-quantum key is not the one of its header')
  }
  const { pending, ct1, sent } = step
  const received: VectorReceived = { at: 'vector-received', pending, ct1, sent, vector }
  return acknowledged ? sampleCt2(braid, received) : received
}

function sampleCt2(
  { authenticator, epoch }: Braid<EncapsulatorStep>,
  { pending, vector, ct1 }: VectorReceived,
): EncapsulatorStep {
  const ct2 = encapsulateSecond(pending, vector)
  const mac = ciphertextMac(authenticator, epoch, concatBytes(ct1, ct2))
  return { at: 'ct2-sampled', ct2: concatBytes(ct2, mac), sent: 0 }
}
