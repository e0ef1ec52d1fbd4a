// The Double Ratchet: a root key that every new Diffie-Hellman key of the peer advances, and one
// chain of keys for each ratchet key. Yields the seed of one message key at a time; what becomes
// of the seed (post-quantum key, MAC, AES) is the business of session.ts.

import { concatBytes, equalBytes, utf8 } from './bytes.ts'
import { readUint32, writeUint32 } from './encode.ts'
import { CryptoError } from './errors.ts'
import type { Curve25519 } from './curve.ts'
import { generateKeyPairWith, type KeyPair } from './keys.ts'
import { hkdfSha256, hmacSha256, type RandomBytes } from './primitives.ts'

export const RECEIVING_CHAINS_MAX = 32
export const SKIPPED_KEYS_MAX = 2_000
export const FORWARD_JUMP_MAX = 25_000
/** Bytes of one skipped key: its counter and its seed. */
export const SKIPPED_KEY_BYTES = 36
/** No message has it: the counter after it would not fit 32 bits. */
export const COUNTER_MAX = 2 ** 32 - 1
const RATCHET_INFO = utf8('WhisperRatchet')
const SEED = Uint8Array.of(1)
const NEXT = Uint8Array.of(2)

export interface Chain {
  key: Uint8Array
  /** Counter of the next message. */
  index: number
}

export interface SendingChain extends Chain {
  ratchetKey: KeyPair
}

export interface SkippingChain extends Chain {
  /** Seeds not used yet, oldest first, packed: counter (4 bytes) and seed (32) each. */
  skipped: Uint8Array
}

export interface ReceivingChain extends SkippingChain {
  ratchetKey: Uint8Array
}

export interface Ratchet {
  rootKey: Uint8Array
  sending: SendingChain
  /** Counter of the last message of the sending chain before this one. */
  previousCounter: number
  /** Oldest first. */
  receiving: readonly ReceivingChain[]
}

export interface RootStep {
  rootKey: Uint8Array
  chainKey: Uint8Array
}

export function rootStep(rootKey: Uint8Array, sharedSecret: Uint8Array): RootStep {
  const keys = hkdfSha256({ secret: sharedSecret, salt: rootKey, info: RATCHET_INFO, length: 64 })
  return { rootKey: keys.subarray(0, 32), chainKey: keys.subarray(32) }
}

export interface SendingStep {
  ratchet: Ratchet
  counter: number
  seed: Uint8Array
}

export function stepSending(ratchet: Ratchet): SendingStep {
  const { key, index, ratchetKey } = ratchet.sending
  if (index >= COUNTER_MAX) throw new CryptoError('no-session', 'the sending chain is used up')
  const sending = { ratchetKey, key: hmacSha256(key, NEXT), index: index + 1 }
  return { ratchet: { ...ratchet, sending }, counter: index, seed: hmacSha256(key, SEED) }
}

export interface MessagePosition {
  ratchetKey: Uint8Array
  counter: number
}

export interface ReceivingStep {
  ratchet: Ratchet
  seed: Uint8Array
}

export interface ReceivingOptions {
  random: RandomBytes
  curve: Curve25519
  jumpMax: number
}

/** The seed for a message of the peer. The ratchet returned no longer holds it. */
export async function stepReceiving(
  ratchet: Ratchet,
  position: MessagePosition,
  options: ReceivingOptions,
): Promise<ReceivingStep> {
  const known = findChain(ratchet, position.ratchetKey)
  // Looked at before the costly step below, since anybody can send a huge counter.
  checkJump(position.counter - (known?.index ?? 0), options.jumpMax)
  const current = known === undefined ? await turn(ratchet, position.ratchetKey, options) : ratchet
  const chain = findChain(current, position.ratchetKey)
  if (chain === undefined) throw new CryptoError('invalid-message', 'there is no chain for it')
  const { chain: advanced, seed } =
    position.counter < chain.index
      ? takeSkipped(chain, position.counter)
      : advance(chain, position.counter)
  const receiving = current.receiving.map((other) => (other === chain ? advanced : other))
  return { ratchet: { ...current, receiving: boundSkipped(receiving) }, seed }
}

export function findChain(ratchet: Ratchet, ratchetKey: Uint8Array): ReceivingChain | undefined {
  return ratchet.receiving.findLast((chain) => equalBytes(chain.ratchetKey, ratchetKey))
}

export function checkJump(distance: number, jumpMax: number): void {
  if (distance > jumpMax) {
    throw new CryptoError('too-far-ahead', `${distance} messages are missing before this one`)
  }
}

/**
 * A new ratchet key of the peer starts a receiving chain, and with a new key of ours a sending one.
 */
async function turn(
  ratchet: Ratchet,
  theirKey: Uint8Array,
  { random, curve }: ReceivingOptions,
): Promise<Ratchet> {
  const { sending } = ratchet
  const secret = await curve.agree(sending.ratchetKey.privateKey, theirKey)
  const received = rootStep(ratchet.rootKey, secret)
  const ratchetKey = await generateKeyPairWith(curve, random)
  const sent = rootStep(received.rootKey, await curve.agree(ratchetKey.privateKey, theirKey))
  const chain = {
    ratchetKey: theirKey,
    key: received.chainKey,
    index: 0,
    skipped: new Uint8Array(0),
  }
  return {
    rootKey: sent.rootKey,
    sending: { ratchetKey, key: sent.chainKey, index: 0 },
    previousCounter: Math.max(sending.index - 1, 0),
    receiving: [...ratchet.receiving, chain].slice(-RECEIVING_CHAINS_MAX),
  }
}

export interface ChainStep<AChain extends SkippingChain> {
  chain: AChain
  seed: Uint8Array
}

/** The seed of a message that was missing when a later one came. */
export function takeSkipped<AChain extends SkippingChain>(
  chain: AChain,
  counter: number,
): ChainStep<AChain> {
  const { skipped } = chain
  for (let offset = 0; offset < skipped.length; offset += SKIPPED_KEY_BYTES) {
    if (readUint32(skipped, offset) !== counter) continue
    const end = offset + SKIPPED_KEY_BYTES
    const rest = concatBytes(skipped.subarray(0, offset), skipped.subarray(end))
    return { chain: { ...chain, skipped: rest }, seed: skipped.slice(offset + 4, end) }
  }
  throw new CryptoError('duplicate', 'the key of this message was used before')
}

/** The seed of the next message or of a later one; those between are kept, the newest of them. */
export function advance<AChain extends SkippingChain>(
  chain: AChain,
  counter: number,
): ChainStep<AChain> {
  if (counter >= COUNTER_MAX) throw new CryptoError('too-far-ahead', 'the chain ends before it')
  const kept = Math.max(chain.index, counter - SKIPPED_KEYS_MAX)
  const added = new Uint8Array((counter - kept) * SKIPPED_KEY_BYTES)
  let key = chain.key
  for (let index = chain.index; index < counter; index++) {
    if (index >= kept) {
      const offset = (index - kept) * SKIPPED_KEY_BYTES
      writeUint32(added, offset, index)
      added.set(hmacSha256(key, SEED), offset + 4)
    }
    key = hmacSha256(key, NEXT)
  }
  const skipped = added.length === 0 ? chain.skipped : concatBytes(chain.skipped, added)
  const advanced = { ...chain, key: hmacSha256(key, NEXT), index: counter + 1, skipped }
  return { chain: advanced, seed: hmacSha256(key, SEED) }
}

/** Drops the oldest seeds of the oldest chains, so that they never hold more than their bound. */
export function boundSkipped<AChain extends SkippingChain>(
  chains: readonly AChain[],
): readonly AChain[] {
  let excess = -SKIPPED_KEYS_MAX * SKIPPED_KEY_BYTES
  for (const chain of chains) excess += chain.skipped.length
  if (excess <= 0) return chains
  return chains.map((chain) => {
    const dropped = Math.min(excess, chain.skipped.length)
    excess -= dropped
    return dropped === 0 ? chain : { ...chain, skipped: chain.skipped.subarray(dropped) }
  })
}
