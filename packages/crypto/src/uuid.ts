// UUIDs as text and as the 16 bytes in which messages carry them. Each has one spelling here, the
// one in lower case, so that two texts are the same id only when they are equal.

import { toHex } from './bytes.ts'
import { CryptoError } from './errors.ts'

export const UUID_BYTES = 16
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Where the hyphens of a UUID stand between its 32 digits. */
const GROUPS = [0, 8, 12, 16, 20, 32]

/** Throws `invalid-argument`. */
export function uuidBytes(text: string): Uint8Array {
  if (!UUID.test(text)) throw new CryptoError('invalid-argument', 'not a UUID in lower case')
  const digits = text.replaceAll('-', '')
  return Uint8Array.from({ length: UUID_BYTES }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  )
}

export function uuidText(bytes: Uint8Array): string {
  const digits = toHex(bytes)
  return GROUPS.slice(1)
    .map((end, i) => digits.slice(GROUPS[i], end))
    .join('-')
}
