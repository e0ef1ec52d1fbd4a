// Curve25519 by WebCrypto, where the browser has it.

import { checkKeys, checkSeed, type Curve25519, noSecret } from './curve.ts'
import { pkcs8 } from './curve-der.ts'
import { isCanonicalKey } from './edwards.ts'

const X25519 = { name: 'X25519' }
const ED25519 = { name: 'Ed25519' }

/** The backend of this browser, or none: then `nobleCurve` does. */
export async function browserCurve(): Promise<Curve25519 | undefined> {
  try {
    await crypto.subtle.generateKey(X25519, false, ['deriveBits'])
    await crypto.subtle.generateKey(ED25519, false, ['sign', 'verify'])
    return webCryptoCurve
  } catch {
    return undefined
  }
}

const webCryptoCurve: Curve25519 = {
  async agree(privateKey, publicKey) {
    checkKeys(privateKey, publicKey)
    const raw = Uint8Array.from(publicKey.subarray(1))
    try {
      const [ours, theirs] = await Promise.all([
        crypto.subtle.importKey('pkcs8', pkcs8('X25519', privateKey), X25519, false, [
          'deriveBits',
        ]),
        crypto.subtle.importKey('raw', raw, X25519, false, []),
      ])
      const secret = await crypto.subtle.deriveBits({ ...X25519, public: theirs }, ours, 256)
      return new Uint8Array(secret)
    } catch (cause) {
      throw noSecret(cause)
    }
  },
  async verify(publicKey, message, signature) {
    if (!isCanonicalKey(publicKey) || signature.length !== 64) return false
    const raw = Uint8Array.from(publicKey)
    const [signed, data] = [Uint8Array.from(signature), Uint8Array.from(message)]
    try {
      const key = await crypto.subtle.importKey('raw', raw, ED25519, false, ['verify'])
      return await crypto.subtle.verify(ED25519, key, signed, data)
    } catch {
      return false
    }
  },
  async sign(seed, message) {
    checkSeed(seed)
    const der = pkcs8('Ed25519', seed)
    const key = await crypto.subtle.importKey('pkcs8', der, ED25519, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign(ED25519, key, Uint8Array.from(message)))
  },
}
