// AES-256-GCM by WebCrypto.

import { type AesGcm, checkKey, checkNonce, checkSealed, notSealed } from './aes-gcm.ts'

const NAME = 'AES-GCM'

/** The backend of this browser, or none where WebCrypto is kept back: then `nobleAesGcm` does. */
export function browserAesGcm(): AesGcm | undefined {
  return 'subtle' in crypto ? webCryptoAesGcm : undefined
}

const webCryptoAesGcm: AesGcm = async (key) => {
  checkKey(key)
  const raw = Uint8Array.from(key)
  const imported = await crypto.subtle.importKey('raw', raw, NAME, false, ['encrypt', 'decrypt'])
  return {
    async seal(nonce, plaintext) {
      checkNonce(nonce)
      const iv = Uint8Array.from(nonce)
      const sealed = await crypto.subtle.encrypt(
        { name: NAME, iv },
        imported,
        Uint8Array.from(plaintext),
      )
      return new Uint8Array(sealed)
    },
    async open(nonce, ciphertext) {
      checkSealed(nonce, ciphertext)
      const iv = Uint8Array.from(nonce)
      try {
        const opened = await crypto.subtle.decrypt(
          { name: NAME, iv },
          imported,
          Uint8Array.from(ciphertext),
        )
        return new Uint8Array(opened)
      } catch (cause) {
        throw notSealed(cause)
      }
    },
  }
}
