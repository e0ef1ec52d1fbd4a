// AES-256-GCM by WebCrypto.

import { type AesGcm, checkKey, checkNonce, checkSealed, notSealed } from './aes-gcm.ts'

const NAME = 'AES-GCM'

/** The backend of this browser, or none where WebCrypto is kept back: then `nobleAesGcm` does. */
export function browserAesGcm(): AesGcm | undefined {
  return 'subtle' in crypto ? webCryptoAesGcm : undefined
}

const webCryptoAesGcm: AesGcm = async (key) => {
  checkKey(key)
  const raw = key.slice()
  const imported = await crypto.subtle.importKey('raw', raw, NAME, false, ['encrypt', 'decrypt'])
  return {
    async seal(nonce, plaintext) {
      checkNonce(nonce)
      const iv = nonce.slice()
      const sealed = await crypto.subtle.encrypt({ name: NAME, iv }, imported, plaintext.slice())
      return new Uint8Array(sealed)
    },
    async open(nonce, ciphertext) {
      checkSealed(nonce, ciphertext)
      const iv = nonce.slice()
      try {
        const opened = await crypto.subtle.decrypt({ name: NAME, iv }, imported, ciphertext.slice())
        return new Uint8Array(opened)
      } catch (cause) {
        throw notSealed(cause)
      }
    },
  }
}
