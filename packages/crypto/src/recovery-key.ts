// The recovery key that the user writes down, and the account's root key pair that comes from it.
// Sixty random characters carry 300 bits; four more find a slip of the pen.

import { utf8 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { type KeyPair, keyPairFromSecret } from './keys.ts'
import { drawn, hkdfSha256, type RandomBytes, sha256 } from './primitives.ts'

/** Crockford's base 32: no i, l, o or u, and who writes them means 1, 1 and 0. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const RANDOM_CHARACTERS = 60
const CHECK_CHARACTERS = 4
const ROOT_KEY_INFO = utf8('Parley root key 1')
const CHECK_LABEL = 'Parley recovery key check 1 '

/** 64 characters of Crockford's base 32 in lower case, without groups. Ours alone: no standard. */
export function newRecoveryKey(random: RandomBytes): string {
  const body = toCharacters(drawn(random, RANDOM_CHARACTERS))
  return body + checkOf(body)
}

/** The key in its one spelling, from what a person typed; undefined when it cannot be one. */
export function parseRecoveryKey(text: string): string | undefined {
  const key = text
    .toLowerCase()
    .replaceAll(/[\s\p{Dash}]/gu, '')
    .replaceAll(/[il]/g, '1')
    .replaceAll('o', '0')
  if (key.length !== RANDOM_CHARACTERS + CHECK_CHARACTERS) return undefined
  if ([...key].some((character) => !ALPHABET.includes(character))) return undefined
  const body = key.slice(0, RANDOM_CHARACTERS)
  return key.slice(RANDOM_CHARACTERS) === checkOf(body) ? key : undefined
}

/** The key pair that signs the account's device lists. Throws `invalid-key` for no recovery key. */
export function rootKeyPair(recoveryKey: string): KeyPair {
  const key = parseRecoveryKey(recoveryKey)
  if (key === undefined) throw new CryptoError('invalid-key', 'not a recovery key')
  const secret = utf8(key)
  return keyPairFromSecret(hkdfSha256({ secret, salt: undefined, info: ROOT_KEY_INFO, length: 32 }))
}

function checkOf(body: string): string {
  return toCharacters(sha256(utf8(CHECK_LABEL + body)).subarray(0, CHECK_CHARACTERS))
}

/** Five bits of each byte: 256 is a multiple of 32, so every character is as likely as another. */
function toCharacters(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => ALPHABET.charAt(byte % 32)).join('')
}
