// The door to the cryptographic library: hashes, key derivation, AES, X25519 and the two groups
// behind XEdDSA and Kyber. Nothing else in the package imports @noble, but group.ts, and kem768.ts,
// which needs the inside of ML-KEM.

import { cbc, gcm } from '@noble/ciphers/aes.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { expand, hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'
import { sha3_256, sha3_512, shake256 } from '@noble/hashes/sha3.js'
import { ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { CryptoError } from './errors.ts'

/** Must be a cryptographically secure generator: everything here rests on it. */
export type RandomBytes = (length: number) => Uint8Array

/** A copy of that many random bytes; `invalid-argument` when the source gives another number. */
export function drawn(random: RandomBytes, length: number): Uint8Array {
  const bytes = Uint8Array.from(random(length))
  if (bytes.length === length) return bytes
  throw new CryptoError('invalid-argument', 'the source of randomness gives too little or too much')
}

/** FIPS 180-4. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, message)
}

export interface HkdfInput {
  secret: Uint8Array
  /** None means 32 zero bytes, as RFC 5869 has it. */
  salt: Uint8Array | undefined
  info: Uint8Array
  length: number
}

/** RFC 5869, at most 8,160 bytes. */
export function hkdfSha256({ secret, salt, info, length }: HkdfInput): Uint8Array {
  return hkdf(nobleSha256, secret, salt, info, length)
}

export interface CbcKey {
  key: Uint8Array
  iv: Uint8Array
}

/** AES-256-CBC with PKCS#7 padding. */
export function aesCbcEncrypt({ key, iv }: CbcKey, plaintext: Uint8Array): Uint8Array {
  return cbc(key, iv).encrypt(plaintext)
}

/** Throws `invalid-message` on wrong padding; authenticate before you call it. */
export function aesCbcDecrypt({ key, iv }: CbcKey, ciphertext: Uint8Array): Uint8Array {
  try {
    return cbc(key, iv).decrypt(ciphertext)
  } catch (cause) {
    throw new CryptoError('invalid-message', 'the message cannot be decrypted', { cause })
  }
}

/** A hash of what arrives piece by piece. */
export interface RunningHash {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

export function runningSha256(): RunningHash {
  return nobleSha256.create()
}

export interface ExpandInput {
  /** Uniformly random already: the extract step of HKDF is left out. */
  secret: Uint8Array
  info: Uint8Array
  length: number
}

/** RFC 5869, section 2.3. */
export function hkdfExpandSha512({ secret, info, length }: ExpandInput): Uint8Array {
  // The library asks for 64 bytes or more; HMAC itself pads keys with zeros (RFC 2104, section 2).
  const padded = new Uint8Array(Math.max(secret.length, 64))
  padded.set(secret)
  return expand(nobleSha512, padded, info, length)
}

export interface GcmKey {
  key: Uint8Array
  nonce: Uint8Array
}

/** AES-GCM without associated data; the tag of 16 bytes comes last. */
export function aesGcmSeal({ key, nonce }: GcmKey, plaintext: Uint8Array): Uint8Array {
  return gcm(key, nonce).encrypt(plaintext)
}

/** Throws what the library throws on a wrong tag. */
export function aesGcmOpen({ key, nonce }: GcmKey, ciphertext: Uint8Array): Uint8Array {
  return gcm(key, nonce).decrypt(ciphertext)
}

export { sha512 } from './group.ts'
export { ed25519, ml_kem1024, sha3_256, sha3_512, shake256, x25519 }
