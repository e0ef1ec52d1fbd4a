// Diffie-Hellman by node:crypto, about ten times as fast as the reference backend.

import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { pkcs8, spki } from './dh-der.ts'
import { CryptoError } from './errors.ts'
import type { DiffieHellman } from './keys.ts'

export const bunDh: DiffieHellman = async (privateKey, publicKey) => {
  const privateDer = Buffer.from(pkcs8(privateKey))
  const publicDer = Buffer.from(spki(publicKey))
  try {
    const secret = diffieHellman({
      privateKey: createPrivateKey({ key: privateDer, format: 'der', type: 'pkcs8' }),
      publicKey: createPublicKey({ key: publicDer, format: 'der', type: 'spki' }),
    })
    return new Uint8Array(secret)
  } catch (cause) {
    throw new CryptoError('invalid-key', 'no shared secret with this key', { cause })
  }
}
