// AES-256-GCM by node:crypto, for Bun and Node.

import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { type AesGcm, checkKey, checkNonce, checkSealed, notSealed, TAG_BYTES } from './aes-gcm.ts'
import { concatBytes } from './bytes.ts'

const ALGORITHM = 'aes-256-gcm'

export const bunAesGcm: AesGcm = async (key) => {
  checkKey(key)
  const secret = createSecretKey(key)
  return {
    async seal(nonce, plaintext) {
      checkNonce(nonce)
      const cipher = createCipheriv(ALGORITHM, secret, nonce)
      const parts = [cipher.update(plaintext), cipher.final()]
      return concatBytes(...parts, cipher.getAuthTag())
    },
    async open(nonce, ciphertext) {
      checkSealed(nonce, ciphertext)
      const cipher = createDecipheriv(ALGORITHM, secret, nonce, { authTagLength: TAG_BYTES })
      cipher.setAuthTag(ciphertext.subarray(-TAG_BYTES))
      const plaintext = cipher.update(ciphertext.subarray(0, -TAG_BYTES))
      try {
        return concatBytes(plaintext, cipher.final())
      } catch (cause) {
        throw notSealed(cause)
      }
    },
  }
}
