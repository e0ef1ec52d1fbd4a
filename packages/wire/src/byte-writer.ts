/**
 * Writes protobuf messages from their end to their start, so that the length of what is nested is
 * known when it is due: fields are given in reverse order. One buffer serves all; `finish` copies
 * out of it.
 */
import { accountOfInbox, writeAccountId, writeHexId } from './ids.ts'
import type { AccountId, DeviceId, LogId, MessageId } from './ids.ts'

const startBytes = 64 * 1024
/** A larger buffer is not kept for the next message. */
const keptBytesMax = 256 * 1024
const inboxKind = 1
const encoder = new TextEncoder()

export class ByteWriter {
  #bytes = new Uint8Array(startBytes)
  #at = startBytes

  begin(): this {
    if (this.#bytes.length > keptBytesMax) this.#bytes = new Uint8Array(startBytes)
    this.#at = this.#bytes.length
    return this
  }

  finish(): Uint8Array {
    return this.#bytes.slice(this.#at)
  }

  /** To be given to `nested` when the fields of the nested message are written. */
  mark(): number {
    return this.#bytes.length - this.#at
  }

  nested(field: number, mark: number): void {
    this.#varint(this.mark() - mark)
    this.#varint(field * 8 + 2)
  }

  /** Left out when 0, as all fields are that hold nothing. */
  uint(field: number, value: number): void {
    if (value !== 0) this.uintAlways(field, value)
  }

  uintAlways(field: number, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a number of the wire')
    this.#varint(value)
    this.#varint(field * 8)
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0)
  }

  text(field: number, value: string): void {
    this.view(field, encoder.encode(value))
  }

  view(field: number, value: Uint8Array): void {
    if (value.length > 0) this.viewAlways(field, value)
  }

  viewAlways(field: number, value: Uint8Array): void {
    this.raw(value)
    this.#varint(value.length)
    this.#varint(field * 8 + 2)
  }

  /** Bytes that are encoded already. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#at -= value.length
    this.#bytes.set(value, this.#at)
  }

  account(field: number, id: AccountId): void {
    this.#reserve(16)
    this.#at -= 16
    writeAccountId(id, this.#bytes, this.#at)
    this.#varint(16)
    this.#varint(field * 8 + 2)
  }

  id(field: number, id: DeviceId | MessageId): void {
    this.#reserve(16)
    this.#at -= 16
    writeHexId(id, this.#bytes, this.#at)
    this.#varint(16)
    this.#varint(field * 8 + 2)
  }

  log(field: number, id: LogId): void {
    this.#reserve(17)
    this.#at -= 17
    this.#bytes[this.#at] = inboxKind
    writeAccountId(accountOfInbox(id), this.#bytes, this.#at + 1)
    this.#varint(17)
    this.#varint(field * 8 + 2)
  }

  #varint(value: number): void {
    this.#reserve(8)
    let length = 1
    for (let rest = value; rest >= 128; rest /= 128) length++
    this.#at -= length
    let at = this.#at
    let rest = value
    for (; length > 1; length--) {
      this.#bytes[at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[at] = rest
  }

  #reserve(length: number): void {
    if (length <= this.#at) return
    const written = this.#bytes.length - this.#at
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, written + length))
    grown.set(this.#bytes.subarray(this.#at), grown.length - written)
    this.#at = grown.length - written
    this.#bytes = grown
  }
}
