// X25519 keys in the DER wrappings that platform APIs import.

import { CryptoError } from './errors.ts'

const PKCS8_PREFIX = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]
const SPKI_PREFIX = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]

export function pkcs8(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (privateKey.length !== 32) {
    throw new CryptoError('invalid-key', 'a private key must have 32 bytes')
  }
  return Uint8Array.of(...PKCS8_PREFIX, ...privateKey)
}

export function spki(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (publicKey.length !== 33 || publicKey[0] !== 0x05) {
    throw new CryptoError('invalid-key', 'a public key must be 0x05 and 32 bytes')
  }
  return Uint8Array.of(...SPKI_PREFIX, ...publicKey.subarray(1))
}
