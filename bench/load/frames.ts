/**
 * Hot frames of the load client, written and read by hand: one process must load the server on the
 * machine that both share, so it may not cost what a real client costs. frames.test.ts holds them
 * against @parley/wire.
 */

/**
 * A growing run of WebSocket messages for one write to a socket, masked with key 0 so that payload
 * bytes stay as they are.
 */
export class Outgoing {
  bytes = new Uint8Array(1 << 20)
  length = 0

  /** Starts a message of a known payload size; the payload follows. */
  begin(payloadBytes: number): void {
    this.reserve(payloadBytes + 14)
    const { bytes } = this
    bytes[this.length++] = 0x82
    if (payloadBytes < 126) {
      bytes[this.length++] = 0x80 | payloadBytes
    } else {
      bytes[this.length++] = 0x80 | 126
      bytes[this.length++] = payloadBytes >> 8
      bytes[this.length++] = payloadBytes & 255
    }
    bytes.fill(0, this.length, this.length + 4)
    this.length += 4
  }

  put(part: Uint8Array): void {
    this.bytes.set(part, this.length)
    this.length += part.length
  }

  putByte(byte: number): void {
    this.bytes[this.length++] = byte
  }

  putVarint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.length++] = rest
  }

  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length)
    this.length = 0
    return taken
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return
    const larger = new Uint8Array(this.bytes.length * 2 + bytes)
    larger.set(this.bytes)
    this.bytes = larger
  }
}

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

/** Writes Send frames of one size to one recipient; sequence, message id and stamp vary. */
export class SendTemplate {
  readonly #log: Uint8Array
  readonly #tail: Uint8Array
  readonly #messageId = new Uint8Array(16)
  readonly #messageIdView = new DataView(this.#messageId.buffer)

  constructor(to: Recipient, body: Uint8Array) {
    const type = Uint8Array.of(0x10, 2)
    const envelope = Buffer.concat([bytesField(0x0a, to.device), type, bytesField(0x1a, body)])
    this.#log = bytesField(0x0a, to.log)
    this.#tail = Buffer.concat([bytesField(0x2a, to.listHash), bytesField(0x32, envelope)])
  }

  write(out: Outgoing, message: { sequence: number; number: number; stamp: number }): void {
    const { sequence, number, stamp } = message
    const varying = 1 + varintBytes(sequence) + 18 + 1 + varintBytes(stamp)
    const size = this.#log.length + varying + this.#tail.length
    out.begin(1 + varintBytes(size) + size)
    out.putByte(0x12)
    out.putVarint(size)
    out.put(this.#log)
    out.putByte(0x10)
    out.putVarint(sequence)
    this.#messageIdView.setUint32(0, number)
    out.putByte(0x1a)
    out.putByte(16)
    out.put(this.#messageId)
    out.putByte(0x20)
    out.putVarint(stamp)
    out.put(this.#tail)
  }
}

/** Ack of one's own inbox. */
export function writeAck(out: Outgoing, log: Uint8Array, position: number): void {
  const size = 2 + log.length + 1 + varintBytes(position)
  out.begin(2 + size)
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
  out.begin(2 + size)
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

/** What the load client wants of an entry. */
export interface SeenEntry {
  kind: 'message' | 'receipt' | 'other'
  position: number
  /** Of the message; of a receipt the delivered watermark. */
  sequence: number
  /** First four bytes of the message id. */
  number: number
  sender: Uint8Array
  senderDevice: Uint8Array
}

/** Reads protobuf fields without building objects. */
class FieldReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }

  /** The field's bytes as [from, to). */
  range(): [number, number] {
    const length = this.varint()
    const from = this.at
    this.at += length
    return [from, this.at]
  }
}

/** Reads an Entry frame (its first byte is frameTag.entry). */
export function readEntry(bytes: Uint8Array, from: number, to: number): SeenEntry {
  const frame = new FieldReader(bytes, from + 1, to)
  const [start, end] = frame.range()
  const entry = new FieldReader(bytes, start, end)
  const none = bytes.subarray(0, 0)
  const seen: SeenEntry = {
    kind: 'other',
    position: 0,
    sequence: 0,
    number: 0,
    sender: none,
    senderDevice: none,
  }
  while (entry.at < end) {
    const tag = entry.varint()
    if (tag === 0x10) seen.position = entry.varint()
    else if (tag === 0x18) entry.varint()
    else {
      const [fieldStart, fieldEnd] = entry.range()
      if (tag === 0x22) readMessage(new FieldReader(bytes, fieldStart, fieldEnd), seen)
      else if (tag === 0x2a) readReceipt(new FieldReader(bytes, fieldStart, fieldEnd), seen)
    }
  }
  return seen
}

function readMessage(message: FieldReader, seen: SeenEntry): void {
  seen.kind = 'message'
  while (message.at < message.end) {
    const tag = message.varint()
    if (tag === 0x18) seen.sequence = message.varint()
    else if (tag === 0x28) message.varint()
    else {
      const [from, to] = message.range()
      if (tag === 0x0a) seen.sender = message.bytes.subarray(from, to)
      else if (tag === 0x12) seen.senderDevice = message.bytes.subarray(from, to)
      else if (tag === 0x22) {
        seen.number = new DataView(message.bytes.buffer, message.bytes.byteOffset + from).getUint32(
          0,
        )
      }
    }
  }
}

function readReceipt(receipt: FieldReader, seen: SeenEntry): void {
  seen.kind = 'receipt'
  while (receipt.at < receipt.end) {
    const tag = receipt.varint()
    if (tag === 0x18) seen.sequence = receipt.varint()
    else if (tag === 0x20) receipt.varint()
    else receipt.range()
  }
}
