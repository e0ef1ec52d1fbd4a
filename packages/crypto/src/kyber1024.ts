// Kyber-1024 as of round 3, which the handshake uses, on top of FIPS 203's ML-KEM-1024: the two
// differ in that round 3 hashes the random message first and the shared secret at the end.

import { concatBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { drawn, ml_kem1024, type RandomBytes, sha3_256, shake256 } from './primitives.ts'

/** Keys and ciphertexts travel with this byte in front. */
const KYBER_KEY_TYPE = 0x08
export const KYBER_PUBLIC_KEY_BYTES = 1569
export const KYBER_CIPHERTEXT_BYTES = 1569

export interface KyberKeyPair {
  publicKey: Uint8Array
  privateKey: Uint8Array
}

export function generateKyberKeyPair(random: RandomBytes): KyberKeyPair {
  const { publicKey, secretKey } = ml_kem1024.keygen(drawn(random, 64))
  return { publicKey: withType(publicKey), privateKey: secretKey }
}

export interface KyberEncapsulation {
  ciphertext: Uint8Array
  sharedSecret: Uint8Array
}

export function kyberEncapsulate(publicKey: Uint8Array, random: RandomBytes): KyberEncapsulation {
  const raw = withoutType(publicKey, KYBER_PUBLIC_KEY_BYTES)
  const message = sha3_256(drawn(random, 32))
  try {
    const { cipherText, sharedSecret } = ml_kem1024.encapsulate(raw, message)
    return {
      ciphertext: withType(cipherText),
      sharedSecret: finalSecret(sharedSecret, cipherText),
    }
  } catch (cause) {
    throw new CryptoError('invalid-key', 'not a Kyber public key', { cause })
  }
}

/** A ciphertext made for another key gives a secret that nobody knows, not an error. */
export function kyberDecapsulate(privateKey: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const raw = withoutType(ciphertext, KYBER_CIPHERTEXT_BYTES)
  try {
    return finalSecret(ml_kem1024.decapsulate(raw, privateKey), raw)
  } catch (cause) {
    throw new CryptoError('invalid-key', 'not a Kyber private key', { cause })
  }
}

function finalSecret(secret: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return shake256(concatBytes(secret, sha3_256(ciphertext)), { dkLen: 32 })
}

function withType(raw: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(KYBER_KEY_TYPE), raw)
}

function withoutType(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length || bytes[0] !== KYBER_KEY_TYPE) {
    throw new CryptoError('invalid-key', 'wrong length or type of a Kyber key or ciphertext')
  }
  return bytes.subarray(1)
}
