/**
 * A client that says what no client would: bytes on a TCP connection, and WebSocket frames made by
 * hand (RFC 6455 §5.2). It reads only as long as it is told to.
 */
import { connect, type Socket } from 'node:net'
import { decodeServerFrame, type ServerFrame } from '@parley/wire'

/** Patience of a test, not of the server. */
const waitMsMax = 120_000
const keptBytesMax = 8 * 1024 * 1024

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameOptions {
  opcode?: number
  /** More fragments of the message follow. */
  unfinished?: boolean
  /** What the header announces; the payload's length unless told. */
  announcedBytes?: number
  unmasked?: boolean
}

/** The mask is zero, so that the payload stands as it is. */
export function webSocketFrame(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { opcode = opcodes.binary, unfinished = false, unmasked = false } = options
  const length = options.announcedBytes ?? payload.length
  const masked = unmasked ? 0 : 0x80
  const head = [(unfinished ? 0 : 0x80) | opcode]
  const wide = Buffer.alloc(8)
  wide.writeBigUInt64BE(BigInt(length))
  if (length < 126) head.push(masked | length)
  else if (length < 0x1_0000) head.push(masked | 126, ...wide.subarray(6))
  else head.push(masked | 127, ...wide)
  if (!unmasked) head.push(0, 0, 0, 0)
  return Buffer.concat([Buffer.from(head), payload])
}

export class RawSocket implements AsyncDisposable {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  receivedBytes = 0
  #ended = false
  #waiting: (() => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.receivedBytes += bytes.length
      this.#received = Buffer.concat([this.#received, bytes]).subarray(0, keptBytesMax)
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  static async open(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const opened = new RawSocket(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return opened
  }

  /** A connection that has become a WebSocket. */
  static async upgraded(
    url: string,
    headers: readonly string[] = [],
    query = '',
  ): Promise<RawSocket> {
    const socket = await RawSocket.open(url)
    const lines = [
      `GET /v1/socket${query} HTTP/1.1`,
      `host: ${new URL(url).host}`,
      'upgrade: websocket',
      'connection: upgrade',
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-version: 13',
      'sec-websocket-protocol: parley.v1',
      ...headers,
    ]
    await socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    await socket.until(() => socket.text.includes('\r\n\r\n'))
    return socket
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What came, as Latin-1. */
  get text(): string {
    return this.#received.toString('latin1')
  }

  /** Of the first HTTP answer; undefined when there is none. */
  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.text)?.[1]
    return status === undefined ? undefined : Number(status)
  }

  /** Resolves when the machine has taken the bytes, or the connection is gone. */
  write(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended || !this.#socket.writable) return resolve()
      const gone = () => resolve()
      this.#socket.once('close', gone)
      this.#socket.write(bytes, () => {
        this.#socket.off('close', gone)
        resolve()
      })
    })
  }

  /** The same few bytes again and again, until the connection is gone. */
  drip(bytes: string, everyMs: number): void {
    const timer = setInterval(() => {
      if (this.#ended) clearInterval(timer)
      else void this.write(bytes)
    }, everyMs)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  async until(isSo: () => boolean, whatFor = 'the answer'): Promise<void> {
    let late = false
    const timer = AbortSignal.timeout(waitMsMax)
    timer.addEventListener('abort', () => {
      late = true
      this.#wake()
    })
    while (!isSo()) {
      if (late || this.#ended) {
        throw new Error(`${whatFor} did not come; got ${JSON.stringify(this.text.slice(-200))}`)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Resolves with the close code when the connection is gone; undefined when there was none. */
  async closed(): Promise<number | undefined> {
    this.resume()
    await this.until(() => this.#ended, 'the end of the connection')
    return this.#payloads().find(({ opcode }) => opcode === opcodes.close)?.code
  }

  /** The server's frames, decoded. */
  get frames(): ServerFrame[] {
    return this.#payloads()
      .filter(({ opcode }) => opcode === opcodes.binary)
      .map(({ payload }) => decodeServerFrame(payload))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return
    this.#socket.destroy()
    await this.until(() => this.#ended, 'the end of the connection')
  }

  #payloads(): { opcode: number; payload: Buffer; code: number | undefined }[] {
    const bytes = this.#received
    const found = []
    let at = bytes.indexOf('\r\n\r\n') + 4
    while (at + 2 <= bytes.length) {
      const opcode = (bytes[at] ?? 0) & 0x0f
      let length = (bytes[at + 1] ?? 0) & 0x7f
      at += 2
      if (length === 126) {
        length = bytes.readUInt16BE(at)
        at += 2
      } else if (length === 127) {
        length = Number(bytes.readBigUInt64BE(at))
        at += 8
      }
      if (at + length > bytes.length) break
      const payload = bytes.subarray(at, at + length)
      const code = opcode === opcodes.close && length >= 2 ? payload.readUInt16BE(0) : undefined
      found.push({ opcode, payload, code })
      at += length
    }
    return found
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of waiting) run()
  }
}
