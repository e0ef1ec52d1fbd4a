// The key chains of SPQR: each epoch of the braid gives one chain for each direction, and each
// chain one key for each message. Keys of messages that have not come yet are kept, within bounds.

import { concatBytes, utf8 } from './bytes.ts'
import { readUint32 } from './encode.ts'
import { CryptoError } from './errors.ts'
import { hkdfSha256 } from './primitives.ts'

// Two spaces: that is what the wire has.
const START_LABEL = utf8('Signal PQ Ratchet V1 Chain  Start')
const ADD_EPOCH_LABEL = utf8('Signal PQ Ratchet V1 Chain Add Epoch')
const NEXT_LABEL = utf8('Signal PQ Ratchet V1 Chain Next')

const FORWARD_JUMP_MAX = 25_000
/** Over all epochs; the oldest go first. */
export const SKIPPED_KEYS_MAX = 2_000
/**
 * [Note: How many epochs are kept] A receiver of the Double Ratchet still opens messages of 32
 * older chains. An epoch needs five causally ordered flights, and so at least five chains per two
 * epochs: 33 chains span 14 epochs at most, and 16 older ones cover them.
 */
export const OLDER_EPOCHS_MAX = 16

export type SpqrRole = 'initiator' | 'responder'

export interface KeyRatchet {
  next: Uint8Array
  /** How many keys it has given. */
  count: number
}

export interface ChainEpoch {
  epoch: number
  /** Undefined once a later epoch is sent in. */
  sending: KeyRatchet | undefined
  receiving: KeyRatchet
}

export interface SpqrChain {
  role: SpqrRole
  root: Uint8Array
  /** Oldest first, without gaps, never empty. */
  epochs: readonly ChainEpoch[]
  /** Oldest first, each as epoch, index (4 bytes each) and key. */
  skipped: Uint8Array
}

export interface EpochSecret {
  epoch: number
  secret: Uint8Array
}

export interface KeyName {
  epoch: number
  index: number
}

export const SKIPPED_ENTRY_BYTES = 40

export function startChain(authKey: Uint8Array, role: SpqrRole): SpqrChain {
  const derived = hkdfSha256({ secret: authKey, salt: undefined, info: START_LABEL, length: 96 })
  return {
    role,
    root: derived.slice(0, 32),
    epochs: [chainEpoch(0, role, derived)],
    skipped: new Uint8Array(0),
  }
}

export function newestEpoch(chain: SpqrChain): number {
  return chain.epochs.at(-1)?.epoch ?? 0
}

/** The epoch must be the one after the newest. */
export function addEpoch(chain: SpqrChain, { epoch, secret }: EpochSecret): SpqrChain {
  if (epoch !== newestEpoch(chain) + 1) throw inconsistent()
  const derived = hkdfSha256({ secret, salt: chain.root, info: ADD_EPOCH_LABEL, length: 96 })
  const oldest = epoch - OLDER_EPOCHS_MAX
  const kept = chain.epochs.filter((older) => older.epoch >= oldest)
  return {
    role: chain.role,
    root: derived.slice(0, 32),
    epochs: [...kept, chainEpoch(epoch, chain.role, derived)],
    skipped: withoutEpochsBefore(chain.skipped, oldest),
  }
}

export interface SendingKey {
  chain: SpqrChain
  index: number
  key: Uint8Array
}

/** Once an epoch is sent in, no older one can be. */
export function nextSendingKey(chain: SpqrChain, epoch: number): SendingKey {
  const current = chain.epochs.find((candidate) => candidate.epoch === epoch)?.sending
  if (current === undefined) throw inconsistent()
  const { ratchet: sending, key } = step(current)
  const epochs = chain.epochs.map((entry) => {
    if (entry.epoch === epoch) return { ...entry, sending }
    return entry.epoch < epoch && entry.sending ? { ...entry, sending: undefined } : entry
  })
  return { chain: { ...chain, epochs }, index: sending.count, key }
}

export interface ReceivingKey {
  chain: SpqrChain
  key: Uint8Array
}

/** `duplicate` when the key is not there any more; at most `jumpMax` keys are passed over. */
export function takeReceivingKey(
  chain: SpqrChain,
  name: KeyName,
  jumpMax = FORWARD_JUMP_MAX,
): ReceivingKey {
  const entry = chain.epochs.find((candidate) => candidate.epoch === name.epoch)
  if (entry === undefined || name.index <= entry.receiving.count) {
    return takeSkippedKey(chain, name)
  }
  if (name.index - entry.receiving.count > jumpMax) {
    throw new CryptoError('too-far-ahead', 'too many post-quantum keys are missing before this one')
  }
  const passed: Uint8Array[] = []
  let { ratchet, key } = step(entry.receiving)
  while (ratchet.count < name.index) {
    const isKept = name.index - ratchet.count <= SKIPPED_KEYS_MAX
    if (isKept) passed.push(skippedEntry({ epoch: name.epoch, index: ratchet.count }, key))
    ;({ ratchet, key } = step(ratchet))
  }
  const receiving = ratchet
  const epochs = chain.epochs.map((other) => (other === entry ? { ...entry, receiving } : other))
  return { chain: { ...chain, epochs, skipped: withSkipped(chain.skipped, passed) }, key }
}

function takeSkippedKey(chain: SpqrChain, name: KeyName): ReceivingKey {
  for (let at = 0; at < chain.skipped.length; at += SKIPPED_ENTRY_BYTES) {
    if (readUint32(chain.skipped, at + 4) !== name.index) continue
    if (readUint32(chain.skipped, at) !== name.epoch) continue
    const end = at + SKIPPED_ENTRY_BYTES
    const skipped = concatBytes(chain.skipped.subarray(0, at), chain.skipped.subarray(end))
    return { chain: { ...chain, skipped }, key: chain.skipped.slice(at + 8, end) }
  }
  throw new CryptoError('duplicate', 'the post-quantum key of this message is used or dropped')
}

function withSkipped(skipped: Uint8Array, entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0) return skipped
  const all = concatBytes(skipped, ...entries)
  return all.slice(Math.max(0, all.length - SKIPPED_KEYS_MAX * SKIPPED_ENTRY_BYTES))
}

function withoutEpochsBefore(skipped: Uint8Array, oldest: number): Uint8Array {
  const kept: Uint8Array[] = []
  for (let at = 0; at < skipped.length; at += SKIPPED_ENTRY_BYTES) {
    if (readUint32(skipped, at) >= oldest) kept.push(skipped.subarray(at, at + SKIPPED_ENTRY_BYTES))
  }
  return kept.length * SKIPPED_ENTRY_BYTES === skipped.length ? skipped : concatBytes(...kept)
}

function skippedEntry({ epoch, index }: KeyName, key: Uint8Array): Uint8Array {
  return concatBytes(uint32Bytes(epoch), uint32Bytes(index), key)
}

function uint32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

function chainEpoch(epoch: number, role: SpqrRole, derived: Uint8Array): ChainEpoch {
  const ofInitiator = { next: derived.slice(32, 64), count: 0 }
  const ofResponder = { next: derived.slice(64), count: 0 }
  return role === 'initiator'
    ? { epoch, sending: ofInitiator, receiving: ofResponder }
    : { epoch, sending: ofResponder, receiving: ofInitiator }
}

function step({ next, count }: KeyRatchet): { ratchet: KeyRatchet; key: Uint8Array } {
  const info = concatBytes(uint32Bytes(count + 1), NEXT_LABEL)
  const derived = hkdfSha256({ secret: next, salt: undefined, info, length: 64 })
  return {
    ratchet: { next: derived.slice(0, 32), count: count + 1 },
    key: derived.slice(32),
  }
}

function inconsistent(): CryptoError {
  return new CryptoError('invalid-state', 'the epochs of the post-quantum ratchet do not fit')
}
