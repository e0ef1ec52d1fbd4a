// Reads the bytes of a SPQR message or of a stored SPQR state from front to back, and refuses with a
// typed error whatever is too short, too long or not in its one right form.

import { CryptoError } from './errors.ts'

export interface Reader {
  byte(): number
  uint16(): number
  uint32(): number
  /** LEB128 of at most 32 bits, in its shortest form. */
  varint(): number
  /** A copy: what is read does not keep the input alive. */
  take(length: number): Uint8Array
  /** Refuses bytes that nobody has read. */
  end(): void
  fail(reason: string): CryptoError
}

const varintBytesMax = 5

export function reader(bytes: Uint8Array, code: 'invalid-message' | 'invalid-state'): Reader {
  let at = 0
  const fail = (reason: string) => new CryptoError(code, `Post-quantum ratchet: ${reason}.`)
  const byte = () => {
    const value = bytes[at++]
    if (value === undefined) throw fail('the bytes end too early')
    return value
  }
  const uint16 = () => byte() * 0x100 + byte()
  return {
    byte,
    uint16,
    uint32: () => uint16() * 0x10000 + uint16(),
    varint: () => {
      let value = 0
      for (let i = 0; i < varintBytesMax; i++) {
        const next = byte()
        value += (next & 0x7f) * 2 ** (7 * i)
        if (next >= 0x80) continue
        if ((next === 0 && i > 0) || value > 0xffff_ffff) break
        return value
      }
      throw fail('a number is out of range')
    },
    take: (length) => {
      const taken = bytes.slice(at, at + length)
      if (taken.length !== length) throw fail('the bytes end too early')
      at += length
      return taken
    },
    end: () => {
      if (at !== bytes.length) throw fail('there are bytes too many')
    },
    fail,
  }
}

export function uint16Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value)
}

export function uint32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

export function varintBytes(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
