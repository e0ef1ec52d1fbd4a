// A reader and a writer of fixed-width fields: the form in which sessions are stored. Integers are
// big-endian. Whatever cannot be read is `invalid-state`.

import { CryptoError } from './errors.ts'

export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(expectedLength: number) {
    this.#bytes = new Uint8Array(expectedLength)
    this.#view = new DataView(this.#bytes.buffer)
  }

  uint8(value: number): void {
    const offset = this.#claim(1)
    this.#view.setUint8(offset, value)
  }

  uint32(value: number): void {
    const offset = this.#claim(4)
    this.#view.setUint32(offset, value)
  }

  float64(value: number): void {
    const offset = this.#claim(8)
    this.#view.setFloat64(offset, value)
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
    this.#view = new DataView(larger.buffer)
  }
}

/** Hands out views, not copies, of what it reads from. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  bytes(length: number): Uint8Array {
    const offset = this.#take(length)
    return this.#bytes.subarray(offset, offset + length)
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
