/** The client's side of WebSocket (RFC 6455), no more of it than a load client needs. */
import { Connection } from './connection.ts'

export interface WebSocketEvents {
  upgraded(): void
  /** The payload of one binary message is bytes[from] to bytes[to - 1]; good during the call. */
  message(bytes: Uint8Array, from: number, to: number): void
  /** After each chunk once upgraded, when its whole messages were told. */
  chunkRead(): void
  /** Once, and not after `close`. */
  closed(reason: string): void
}

/** A server that offers this sends no fragments and no extensions. */
export interface WebSocketTarget {
  port: number
  path: string
  subprotocol: string | undefined
}

const [binary, closing] = [2, 8]
const upgraded = 'HTTP/1.1 101'
const headBytesMax = 16 * 1024

function upgradeRequest({ port, path, subprotocol }: WebSocketTarget): Uint8Array {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ]
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

export class WebSocketConnection {
  readonly #connection = new Connection()
  readonly #events: WebSocketEvents
  #carry: Uint8Array | undefined
  #upgraded = false

  constructor(events: WebSocketEvents) {
    this.#events = events
  }

  get closed(): boolean {
    return this.#connection.closed
  }

  open(target: WebSocketTarget): Promise<void> {
    return this.#connection.open(target.port, {
      opened: () => this.#connection.write(upgradeRequest(target)),
      read: (chunk) => this.#read(chunk),
      closed: (reason) => this.#events.closed(reason),
    })
  }

  /** Whole masked messages. */
  write(bytes: Uint8Array): void {
    this.#connection.write(bytes)
  }

  close(): void {
    this.#connection.close()
  }

  #read(chunk: Uint8Array): void {
    let bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    this.#carry = undefined
    if (!this.#upgraded) {
      const rest = this.#readUpgrade(bytes)
      if (!rest) return
      bytes = rest
    }
    const rest = this.#readMessages(bytes)
    if (rest.length > 0) this.#carry = rest.slice()
    this.#events.chunkRead()
  }

  /** What follows the answer; undefined while that is not whole, or when it was a refusal. */
  #readUpgrade(bytes: Uint8Array): Uint8Array | undefined {
    const text = Buffer.from(bytes.subarray(0, headBytesMax)).toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end < 0 && bytes.length < headBytesMax) {
      this.#carry = bytes.slice()
      return undefined
    }
    if (end < 0 || !text.startsWith(upgraded)) {
      this.#fail(`no upgrade: ${text.slice(0, 200)}`)
      return undefined
    }
    this.#upgraded = true
    this.#events.upgraded()
    return bytes.subarray(end + 4)
  }

  /** Handles whole WebSocket messages; returns what is left. */
  #readMessages(bytes: Uint8Array): Uint8Array {
    let at = 0
    while (at + 2 <= bytes.length) {
      const short = (bytes[at + 1] ?? 0) & 127
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + head > bytes.length) break
      const size = short < 126 ? short : sizeOf(bytes, at + 2, head - 2)
      if (at + head + size > bytes.length) break
      const operation = (bytes[at] ?? 0) & 15
      if (operation === binary) this.#events.message(bytes, at + head, at + head + size)
      else if (operation === closing) this.#fail('the server said that it closes')
      at += head + size
    }
    return bytes.subarray(at)
  }

  #fail(reason: string): void {
    if (this.closed) return
    this.close()
    this.#events.closed(reason)
  }
}

function sizeOf(bytes: Uint8Array, at: number, length: number): number {
  let size = 0
  for (let index = 0; index < length; index++) size = size * 256 + (bytes[at + index] ?? 0)
  return size
}
