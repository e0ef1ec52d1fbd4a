// The two messages of sender keys on the wire, SenderKeyMessage and SenderKeyDistributionMessage of
// version 3, as bytes and as fields. Parsing checks form only: sender-keys.ts decides whether a
// group message is genuine, and a pairwise session whether a distribution is.

import { concatBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { encodeFields, type Fields, parseFields, required } from './protobuf.ts'
import { isPublicKey } from './signatures.ts'
import { UUID_BYTES } from './uuid.ts'

/** Version 3 in both halves: the version of the message and the newest of this kind. */
const VERSION_BYTE = 0x33
export const CHAIN_KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** Which key: of which group, of which chain there, and its place in the chain. */
export interface SenderKeyPosition {
  /** 16 bytes, those of a UUID. */
  distributionId: Uint8Array
  chainId: number
  iteration: number
}

export interface GroupMessage extends SenderKeyPosition {
  ciphertext: Uint8Array
}

export interface ParsedGroupMessage extends GroupMessage {
  /** What the signature covers. */
  authenticated: Uint8Array
  /** XEdDSA, 64 bytes. */
  signature: Uint8Array
}

export interface Distribution extends SenderKeyPosition {
  /** 32 bytes, from which all keys from `iteration` on follow. */
  chainKey: Uint8Array
  /** 33 bytes, public. */
  signingKey: Uint8Array
}

/** All of a group message but its signature, which comes after it. */
export function encodeUnsigned(message: GroupMessage): Uint8Array {
  const { distributionId, chainId, iteration, ciphertext } = message
  const fields = encodeFields([
    [1, distributionId],
    [2, chainId],
    [3, iteration],
    [4, ciphertext],
  ])
  return concatBytes(Uint8Array.of(VERSION_BYTE), fields)
}

export function parseGroupMessage(bytes: Uint8Array): ParsedGroupMessage {
  checkVersion(bytes)
  const authenticated = bytes.subarray(0, -SIGNATURE_BYTES)
  const fields = parseFields(authenticated.subarray(1))
  const ciphertext = required(fields.bytes(4))
  const signature = bytes.subarray(-SIGNATURE_BYTES)
  return { ...positionOf(fields), ciphertext, authenticated, signature }
}

export function encodeDistribution(distribution: Distribution): Uint8Array {
  const { distributionId, chainId, iteration, chainKey, signingKey } = distribution
  const fields = encodeFields([
    [1, distributionId],
    [2, chainId],
    [3, iteration],
    [4, chainKey],
    [5, signingKey],
  ])
  return concatBytes(Uint8Array.of(VERSION_BYTE), fields)
}

export function parseDistribution(bytes: Uint8Array): Distribution {
  checkVersion(bytes)
  const fields = parseFields(bytes.subarray(1))
  const chainKey = ofLength(fields.bytes(4), CHAIN_KEY_BYTES)
  const signingKey = required(fields.bytes(5))
  if (!isPublicKey(signingKey)) {
    throw new CryptoError('invalid-key', 'the distribution has an unusable signing key')
  }
  return { ...positionOf(fields), chainKey, signingKey }
}

function positionOf(fields: Fields): SenderKeyPosition {
  return {
    distributionId: ofLength(fields.bytes(1), UUID_BYTES),
    chainId: required(fields.uint32(2)),
    iteration: required(fields.uint32(3)),
  }
}

function checkVersion(bytes: Uint8Array): void {
  if (bytes[0] !== VERSION_BYTE) {
    throw new CryptoError('unsupported-version', 'only version 3 of sender keys is spoken here')
  }
}

function ofLength(value: Uint8Array | undefined, length: number): Uint8Array {
  if (value?.length === length) return value
  throw new CryptoError('invalid-message', 'a field of the message has the wrong length')
}
