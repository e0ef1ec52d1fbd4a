// The safety number of two accounts: sixty digits to compare by eye and bytes for a QR code, equal
// to those of the official library (numeric fingerprint, version 2) over the same keys and ids.

import { concatBytes, equalBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { sha512 } from './primitives.ts'
import { encodeFields, parseFields } from './protobuf.ts'
import { isPublicKey } from './signatures.ts'

const ITERATIONS = 5_200
const HASH_VERSION = new Uint8Array(2)
const SCANNABLE_VERSION = 2
const SCANNABLE_HASH_BYTES = 32
const CHUNKS = 6
const CHUNK_BYTES = 5

export interface SafetyNumberInput {
  /** What names an account for both sides, of any length: libsignal has its UUID or number here. */
  localId: Uint8Array
  /** Public root keys, 33 bytes. */
  localKey: Uint8Array
  remoteId: Uint8Array
  remoteKey: Uint8Array
}

export interface SafetyNumber {
  /** Sixty, the same on both sides; shown in twelve groups of five. */
  digits: string
  /** For a QR code, about 76 bytes. Names the sides: on the other one they are swapped. */
  scannable: Uint8Array
}

/** 5,200 rounds of SHA-512 for each side. Throws `invalid-key` for a key that is none. */
export function safetyNumber(input: SafetyNumberInput): SafetyNumber {
  const local = fingerprint(input.localKey, input.localId)
  const remote = fingerprint(input.remoteKey, input.remoteId)
  const digits = [toDigits(local), toDigits(remote)].sort().join('')
  const scannable = encodeFields([
    [1, SCANNABLE_VERSION],
    [2, encodeFields([[1, local.subarray(0, SCANNABLE_HASH_BYTES)]])],
    [3, encodeFields([[1, remote.subarray(0, SCANNABLE_HASH_BYTES)]])],
  ])
  return { digits, scannable }
}

/**
 * - `match`: both sides hold the same two keys.
 * - `mismatch`: they do not, or this is the number of other people.
 * - `other-version`: the other side computes its numbers in another way; nothing is known.
 */
export type ScannedOutcome = 'match' | 'mismatch' | 'other-version'

/**
 * Compares the own `scannable` with the one that was scanned from the other side's screen, where
 * local and remote are swapped. Takes the same time wherever the two differ. Throws
 * `invalid-message` when the bytes are no safety number.
 */
export function matchesScanned(own: Uint8Array, scanned: Uint8Array): ScannedOutcome {
  const ours = parseScannable(own)
  const theirs = parseScannable(scanned)
  if (theirs.version !== ours.version) return 'other-version'
  // Both are looked at, so that the time does not say which of them differs.
  const parts = [equalBytes(theirs.local, ours.remote), equalBytes(theirs.remote, ours.local)]
  return parts.every(Boolean) ? 'match' : 'mismatch'
}

interface Scannable {
  version: number
  local: Uint8Array
  remote: Uint8Array
}

function parseScannable(bytes: Uint8Array): Scannable {
  const fields = parseFields(bytes)
  const version = fields.uint32(1)
  const [local, remote] = [fields.bytes(2), fields.bytes(3)].map(hashIn)
  if (version === undefined || local === undefined || remote === undefined) {
    throw new CryptoError('invalid-message', 'not a safety number')
  }
  const isOurs = version === SCANNABLE_VERSION
  if (isOurs && [local, remote].some((hash) => hash.length !== SCANNABLE_HASH_BYTES)) {
    throw new CryptoError('invalid-message', 'a safety number of the wrong length')
  }
  return { version, local, remote }
}

function hashIn(fingerprint: Uint8Array | undefined): Uint8Array | undefined {
  return fingerprint && parseFields(fingerprint).bytes(1)
}

/** The many rounds make it dear to search for another key with nearly the same digits. */
function fingerprint(key: Uint8Array, id: Uint8Array): Uint8Array {
  if (!isPublicKey(key)) throw new CryptoError('invalid-key', 'not a public key')
  let hash = sha512(concatBytes(HASH_VERSION, key, id, key))
  for (let round = 1; round < ITERATIONS; round++) hash = sha512(concatBytes(hash, key))
  return hash
}

function toDigits(hash: Uint8Array): string {
  let digits = ''
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    let value = 0
    for (const byte of hash.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)) {
      value = value * 256 + byte
    }
    digits += String(value % 100_000).padStart(5, '0')
  }
  return digits
}
