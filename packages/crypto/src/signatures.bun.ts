// The checks of signatures.ts by node:crypto, ten times as fast: for servers, which check many.

import { createPublicKey, verify as verifyByPlatform } from 'node:crypto'
import { spki } from './curve-der.ts'
import { isCanonicalKey } from './edwards.ts'
import { toEd25519 } from './signatures.ts'

export { isPublicKey } from './signatures.ts'

/** As `verify` of signatures.ts. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const translated = toEd25519(publicKey, signature)
  if (translated === undefined) return false
  return verifyEd25519Natively(translated.key, message, translated.signature)
}

/** As `verify` of `Curve25519`. */
export function verifyEd25519Natively(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!isCanonicalKey(publicKey) || signature.length !== 64) return false
  try {
    const key = Buffer.from(spki('Ed25519', publicKey))
    const imported = createPublicKey({ key, format: 'der', type: 'spki' })
    return verifyByPlatform(null, message, imported, signature)
  } catch {
    return false
  }
}
