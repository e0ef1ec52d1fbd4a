// Curve25519 by node:crypto, about ten times as fast as the reference; for Bun and Node.

import { createPrivateKey, createPublicKey, diffieHellman, sign } from 'node:crypto'
import { checkKeys, checkSeed, type Curve25519, noSecret } from './curve.ts'
import { pkcs8, spki } from './curve-der.ts'
import { verifyEd25519Natively } from './signatures.bun.ts'

const PRIVATE_DER = { format: 'der', type: 'pkcs8' } as const
const PUBLIC_DER = { format: 'der', type: 'spki' } as const

export const bunCurve: Curve25519 = {
  async agree(privateKey, publicKey) {
    checkKeys(privateKey, publicKey)
    const ours = Buffer.from(pkcs8('X25519', privateKey))
    const theirs = Buffer.from(spki('X25519', publicKey.subarray(1)))
    try {
      const secret = diffieHellman({
        privateKey: createPrivateKey({ key: ours, ...PRIVATE_DER }),
        publicKey: createPublicKey({ key: theirs, ...PUBLIC_DER }),
      })
      return new Uint8Array(secret)
    } catch (cause) {
      throw noSecret(cause)
    }
  },
  async verify(publicKey, message, signature) {
    return verifyEd25519Natively(publicKey, message, signature)
  },
  async sign(seed, message) {
    checkSeed(seed)
    const key = Buffer.from(pkcs8('Ed25519', seed))
    return new Uint8Array(sign(null, message, createPrivateKey({ key, ...PRIVATE_DER })))
  },
}
