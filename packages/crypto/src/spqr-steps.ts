// The states of the ML-KEM Braid. Per epoch one party is the generator: it sends an encapsulation
// key (header first, then the vector) and takes the ciphertext; the other, the encapsulator,
// answers the header with ct1 and, once it has the vector and ct1 is acknowledged, the vector with
// ct2.

import { type ChunkSet, NO_CHUNKS } from './erasure.ts'
import { KEM_CT2_BYTES, KEM_HEADER_BYTES } from './kem768.ts'
import { type Authenticator, MAC_BYTES } from './spqr-authenticator.ts'
import type { EpochSecret } from './spqr-chain.ts'
import type { Payload } from './spqr-message.ts'

/** What travels in chunks: header and MAC, vector, ct1, and ct2 and MAC. */
export const HEADER_VALUE_BYTES = KEM_HEADER_BYTES + MAC_BYTES
export const CT2_VALUE_BYTES = KEM_CT2_BYTES + MAC_BYTES

/** `sent` is the index of the next chunk, `seed` the seed of the key pair. */
export type GeneratorStep =
  | { at: 'keys-unsampled' }
  | { at: 'keys-sampled'; seed: Uint8Array; header: Uint8Array; sent: number }
  | { at: 'header-sent'; seed: Uint8Array; vector: Uint8Array; sent: number; ct1: ChunkSet }
  | { at: 'ct1-received'; seed: Uint8Array; vector: Uint8Array; sent: number; ct1: Uint8Array }
  | { at: 'vector-sent'; seed: Uint8Array; ct1: Uint8Array; ct2: ChunkSet }

/** `pending` is the encapsulation under way: a secret. */
export type EncapsulatorStep =
  | { at: 'no-header-received'; header: ChunkSet }
  | { at: 'header-received'; header: Uint8Array }
  | {
      at: 'ct1-sampled'
      header: Uint8Array
      pending: Uint8Array
      ct1: Uint8Array
      sent: number
      vector: ChunkSet
      acknowledged: boolean
    }
  | {
      at: 'vector-received'
      pending: Uint8Array
      ct1: Uint8Array
      sent: number
      vector: Uint8Array
    }
  | { at: 'ct2-sampled'; ct2: Uint8Array; sent: number }

export type Step = GeneratorStep | EncapsulatorStep

export interface Braid<S extends Step = Step> {
  epoch: number
  authenticator: Authenticator
  step: S
}

export interface BraidReceived {
  braid: Braid
  /** Given once per epoch, to each side at a time of its own. */
  secret: EpochSecret | undefined
}

export interface BraidSent extends BraidReceived {
  payload: Payload
}

export const FIRST_GENERATOR_STEP: GeneratorStep = { at: 'keys-unsampled' }
export const FIRST_ENCAPSULATOR_STEP: EncapsulatorStep = {
  at: 'no-header-received',
  header: NO_CHUNKS,
}
