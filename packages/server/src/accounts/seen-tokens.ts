/**
 * Tokens whose signature was found good, by their hash: a device that comes back shows the same one
 * until it has to fetch another, and when a network comes back, thousands do at once. A table of a
 * fixed size, where a new one takes the place of another.
 */
import { hash } from 'node:crypto'

const slots = 32_768
const hashBytes = 32

export class SeenTokens {
  #table: Buffer | undefined

  has(hash: Buffer): boolean {
    const at = slotOf(hash)
    return this.#table?.compare(hash, 0, hashBytes, at, at + hashBytes) === 0
  }

  add(hash: Buffer): void {
    this.#table ??= Buffer.alloc(slots * hashBytes)
    this.#table.set(hash, slotOf(hash))
  }
}

/** SHA-256: nobody can make another token with the hash of one that was seen. */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

function slotOf(hash: Buffer): number {
  return (hash.readUInt32LE(0) % slots) * hashBytes
}
