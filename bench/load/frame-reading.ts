/**
 * Reads the hot frames of the server by hand, for the same reason as frames.ts writes them so, and
 * held against @parley/wire by the same test.
 */

/** A piece of the bytes that are read; good as long as those are. */
type Range = readonly [from: number, to: number]

/** What the load client wants of an entry. */
export interface SeenEntry {
  kind: 'message' | 'receipt' | 'other'
  log: Range
  position: number
  prev: number
  /** Of the message; of a receipt the delivered watermark. */
  sequence: number
  /** First four bytes of the message id. */
  number: number
  /** Account of the message's sender or of the receipt's reader. */
  account: Range
  senderDevice: Range
  ciphertext: Range
}

const nowhere: Range = [0, 0]

/** Reads protobuf fields without building objects. */
class FieldReader {
  readonly bytes: Uint8Array
  at: number
  readonly end: number

  constructor(bytes: Uint8Array, [from, to]: Range) {
    this.bytes = bytes
    this.at = from
    this.end = to
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

  range(): Range {
    const length = this.varint()
    const from = this.at
    this.at += length
    return [from, this.at]
  }

  uint32At([from]: Range): number {
    const { bytes } = this
    return new DataView(bytes.buffer, bytes.byteOffset + from).getUint32(0)
  }
}

/** The only field of the frame, without its tag. */
function frameOf(bytes: Uint8Array, from: number, to: number): FieldReader {
  return new FieldReader(bytes, new FieldReader(bytes, [from + 1, to]).range())
}

/** Reads an Entry frame (its first byte is frameTag.entry). */
export function readEntry(bytes: Uint8Array, from: number, to: number): SeenEntry {
  const entry = frameOf(bytes, from, to)
  const seen: SeenEntry = {
    kind: 'other',
    log: nowhere,
    position: 0,
    prev: 0,
    sequence: 0,
    number: 0,
    account: nowhere,
    senderDevice: nowhere,
    ciphertext: nowhere,
  }
  while (entry.at < entry.end) {
    const tag = entry.varint()
    if (tag === 0x10) seen.position = entry.varint()
    else if (tag === 0x18) seen.prev = entry.varint()
    else {
      const field = entry.range()
      if (tag === 0x0a) seen.log = field
      else if (tag === 0x22) readMessage(new FieldReader(bytes, field), seen)
      else if (tag === 0x2a) readReceipt(new FieldReader(bytes, field), seen)
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
      const field = message.range()
      if (tag === 0x0a) seen.account = field
      else if (tag === 0x12) seen.senderDevice = field
      else if (tag === 0x22) seen.number = message.uint32At(field)
      else if (tag === 0x32) readEnvelope(new FieldReader(message.bytes, field), seen)
    }
  }
}

function readEnvelope(envelope: FieldReader, seen: SeenEntry): void {
  while (envelope.at < envelope.end) {
    const tag = envelope.varint()
    if (tag === 0x10) envelope.varint()
    else {
      const field = envelope.range()
      if (tag === 0x1a) seen.ciphertext = field
    }
  }
}

function readReceipt(receipt: FieldReader, seen: SeenEntry): void {
  seen.kind = 'receipt'
  while (receipt.at < receipt.end) {
    const tag = receipt.varint()
    if (tag === 0x18) seen.sequence = receipt.varint()
    else if (tag === 0x20) receipt.varint()
    else {
      const field = receipt.range()
      if (tag === 0x0a) seen.account = field
    }
  }
}

/** A place in a log, as Accepted and CaughtUp frames have it. */
export interface SeenPlace {
  log: Range
  /** Accepted: the sequence up to which all is taken. CaughtUp: the position. */
  upTo: number
}

/** Reads an Accepted or a CaughtUp frame. */
export function readPlace(bytes: Uint8Array, from: number, to: number): SeenPlace {
  const frame = frameOf(bytes, from, to)
  const seen: SeenPlace = { log: nowhere, upTo: 0 }
  while (frame.at < frame.end) {
    const tag = frame.varint()
    if (tag === 0x0a) seen.log = frame.range()
    else if (tag === 0x10) seen.upTo = frame.varint()
    else frame.varint()
  }
  return seen
}
