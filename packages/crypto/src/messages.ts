// The two messages on the wire, SignalMessage and PreKeySignalMessage of version 4, as bytes and as
// fields. Parsing checks form only; the session decides whether a message is genuine.

import { concatBytes, equalBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { KYBER_CIPHERTEXT_BYTES } from './kyber1024.ts'
import { hmacSha256 } from './primitives.ts'
import { encodeFields, type Field, parseFields, required } from './protobuf.ts'
import { isPublicKey } from './signatures.ts'
import type { Address } from './types.ts'
import { uuidBytes } from './uuid.ts'

/** Version 4 in both halves: the version of the message and the newest that its sender speaks. */
const VERSION_BYTE = 0x44
const MAC_BYTES = 8
const DEVICE_MAX = 127

export interface RatchetMessage {
  ratchetKey: Uint8Array
  counter: number
  previousCounter: number
  ciphertext: Uint8Array
  /** Message of the post-quantum ratchet. */
  pqRatchet: Uint8Array
  /** Sender and receiver, see `encodeAddresses`. */
  addresses: Uint8Array | undefined
}

export interface ParsedRatchetMessage extends RatchetMessage {
  /** What the MAC covers, beside the identity keys. */
  authenticated: Uint8Array
  mac: Uint8Array
}

export interface PreKeyMessage {
  registrationId: number
  oneTimePreKeyId: number | undefined
  signedPreKeyId: number
  kyberPreKeyId: number
  kyberCiphertext: Uint8Array
  baseKey: Uint8Array
  identityKey: Uint8Array
  /** A serialised RatchetMessage. */
  message: Uint8Array
}

/** Identity keys of a message's sender and receiver, in this order under the MAC. */
export interface MacIdentities {
  sender: Uint8Array
  receiver: Uint8Array
}

export function messageMac(
  key: Uint8Array,
  { sender, receiver }: MacIdentities,
  authenticated: Uint8Array,
): Uint8Array {
  const mac = hmacSha256(key, concatBytes(sender, receiver, authenticated))
  return mac.subarray(0, MAC_BYTES)
}

export function encodeRatchetMessage(
  message: RatchetMessage,
  macKey: Uint8Array,
  identities: MacIdentities,
): Uint8Array {
  const fields: Field[] = [
    [1, message.ratchetKey],
    [2, message.counter],
    [3, message.previousCounter],
    [4, message.ciphertext],
    [5, message.pqRatchet],
    [6, message.addresses],
  ]
  const authenticated = concatBytes(Uint8Array.of(VERSION_BYTE), encodeFields(fields))
  return concatBytes(authenticated, messageMac(macKey, identities, authenticated))
}

export function parseRatchetMessage(bytes: Uint8Array): ParsedRatchetMessage {
  checkVersion(bytes)
  if (bytes.length <= MAC_BYTES)
    throw new CryptoError('invalid-message', 'the message is too short')
  const authenticated = bytes.subarray(0, -MAC_BYTES)
  const fields = parseFields(authenticated.subarray(1))
  const pqRatchet = fields.bytes(5)
  if (pqRatchet === undefined || pqRatchet.length === 0) {
    throw new CryptoError('unsupported-version', 'the message has no post-quantum ratchet')
  }
  return {
    ratchetKey: publicKey(fields.bytes(1)),
    counter: required(fields.uint32(2)),
    previousCounter: fields.uint32(3) ?? 0,
    ciphertext: required(fields.bytes(4)),
    pqRatchet,
    addresses: fields.bytes(6),
    authenticated,
    mac: bytes.subarray(-MAC_BYTES),
  }
}

export function encodePreKeyMessage(message: PreKeyMessage): Uint8Array {
  const fields = encodeFields([
    [5, message.registrationId],
    [1, message.oneTimePreKeyId],
    [6, message.signedPreKeyId],
    [7, message.kyberPreKeyId],
    [8, message.kyberCiphertext],
    [2, message.baseKey],
    [3, message.identityKey],
    [4, message.message],
  ])
  return concatBytes(Uint8Array.of(VERSION_BYTE), fields)
}

export function parsePreKeyMessage(bytes: Uint8Array): PreKeyMessage {
  checkVersion(bytes)
  const fields = parseFields(bytes.subarray(1))
  const kyberCiphertext = fields.bytes(8)
  const kyberPreKeyId = fields.uint32(7)
  if (kyberCiphertext === undefined || kyberPreKeyId === undefined) {
    throw new CryptoError('unsupported-version', 'the message has no Kyber ciphertext')
  }
  if (kyberCiphertext.length !== KYBER_CIPHERTEXT_BYTES) {
    throw new CryptoError('invalid-message', 'the Kyber ciphertext has the wrong length')
  }
  return {
    registrationId: required(fields.uint32(5)),
    oneTimePreKeyId: fields.uint32(1),
    signedPreKeyId: required(fields.uint32(6)),
    kyberPreKeyId,
    kyberCiphertext,
    baseKey: publicKey(fields.bytes(2)),
    identityKey: publicKey(fields.bytes(3)),
    message: required(fields.bytes(4)),
  }
}

/**
 * Who writes to whom: for each of the two a zero for "account", the 16 bytes of its UUID, and the
 * device number. A first message carries it under the MAC, so it cannot be passed on to another.
 */
export function encodeAddresses(sender: Address, receiver: Address): Uint8Array {
  return concatBytes(encodeAddress(sender), encodeAddress(receiver))
}

/** A genuine message carries the same addresses as its envelope, a first one always does. */
export function addressesMatch(
  message: RatchetMessage,
  sender: Address,
  receiver: Address,
): boolean {
  if (message.addresses === undefined) return false
  return equalBytes(message.addresses, encodeAddresses(sender, receiver))
}

function encodeAddress({ account, device }: Address): Uint8Array {
  if (!Number.isInteger(device) || device < 1 || device > DEVICE_MAX) {
    throw new CryptoError('invalid-argument', `a device number is 1..${DEVICE_MAX}`)
  }
  return Uint8Array.of(0, ...uuidBytes(account), device)
}

function checkVersion(bytes: Uint8Array): void {
  if (bytes[0] !== VERSION_BYTE) {
    throw new CryptoError('unsupported-version', 'only version 4 of the protocol is spoken here')
  }
}

function publicKey(value: Uint8Array | undefined): Uint8Array {
  const key = required(value)
  if (!isPublicKey(key)) throw new CryptoError('invalid-key', 'the message has an unusable key')
  return key
}
