/**
 * The bytes that go out in one write: one growing buffer for all sessions of a protocol, since only
 * one session at a time has something queued.
 */
export class Outgoing {
  bytes = new Uint8Array(1 << 16)
  length = 0

  /** Makes room for so many bytes more. */
  reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return
    const larger = new Uint8Array(this.bytes.length * 2 + bytes)
    larger.set(this.bytes)
    this.bytes = larger
  }

  /** Starts a binary WebSocket message of a known payload size; the payload follows. */
  beginMessage(payloadBytes: number): void {
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
    // Masked with key 0, so that payload bytes stay as they are.
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

  putUint32(value: number): void {
    this.putByte(value >>> 24)
    this.putByte(value >>> 16)
    this.putByte(value >>> 8)
    this.putByte(value)
  }

  putVarint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.bytes[this.length++] = rest
  }

  /** All that was put; good until the next put. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length)
    this.length = 0
    return taken
  }
}
