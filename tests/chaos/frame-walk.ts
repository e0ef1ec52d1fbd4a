/**
 * Follows the WebSocket messages in one direction of a connection, chunk by chunk, and breaks one
 * when told to. What is broken is always such that the other side can know it: over TLS any flipped
 * bit is, and over plain TCP nothing protects an `Accepted` that became another valid one.
 *
 *   header      a bit of the first two bytes: opcode, reserved bits, mask, length
 *   frame       the wire type of the protobuf's first field: no frame of any version
 *   ciphertext  a bit of the last byte of an envelope, which stands last in a Send and in an Entry:
 *               the message opens nowhere, and its sender has to send it again (Y30)
 */

export type Mutilation = 'header' | 'frame' | 'ciphertext'

type Bytes = Uint8Array<ArrayBufferLike>

const headBytesMax = 14
const sendTag = 0x12
const entryTag = 0x22
/** Of an Entry with an envelope of a real client; receipts and notices are smaller. */
const envelopeFrameBytesMin = 200

export class FrameWalk {
  #wanted: Mutilation | undefined
  /** The HTTP head of the upgrade has passed. */
  #upgraded = false
  #headEnd = 0
  readonly #head = new Uint8Array(headBytesMax)
  #headLength = 0
  #payloadLeft = 0
  #payloadBytes = 0
  #mask: Bytes | undefined
  #first = 0
  /** How many were broken. */
  mutilated = 0

  /** Breaks the next message that is of the kind for it. */
  want(mutilation: Mutilation): void {
    this.#wanted = mutilation
  }

  /** Changes the chunk in place. */
  pass(chunk: Bytes): void {
    let at = this.#upgraded ? 0 : this.#passUpgrade(chunk)
    while (at < chunk.length) {
      at = this.#payloadLeft > 0 ? this.#passPayload(chunk, at) : this.#passHead(chunk, at)
    }
  }

  /** Where the upgrade ends in this chunk. */
  #passUpgrade(chunk: Bytes): number {
    const end = [13, 10, 13, 10]
    for (let at = 0; at < chunk.length; at++) {
      this.#headEnd =
        chunk[at] === end[this.#headEnd] ? this.#headEnd + 1 : chunk[at] === 13 ? 1 : 0
      if (this.#headEnd < end.length) continue
      this.#upgraded = true
      return at + 1
    }
    return chunk.length
  }

  #passHead(chunk: Bytes, at: number): number {
    this.#head[this.#headLength++] = chunk[at] ?? 0
    const short = (this.#head[1] ?? 0) & 127
    const masked = ((this.#head[1] ?? 0) & 128) !== 0
    const size = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
    const whole = this.#headLength < 2 ? 2 : size + (masked ? 4 : 0)
    // Broken where it passes: the header of what comes next on the same chunk.
    if (this.#wanted === 'header' && this.#headLength <= 2) {
      chunk[at] = (chunk[at] ?? 0) ^ (this.#headLength === 1 ? 0x40 : 0x80)
      this.#done()
    }
    if (this.#headLength < whole || this.#headLength < 2) return at + 1
    const view = new DataView(this.#head.buffer)
    this.#payloadBytes =
      short === 126 ? view.getUint16(2) : short === 127 ? Number(view.getBigUint64(2)) : short
    this.#payloadLeft = this.#payloadBytes
    this.#mask = masked ? this.#head.slice(size, size + 4) : undefined
    this.#headLength = 0
    return at + 1
  }

  #passPayload(chunk: Bytes, at: number): number {
    const taken = Math.min(this.#payloadLeft, chunk.length - at)
    if (this.#payloadLeft === this.#payloadBytes) {
      this.#first = (chunk[at] ?? 0) ^ (this.#mask?.[0] ?? 0)
      if (this.#wanted === 'frame') this.#flip(chunk, at, 0x01)
    }
    this.#payloadLeft -= taken
    const isEnvelope = this.#first === sendTag || this.#first === entryTag
    if (
      this.#wanted === 'ciphertext' &&
      this.#payloadLeft === 0 &&
      isEnvelope &&
      this.#payloadBytes >= envelopeFrameBytesMin
    ) {
      this.#flip(chunk, at + taken - 1, 0x10)
    }
    return at + taken
  }

  #flip(chunk: Bytes, at: number, bit: number): void {
    chunk[at] = (chunk[at] ?? 0) ^ bit
    this.#done()
  }

  #done(): void {
    this.#wanted = undefined
    this.mutilated++
  }
}
