/**
 * A TCP relay in front of a server that keeps every byte it carries, so that a test can look at
 * what went over the wire.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** One connection: what each side sent. */
export interface Carried {
  fromClient: Buffer
  fromServer: Buffer
}

export class RecordingRelay implements AsyncDisposable {
  readonly #listener: Server
  readonly #sockets = new Set<Socket>()
  readonly #connections: { fromClient: Buffer[]; fromServer: Buffer[] }[] = []

  private constructor(listener: Server) {
    this.#listener = listener
  }

  static async before(serverUrl: string): Promise<RecordingRelay> {
    const listener = createServer()
    const relay = new RecordingRelay(listener)
    const port = Number(new URL(serverUrl).port)
    listener.on('connection', (client) => relay.#carry(client, port))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get url(): string {
    const address = this.#listener.address()
    if (address === null || typeof address === 'string') throw new Error('the relay has ended')
    return `http://127.0.0.1:${address.port}`
  }

  carried(): Carried[] {
    return this.#connections.map(({ fromClient, fromServer }) => ({
      fromClient: Buffer.concat(fromClient),
      fromServer: Buffer.concat(fromServer),
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()))
  }

  #carry(client: Socket, port: number): void {
    const kept = { fromClient: [] as Buffer[], fromServer: [] as Buffer[] }
    this.#connections.push(kept)
    const server = connect(port, '127.0.0.1')
    client.on('data', (bytes) => kept.fromClient.push(Buffer.from(bytes)))
    server.on('data', (bytes) => kept.fromServer.push(Buffer.from(bytes)))
    client.pipe(server)
    server.pipe(client)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

const endOfHead = '\r\n\r\n'

/**
 * Head and body of the upgrade request or its answer; undefined: this connection is not a
 * WebSocket.
 */
function splitUpgrade(bytes: Buffer): { head: string; frames: Buffer } | undefined {
  const end = bytes.indexOf(endOfHead)
  const head = bytes.subarray(0, Math.max(0, end)).toString('latin1')
  if (!/^upgrade: *websocket/im.test(head)) return undefined
  return { head, frames: bytes.subarray(end + endOfHead.length) }
}

/**
 * The payloads of a side's frames, unmasked, one after the other. Throws when they could be
 * compressed.
 */
export function webSocketPayloads({ fromClient, fromServer }: Carried): Buffer[] | undefined {
  const asked = splitUpgrade(fromClient)
  const answered = splitUpgrade(fromServer)
  if (!asked || !answered) return undefined
  if (/^sec-websocket-extensions:/im.test(answered.head)) throw new Error('frames are compressed')
  return [payloads(asked.frames), payloads(answered.frames)]
}

function payloads(bytes: Buffer): Buffer {
  const unmasked: Buffer[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const second = bytes.readUInt8(at + 1)
    let length = second & 0x7f
    let next = at + 2
    if (length === 126) {
      length = bytes.readUInt16BE(next)
      next += 2
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(next))
      next += 8
    }
    const mask = second & 0x80 ? bytes.subarray(next, next + 4) : undefined
    next += mask?.length ?? 0
    const payload = Buffer.from(bytes.subarray(next, next + length))
    if (mask) payload.forEach((byte, index) => (payload[index] = byte ^ (mask[index % 4] ?? 0)))
    unmasked.push(payload)
    at = next + length
  }
  return Buffer.concat(unmasked)
}
