// Keys of X25519 and Ed25519 in the DER wrappings that platform APIs import (RFC 8410).

type Curve = 'X25519' | 'Ed25519'

/** The last byte of the object identifiers 1.3.101.110 and 1.3.101.112. */
const IDENTIFIER = { X25519: 0x6e, Ed25519: 0x70 }

/** `key`: the 32 bytes of a private key or seed. */
export function pkcs8(curve: Curve, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const id = IDENTIFIER[curve]
  const prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, id, 4, 0x22, 4, 0x20]
  return Uint8Array.of(...prefix, ...key)
}

/** `key`: the 32 bytes of a public key. */
export function spki(curve: Curve, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const prefix = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, IDENTIFIER[curve], 3, 0x21, 0]
  return Uint8Array.of(...prefix, ...key)
}
