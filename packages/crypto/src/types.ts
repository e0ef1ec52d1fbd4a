// The shapes that callers pass to the session functions and get from them.

import type { Curve25519 } from './curve.ts'
import type { KeyPair } from './keys.ts'
import type { RandomBytes } from './primitives.ts'

export interface Address {
  /** UUID of the account. */
  account: string
  /** Signal address number of the device, 1..127. */
  device: number
}

export interface LocalIdentity {
  address: Address
  identity: KeyPair
  registrationId: number
}

export interface Parties {
  local: LocalIdentity
  remote: Address
}

/** What every function with a step on the curve needs from outside. */
export interface Surroundings {
  random: RandomBytes
  nowMs: number
  curve: Curve25519
}

/** All sessions with one device, the current and the archived ones; opaque and versioned. */
export type SessionRecord = Uint8Array

/** A private prekey as it is stored, to be looked up by the id that a message names. */
export interface OneTimePreKey extends KeyPair {
  id: number
}

export interface SignedPreKey extends KeyPair {
  id: number
  /** XEdDSA of the identity key over the serialised public key. */
  signature: Uint8Array
}

/** Kyber-1024: 1,569 bytes of public key (0x08 first), 3,168 of private key. */
export interface KyberPreKey {
  id: number
  publicKey: Uint8Array
  privateKey: Uint8Array
  signature: Uint8Array
}

export interface SignedPublicPreKey {
  id: number
  publicKey: Uint8Array
  signature: Uint8Array
}

export interface PreKeyBundle {
  registrationId: number
  identityKey: Uint8Array
  signedPreKey: SignedPublicPreKey
  kyberPreKey: SignedPublicPreKey
  oneTimePreKey: { id: number; publicKey: Uint8Array } | undefined
}

/** The private prekeys that a prekey message names; the caller loads them by id. */
export interface NamedPreKeys {
  signed: OneTimePreKey
  kyber: { id: number; privateKey: Uint8Array }
  oneTime: OneTimePreKey | undefined
}

export interface PreKeyMessageHeader {
  registrationId: number
  identityKey: Uint8Array
  signedPreKeyId: number
  kyberPreKeyId: number
  oneTimePreKeyId: number | undefined
  baseKey: Uint8Array
}

export interface Encrypted {
  record: SessionRecord
  type: 'prekey' | 'message'
  ciphertext: Uint8Array
  /** Names the key used; no two ciphertexts ever carry the same. */
  messageKeyId: string
}

export interface Decrypted {
  record: SessionRecord
  plaintext: Uint8Array
  messageKeyId: string
}
