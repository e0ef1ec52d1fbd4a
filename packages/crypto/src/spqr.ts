// SPQR, the post-quantum part of the Triple Ratchet: gives each message a key that the Double
// Ratchet mixes into its own, from secrets that the ML-KEM Braid renews all the time. Pure: state
// goes in and comes out, and a refused message leaves the caller with the state it had.

import { CryptoError } from './errors.ts'
import type { RandomBytes } from './primitives.ts'
import { braidReceive, braidSend, startBraid } from './spqr-braid.ts'
import {
  addEpoch,
  nextSendingKey,
  type SpqrRole,
  startChain,
  takeReceivingKey,
} from './spqr-chain.ts'
import type { SpqrState } from './spqr-codec.ts'
import { decodeSpqrMessage, encodeSpqrMessage } from './spqr-message.ts'

export { decodeSpqr, encodeSpqr, type SpqrState } from './spqr-codec.ts'
export type { SpqrRole }

export interface SpqrStart {
  /** The part of the initial key agreement that is meant for SPQR. */
  authKey: Uint8Array
  role: SpqrRole
}

export interface SpqrSent {
  state: SpqrState
  message: Uint8Array
  key: Uint8Array
}

export interface SpqrReceived {
  state: SpqrState
  key: Uint8Array
}

export function spqrInit({ authKey, role }: SpqrStart): SpqrState {
  if (authKey.length !== 32) {
    throw new CryptoError(
      'invalid-argument',
      'the key of the post-quantum ratchet must have 32 bytes',
    )
  }
  return { chain: startChain(authKey, role), braid: startBraid(authKey, role) }
}

export function spqrSend(state: SpqrState, random: RandomBytes): SpqrSent {
  const { braid, payload, secret } = braidSend(state.braid, random)
  const extended = secret ? addEpoch(state.chain, secret) : state.chain
  const { chain, index, key } = nextSendingKey(extended, braid.epoch - 1)
  const message = encodeSpqrMessage({ epoch: braid.epoch, index, payload })
  return { state: { chain, braid }, message, key }
}

/** `jumpMax`: for a caller that tries several states and must not spend long on each. */
export function spqrReceive(state: SpqrState, message: Uint8Array, jumpMax?: number): SpqrReceived {
  const received = decodeSpqrMessage(message)
  const { braid, secret } = braidReceive(state.braid, received)
  const extended = secret ? addEpoch(state.chain, secret) : state.chain
  const name = { epoch: received.epoch - 1, index: received.index }
  const { chain, key } = takeReceivingKey(extended, name, jumpMax)
  return { state: { chain, braid }, key }
}
