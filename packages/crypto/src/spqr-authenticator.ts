// The authenticator of the ML-KEM Braid: MACs over headers and ciphertexts, under a key that
// carries on from the session's first secret through every epoch, so that nobody can slip in keys
// of theirs.

import { concatBytes, equalBytes, utf8 } from './bytes.ts'
import { hkdfSha256, hmacSha256 } from './primitives.ts'

export const MAC_BYTES = 32

const UPDATE_LABEL = utf8('Signal_PQCKA_V1_MLKEM768:Authenticator Update')
const HEADER_LABEL = utf8('Signal_PQCKA_V1_MLKEM768:ekheader')
const CIPHERTEXT_LABEL = utf8('Signal_PQCKA_V1_MLKEM768:ciphertext')
const EPOCH_SECRET_LABEL = utf8('Signal_PQCKA_V1_MLKEM768:SCKA Key')

export interface Authenticator {
  root: Uint8Array
  macKey: Uint8Array
}

export interface Authenticated {
  epoch: number
  content: Uint8Array
  mac: Uint8Array
}

export function startAuthenticator(authKey: Uint8Array): Authenticator {
  return updateAuthenticator({ root: new Uint8Array(32), macKey: authKey }, 1, authKey)
}

/** The specification uses the root as the salt; the wire has it in front of the secret. */
export function updateAuthenticator(
  { root }: Authenticator,
  epoch: number,
  secret: Uint8Array,
): Authenticator {
  const derived = hkdfSha256({
    secret: concatBytes(root, secret),
    salt: undefined,
    info: concatBytes(UPDATE_LABEL, epochBytes(epoch)),
    length: 64,
  })
  return { root: derived.slice(0, 32), macKey: derived.slice(32) }
}

/** What both sides make of the shared secret of the KEM. */
export function epochSecretOf(sharedSecret: Uint8Array, epoch: number): Uint8Array {
  const info = concatBytes(EPOCH_SECRET_LABEL, epochBytes(epoch))
  return hkdfSha256({ secret: sharedSecret, salt: undefined, info, length: 32 })
}

export function headerMac(auth: Authenticator, epoch: number, header: Uint8Array): Uint8Array {
  return hmacSha256(auth.macKey, concatBytes(HEADER_LABEL, epochBytes(epoch), header))
}

export function ciphertextMac(auth: Authenticator, epoch: number, ct: Uint8Array): Uint8Array {
  return hmacSha256(auth.macKey, concatBytes(CIPHERTEXT_LABEL, epochBytes(epoch), ct))
}

export function isHeaderMac(auth: Authenticator, { epoch, content, mac }: Authenticated): boolean {
  return equalBytes(headerMac(auth, epoch, content), mac)
}

export function isCiphertextMac(
  auth: Authenticator,
  { epoch, content, mac }: Authenticated,
): boolean {
  return equalBytes(ciphertextMac(auth, epoch, content), mac)
}

function epochBytes(epoch: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(epoch))
  return bytes
}
