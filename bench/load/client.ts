/** The load client: raw TCP sockets that speak just enough WebSocket, one write per burst. */
import { encodeClientFrame } from '@parley/wire'
import type { ProvisionedUser } from '@parley/testkit'
import type { Socket } from 'bun'
import { frameTag, readEntry } from './frames.ts'
import type { SeenEntry } from './frames.ts'

export interface LoadEvents {
  entry(connection: LoadConnection, entry: SeenEntry): void
  rejected(connection: LoadConnection): void
  /** After each chunk from the server: whatever was queued meanwhile goes out in one write. */
  chunkRead(connection: LoadConnection): void
}

const upgraded = 'HTTP/1.1 101'

export class LoadConnection {
  readonly user: ProvisionedUser
  socket: Socket<LoadConnection> | undefined
  closed = false
  #waiting: Uint8Array | undefined
  #carry: Uint8Array | undefined
  #upgraded = false
  readonly #events: LoadEvents
  readonly #caughtUp: () => void

  constructor(user: ProvisionedUser, events: LoadEvents, caughtUp: () => void) {
    this.user = user
    this.#events = events
    this.#caughtUp = caughtUp
  }

  write(bytes: Uint8Array): void {
    if (this.closed) return
    if (this.#waiting) {
      this.#waiting = Buffer.concat([this.#waiting, bytes])
      return
    }
    const written = this.socket?.write(bytes) ?? 0
    if (written < bytes.length) this.#waiting = bytes.slice(Math.max(written, 0))
  }

  drained(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) this.write(waiting)
  }

  read(chunk: Uint8Array): void {
    let bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    this.#carry = undefined
    if (!this.#upgraded) {
      const text = Buffer.from(bytes).toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#carry = bytes.slice()
        return
      }
      if (!text.startsWith(upgraded)) throw new Error(`no upgrade: ${text.slice(0, 200)}`)
      this.#upgraded = true
      this.write(
        maskedMessage(
          encodeClientFrame({
            kind: 'hello',
            token: this.user.token,
            cursors: [],
            capabilities: [],
          }),
        ),
      )
      bytes = bytes.subarray(end + 4)
    }
    const rest = this.#readMessages(bytes)
    if (rest.length > 0) this.#carry = rest.slice()
    this.#events.chunkRead(this)
  }

  /** Handles whole WebSocket messages; returns what is left. */
  #readMessages(bytes: Uint8Array): Uint8Array {
    let at = 0
    while (at + 2 <= bytes.length) {
      const short = (bytes[at + 1] ?? 0) & 127
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + head > bytes.length) break
      const view = new DataView(bytes.buffer, bytes.byteOffset + at)
      const size = short < 126 ? short : short === 126 ? view.getUint16(2) : view.getUint32(6)
      if (at + head + size > bytes.length) break
      if (((bytes[at] ?? 0) & 15) === 2) this.#handle(bytes, at + head, at + head + size)
      at += head + size
    }
    return bytes.subarray(at)
  }

  #handle(bytes: Uint8Array, from: number, to: number): void {
    switch (bytes[from]) {
      case frameTag.entry:
        this.#events.entry(this, readEntry(bytes, from, to))
        break
      case frameTag.rejected:
        this.#events.rejected(this)
        break
      case frameTag.caughtUp:
        this.#caughtUp()
        break
      default:
    }
  }
}

function maskedMessage(payload: Uint8Array): Uint8Array {
  const head =
    payload.length < 126
      ? [0x82, 0x80 | payload.length]
      : [0x82, 0x80 | 126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Uint8Array.from([...head, 0, 0, 0, 0]), payload])
}

const upgradeRequest = (port: number) =>
  [
    'GET /v1/socket HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: parley.v1',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n')

export class LoadClient {
  readonly connections: LoadConnection[] = []
  /** Sockets that the server closed. */
  lost = 0
  readonly #port: number
  readonly #events: LoadEvents

  constructor(port: number, events: LoadEvents) {
    this.#port = port
    this.#events = events
  }

  /** Resolves when the server says that the user has caught up. */
  async connect(user: ProvisionedUser): Promise<LoadConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const connection = new LoadConnection(user, this.#events, resolve)
    const lose = (reason: string) => {
      if (connection.closed) return
      connection.closed = true
      this.lost++
      reject(new Error(reason))
    }
    await Bun.connect<LoadConnection>({
      hostname: '127.0.0.1',
      port: this.#port,
      data: connection,
      socket: {
        open: (socket) => {
          connection.socket = socket
          socket.setNoDelay(true)
          connection.write(Buffer.from(upgradeRequest(this.#port), 'latin1'))
        },
        data: (_, chunk) => connection.read(chunk),
        drain: () => connection.drained(),
        close: () => lose('the server closed the connection'),
        error: (_, error) => lose(error.message),
      },
    })
    await promise
    this.connections.push(connection)
    return connection
  }

  closeAll(): void {
    for (const connection of this.connections) {
      connection.closed = true
      connection.socket?.terminate()
    }
  }
}
