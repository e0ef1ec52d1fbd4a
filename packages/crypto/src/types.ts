// The shapes that callers pass to the session functions and get from them. Keys and ids are checked
// where they come in; all byte lengths are exact.

import type { Curve25519 } from './curve.ts'
import type { KeyPair } from './keys.ts'
import type { RandomBytes } from './primitives.ts'

export interface Address {
  /** UUID of the account, in lower case. */
  account: string
  /** Signal address number of the device, 1..127. */
  device: number
}

/** A device as it knows itself. */
export interface LocalIdentity {
  address: Address
  identity: KeyPair
  /** 32 bits, told to the peer in first messages; libsignal draws them from 1..16,380. */
  registrationId: number
}

/** The two ends of a session. */
export interface Parties {
  local: LocalIdentity
  remote: Address
}

/** What comes from outside: all session functions take all of it, so that one object will do. */
export interface Surroundings {
  random: RandomBytes
  /** Milliseconds since 1970. Only the age of unanswered sessions hangs on it. */
  nowMs: number
  curve: Curve25519
}

/** All sessions with one device, the current and the archived ones; opaque and versioned. */
export type SessionRecord = Uint8Array

/** X25519, used for one session and then deleted. Prekey ids have 32 bits. */
export interface OneTimePreKey extends KeyPair {
  id: number
}

/** X25519, used for all sessions of a week or so. */
export interface SignedPreKey extends KeyPair {
  id: number
  /** XEdDSA of the identity key over the 33 bytes of the public key; 64 bytes. */
  signature: Uint8Array
}

/** Kyber-1024, for one session or, as the last resort, for all of a week or so. */
export interface KyberPreKey {
  id: number
  /** 1,569 bytes: 0x08 and the 1,568 of Kyber. */
  publicKey: Uint8Array
  /** 3,168 bytes. */
  privateKey: Uint8Array
  /** XEdDSA of the identity key over the 1,569 bytes of the public key; 64 bytes. */
  signature: Uint8Array
}

/** The public half of a `SignedPreKey` or `KyberPreKey`. */
export interface SignedPublicPreKey {
  id: number
  publicKey: Uint8Array
  signature: Uint8Array
}

/** What a server gives to whoever wants to write to a device: PQXDH, section 3.2. */
export interface PreKeyBundle {
  /** For the caller; no key depends on it. */
  registrationId: number
  /** 33 bytes. */
  identityKey: Uint8Array
  signedPreKey: SignedPublicPreKey
  kyberPreKey: SignedPublicPreKey
  oneTimePreKey: { id: number; publicKey: Uint8Array } | undefined
}

/** The private prekeys that a prekey message names; the caller loads them by id. */
export interface NamedPreKeys {
  signed: Omit<SignedPreKey, 'signature'>
  kyber: Pick<KyberPreKey, 'id' | 'privateKey'>
  /** None when the message names none. */
  oneTime: OneTimePreKey | undefined
}

/** What a prekey message says of itself; proven only once it is decrypted. */
export interface PreKeyMessageHeader {
  registrationId: number
  /** Of the sender, 33 bytes. */
  identityKey: Uint8Array
  signedPreKeyId: number
  kyberPreKeyId: number
  oneTimePreKeyId: number | undefined
  /** 33 bytes, made for this session alone: who remembers it knows a replay (rule E8). */
  baseKey: Uint8Array
}

export interface CreateSessionInput extends Parties, Surroundings {
  bundle: PreKeyBundle
  /** Sessions there are already; they are archived. */
  record: SessionRecord | undefined
}

export interface EncryptInput extends Parties, Surroundings {
  record: SessionRecord
  /** Padded by the caller, see `pad`. */
  plaintext: Uint8Array
}

export interface Encrypted {
  record: SessionRecord
  /** `prekey` until the peer has answered: it decrypts that with `decryptPreKeyMessage`. */
  type: 'prekey' | 'message'
  ciphertext: Uint8Array
  /** Names the key used; no two ciphertexts ever carry the same. */
  messageKeyId: string
}

export interface DecryptInput extends Parties, Surroundings {
  record: SessionRecord
  ciphertext: Uint8Array
}

export interface Decrypted {
  record: SessionRecord
  plaintext: Uint8Array
  /** That of `Encrypted`. */
  messageKeyId: string
}

export interface DecryptPreKeyInput extends Parties, Surroundings {
  record: SessionRecord | undefined
  ciphertext: Uint8Array
  /** None when they are gone: a message of a session that is there decrypts without them. */
  prekeys: NamedPreKeys | undefined
}

export interface DecryptedPreKey extends Decrypted {
  /** False when the message belonged to a session that was there. */
  usedPreKeys: boolean
}
