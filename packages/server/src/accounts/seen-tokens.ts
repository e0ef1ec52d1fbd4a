/**
 * Tokens whose signature was found good, by their hash: a device that comes back shows the same one
 * until it has to fetch another, and when a network comes back, thousands do at once. A table of a
 * fixed size, where a new one takes the place of another.
 */
import { hash } from 'node:crypto'

const pairs = 16_384
const hashBytes = 16

export class SeenTokens {
  /** Each hash has two places; the newer one is in the first. */
  #table: Buffer | undefined

  has(hash: Buffer): boolean {
    const at = placeOf(hash)
    return this.#isAt(hash, at) || this.#isAt(hash, at + hashBytes)
  }

  add(hash: Buffer): void {
    this.#table ??= Buffer.alloc(2 * pairs * hashBytes)
    const at = placeOf(hash)
    this.#table.copyWithin(at + hashBytes, at, at + hashBytes)
    this.#table.set(hash, at)
  }

  #isAt(hash: Buffer, at: number): boolean {
    return this.#table?.compare(hash, 0, hashBytes, at, at + hashBytes) === 0
  }
}

/** Half of a SHA-256: 2^128 tries to find a token with the hash of a given one. */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer').subarray(0, hashBytes)
}

function placeOf(hash: Buffer): number {
  return 2 * (hash.readUInt32LE(0) % pairs) * hashBytes
}
