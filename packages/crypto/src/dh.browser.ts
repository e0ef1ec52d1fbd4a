// Diffie-Hellman by WebCrypto, where the browser has X25519.

import { pkcs8, spki } from './dh-der.ts'
import { CryptoError } from './errors.ts'
import type { DiffieHellman } from './keys.ts'

const ALGORITHM = { name: 'X25519' }

/** The backend of this browser, or none: then `nobleDh` does. */
export async function browserDh(): Promise<DiffieHellman | undefined> {
  try {
    await crypto.subtle.generateKey(ALGORITHM, false, ['deriveBits'])
    return webCryptoDh
  } catch {
    return undefined
  }
}

const webCryptoDh: DiffieHellman = async (privateKey, publicKey) => {
  const privateDer = pkcs8(privateKey)
  const publicDer = spki(publicKey)
  try {
    const [ours, theirs] = await Promise.all([
      crypto.subtle.importKey('pkcs8', privateDer, ALGORITHM, false, ['deriveBits']),
      crypto.subtle.importKey('spki', publicDer, ALGORITHM, false, []),
    ])
    const secret = await crypto.subtle.deriveBits({ ...ALGORITHM, public: theirs }, ours, 256)
    return new Uint8Array(secret)
  } catch (cause) {
    throw new CryptoError('invalid-key', 'no shared secret with this key', { cause })
  }
}
