// Padding of plaintexts, which hides their exact length: steps of 80 bytes up to 1,040 (the first
// step past 1 KiB), then Padmé, which lets slip no more than the magnitude and costs at most 6 %.

import { CryptoError } from './errors.ts'

const MARK = 0x80
const STEP_BYTES = 80
const STEPPED_BYTES_MAX = 1_040

/**
 * One byte 0x80 and then zeros: ISO/IEC 7816-4, as Signal's clients do, in other steps. Padmé is of
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs".
 */
export function pad(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(bytes.length + 1))
  padded.set(bytes)
  padded[bytes.length] = MARK
  return padded
}

/** Throws `invalid-message` for what `pad` did not make. */
export function unpad(padded: Uint8Array): Uint8Array {
  const end = padded.findLastIndex((byte) => byte !== 0)
  if (padded[end] !== MARK) throw new CryptoError('invalid-message', 'the padding is wrong')
  return padded.slice(0, end)
}

function paddedLength(length: number): number {
  if (length <= STEPPED_BYTES_MAX) return Math.ceil(length / STEP_BYTES) * STEP_BYTES
  const exponent = Math.floor(Math.log2(length))
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1)
  return Math.ceil(length / step) * step
}
