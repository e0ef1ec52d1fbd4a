/**
 * Reads protobuf fields from bytes that came from outside. Whatever is not well-formed throws a
 * WireError.
 */
import { accountIdAt, deviceIdAt, logIdAt, messageIdAt } from './ids.ts'
import type { AccountId, DeviceId, LogId, MessageId } from './ids.ts'
import { WireError } from './wire-error.ts'

const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
const varintBytesMax = 10
const idBytes = 16
const logIdBytes = 17
/** A mark of byte order is a character like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteReader {
  readonly bytes: Uint8Array
  at: number
  end: number
  /** Number and wire type of the field that is next. */
  field = 0
  #type = 0

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false
    const tag = this.#varint()
    this.field = Math.floor(tag / 8)
    this.#type = tag & 7
    if (this.field === 0) throw new WireError('a field without a number')
    return true
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    switch (this.#type) {
      case wireType.varint:
        this.#skipVarint()
        return
      case wireType.fixed64:
        return this.#advance(8)
      case wireType.bytes:
        return this.#advance(this.#varint())
      case wireType.fixed32:
        return this.#advance(4)
      default:
        throw new WireError('an unknown type of field')
    }
  }

  /** A number that JavaScript holds exactly. */
  uint(): number {
    this.#expect(wireType.varint)
    return this.#varint()
  }

  uint32(): number {
    return this.uint() % 2 ** 32
  }

  bool(): boolean {
    return this.uint() !== 0
  }

  text(): string {
    try {
      return decoder.decode(this.view())
    } catch {
      throw new WireError('text that is not UTF-8')
    }
  }

  /** The bytes of the field, within what is being read. */
  view(): Uint8Array {
    const start = this.#enter()
    return this.bytes.subarray(start, this.at)
  }

  account(): AccountId {
    return accountIdAt(this.bytes, this.#enterId(idBytes, 'an account id'))
  }

  device(): DeviceId {
    return deviceIdAt(this.bytes, this.#enterId(idBytes, 'a device id'))
  }

  message(): MessageId {
    return messageIdAt(this.bytes, this.#enterId(idBytes, 'a message id'))
  }

  log(): LogId {
    return logIdAt(this.bytes, this.#enterId(logIdBytes, 'a log id'))
  }

  /** A reader of the message in the field. */
  nested(): ByteReader {
    const start = this.#enter()
    return new ByteReader(this.bytes, start, this.at)
  }

  /** Start of the field's bytes; `at` moves behind them. */
  #enter(): number {
    this.#expect(wireType.bytes)
    const length = this.#varint()
    const start = this.at
    this.#advance(length)
    return start
  }

  #enterId(length: number, what: string): number {
    const start = this.#enter()
    if (this.at - start !== length) throw new WireError(`${what} has ${length} bytes`)
    return start
  }

  #advance(length: number): void {
    if (length > this.end - this.at) throw new WireError('a field runs over the end')
    this.at += length
  }

  #expect(type: number): void {
    if (this.#type !== type) throw new WireError('a field of the wrong type')
  }

  #varint(): number {
    let value = 0
    let weight = 1
    for (let count = 0; count < varintBytesMax; count++) {
      if (this.at >= this.end) break
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 127) * weight
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw new WireError('a number is out of range')
        return value
      }
      weight *= 128
    }
    throw new WireError('a number that does not end')
  }

  /** A number of an unknown field may be larger than any of ours. */
  #skipVarint(): void {
    for (let count = 0; count < varintBytesMax && this.at < this.end; count++) {
      if ((this.bytes[this.at++] ?? 0) < 128) return
    }
    throw new WireError('a number that does not end')
  }
}
