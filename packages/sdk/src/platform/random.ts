/** The CSPRNG of the machine, behind the port, and the refusal to start without one (E24). */
import { parleyError } from '../problems.ts'
import type { RandomBytes } from './ports.ts'

/** `getRandomValues` fills no more at once. */
const fillBytesMax = 65_536
const probeBytes = 32

export const systemRandom: RandomBytes = (length) => {
  const bytes = new Uint8Array(length)
  for (let start = 0; start < length; start += fillBytesMax) {
    crypto.getRandomValues(bytes.subarray(start, start + fillBytesMax))
  }
  return bytes
}

/** E24: throws ParleyError `no-crypto` when the generator is missing or repeats itself. */
export function requireRandom(random: RandomBytes): void {
  if (!givesRandomness(random)) throw parleyError('no-crypto')
}

function givesRandomness(random: RandomBytes): boolean {
  try {
    const [first, second] = [random(probeBytes), random(probeBytes)]
    return (
      first.length === probeBytes &&
      second.length === probeBytes &&
      first.some((byte) => byte !== first[0]) &&
      first.some((byte, index) => byte !== second[index])
    )
  } catch {
    return false
  }
}

/** From this length on a repetition is a fault and no chance. */
const watchedBytes = 16

/**
 * E24: the generator, watched: one that breaks later throws ParleyError `no-crypto` instead of
 * giving the same bytes for two keys.
 */
export function watchedRandom(random: RandomBytes): RandomBytes {
  let last: Uint8Array | undefined
  return (length) => {
    const bytes = random(length)
    if (bytes.length !== length) throw parleyError('no-crypto')
    if (length < watchedBytes) return bytes
    const before = last
    last = bytes.slice(0, watchedBytes)
    const isRepeated = before !== undefined && last.every((byte, index) => byte === before[index])
    if (isRepeated || last.every((byte) => byte === bytes[0])) throw parleyError('no-crypto')
    return bytes
  }
}
