/** Bearer secrets of accounts: made from the CSPRNG, kept as SHA-256, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { toBase64 } from '@parley/wire'
import type { RandomBytes } from '../clock.ts'

/** 256 bits, so a plain hash is enough: nobody can try them all. */
const secretBytes = 32

export function newSecret(random: RandomBytes): string {
  return toBase64(random(secretBytes))
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

/**
 * Hex of SHA-256 over the parts, each with its length before it so that no two lists of parts
 * coincide.
 */
export function hashOf(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('hex')
}

export function sameHash(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
