/**
 * Hot frames of the load client, written and read by hand: one process must load the server on the
 * machine that both share, so it may not cost what a real client costs. frames.test.ts holds them
 * against @parley/wire.
 */
import type { Outgoing } from './outgoing.ts'
import { bodyBytes } from './protocol.ts'

export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

export interface Recipient {
  /** 17 bytes. */
  log: Uint8Array
  device: Uint8Array
  listHash: Uint8Array
}

/** A field of bytes: tag, length, bytes. */
function bytesField(tag: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length >= 128) {
    return Uint8Array.of(tag, (bytes.length & 127) | 128, bytes.length >> 7, ...bytes)
  }
  return Uint8Array.of(tag, bytes.length, ...bytes)
}

/** The body of message `number` of a user: both numbers, then filler. */
export const bodyHeadBytes = 8
export const bodyFiller = Buffer.alloc(bodyBytes - bodyHeadBytes, 'a')

/** Writes Send frames from one user to one recipient; sequence, number and stamp vary. */
export class SendTemplate {
  readonly #log: Uint8Array
  /** The rest of the frame up to the body's number, and from there. */
  readonly #middle: Uint8Array
  readonly #tail: Uint8Array

  constructor(from: number, to: Recipient) {
    const body = Buffer.concat([new Uint8Array(bodyHeadBytes), bodyFiller])
    body.writeUInt32BE(from, 4)
    const type = Uint8Array.of(0x10, 2)
    const envelope = Buffer.concat([bytesField(0x0a, to.device), type, bytesField(0x1a, body)])
    const rest = Buffer.concat([bytesField(0x2a, to.listHash), bytesField(0x32, envelope)])
    this.#log = bytesField(0x0a, to.log)
    this.#middle = rest.subarray(0, rest.length - bodyBytes)
    this.#tail = rest.subarray(rest.length - bodyBytes + 4)
  }

  write(out: Outgoing, message: { sequence: number; number: number; stamp: number }): void {
    const { sequence, number, stamp } = message
    const varying = 1 + varintBytes(sequence) + 18 + 1 + varintBytes(stamp)
    const size = this.#log.length + varying + this.#middle.length + 4 + this.#tail.length
    out.beginMessage(1 + varintBytes(size) + size)
    out.putByte(0x12)
    out.putVarint(size)
    out.put(this.#log)
    out.putByte(0x10)
    out.putVarint(sequence)
    out.putByte(0x1a)
    out.putByte(16)
    out.putUint32(number)
    out.put(restOfMessageId)
    out.putByte(0x20)
    out.putVarint(stamp)
    out.put(this.#middle)
    out.putUint32(number)
    out.put(this.#tail)
  }
}

const restOfMessageId = new Uint8Array(12)

/** Ack of one's own inbox. */
export function writeAck(out: Outgoing, log: Uint8Array, position: number): void {
  const size = 2 + log.length + 1 + varintBytes(position)
  out.beginMessage(2 + size)
  out.putByte(0x1a)
  out.putByte(size)
  out.putByte(0x0a)
  out.putByte(log.length)
  out.put(log)
  out.putByte(0x10)
  out.putVarint(position)
}

/** Delivered watermark over what the peer's device sent. */
export function writeReceipt(
  out: Outgoing,
  receipt: { peer: Uint8Array; peerDevice: Uint8Array; delivered: number },
): void {
  const size = 18 + 18 + 1 + varintBytes(receipt.delivered)
  out.beginMessage(2 + size)
  out.putByte(0x22)
  out.putByte(size)
  out.putByte(0x0a)
  out.putByte(16)
  out.put(receipt.peer)
  out.putByte(0x12)
  out.putByte(16)
  out.put(receipt.peerDevice)
  out.putByte(0x18)
  out.putVarint(receipt.delivered)
}

export const frameTag = {
  welcome: 0x0a,
  accepted: 0x12,
  rejected: 0x1a,
  entry: 0x22,
  caughtUp: 0x2a,
  closing: 0x4a,
} as const
