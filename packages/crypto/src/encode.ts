// A reader and a writer of fixed-width fields: the form in which sessions are stored. Integers are
// big-endian. Whatever cannot be read is `invalid-state`. A DataView would cost more than all the
// rest: engines then move a small array out to where both can see it.

import { CryptoError } from './errors.ts'

export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(expectedLength: number) {
    this.#bytes = new Uint8Array(expectedLength)
  }

  uint8(value: number): void {
    const offset = this.#claim(1)
    this.#bytes[offset] = value
  }

  uint32(value: number): void {
    const offset = this.#claim(4)
    writeUint32(this.#bytes, offset, value)
  }

  float64(value: number): void {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value)
    this.bytes(bytes)
  }

  bytes(value: Uint8Array): void {
    const offset = this.#claim(value.length)
    this.#bytes.set(value, offset)
  }

  prefixed(value: Uint8Array): void {
    this.uint32(value.length)
    this.bytes(value)
  }

  finish(): Uint8Array {
    if (this.#length === this.#bytes.length) return this.#bytes
    return this.#bytes.slice(0, this.#length)
  }

  #claim(length: number): number {
    const offset = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) this.#grow()
    return offset
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

/** Shorter fields are copied, which costs less than a view. */
const VIEW_BYTES_MIN = 256

/** What it hands out may be views of what it reads from. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = plain(bytes)
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] ?? 0
  }

  uint32(): number {
    return readUint32(this.#bytes, this.#take(4))
  }

  float64(): number {
    return new DataView(this.bytes(8).buffer).getFloat64(0)
  }

  bytes(length: number): Uint8Array {
    const offset = this.#take(length)
    const end = offset + length
    return length < VIEW_BYTES_MIN
      ? this.#bytes.slice(offset, end)
      : this.#bytes.subarray(offset, end)
  }

  prefixed(): Uint8Array {
    return this.bytes(this.uint32())
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) {
      throw new CryptoError('invalid-state', 'stored bytes go on after their end')
    }
  }

  #take(length: number): number {
    const offset = this.#offset
    if (length > this.#bytes.length - offset) {
      throw new CryptoError('invalid-state', 'stored bytes end too early')
    }
    this.#offset = offset + length
    return offset
  }
}

/** A Buffer of Node, which stores like to give back, is a Uint8Array whose slices are no copies. */
function plain(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Whether 32 bits hold it: ids and counters of the protocol have no more. */
export function isUint32(value: number): boolean {
  return value >>> 0 === value
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
  const low = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0)
  return ((high << 16) | low) >>> 0
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}
