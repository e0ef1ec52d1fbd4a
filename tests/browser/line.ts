/**
 * One person's line to the server: a TCP relay on a port of its own that can be cut, since the
 * browser's own offline switch leaves open sockets alone.
 */
import type { Socket, TCPSocketListener } from 'bun'

interface End {
  other: Socket<End> | undefined
  /** What came before the other end stood, or what it could not take yet. */
  waiting: Buffer[]
}

export class Line implements Disposable {
  readonly #listener: TCPSocketListener<End>
  readonly #ends = new Set<Socket<End>>()
  #serverPort: number
  #cut = false

  constructor(serverUrl: string) {
    this.#serverPort = Number(new URL(serverUrl).port)
    this.#listener = Bun.listen<End>({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { other: undefined, waiting: [] }
          this.#ends.add(socket)
          if (this.#cut) socket.terminate()
          else this.#reach(socket)
        },
        data: (socket, bytes) => forward(socket.data, bytes),
        drain: (socket) => flush(socket),
        close: (socket) => this.#closed(socket),
        error: (socket) => this.#closed(socket),
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.port}`
  }

  /** Nothing gets through, and what was open is torn. */
  cut(): void {
    this.#cut = true
    for (const socket of this.#ends) socket.terminate()
    this.#ends.clear()
  }

  mend(): void {
    this.#cut = false
  }

  [Symbol.dispose](): void {
    this.cut()
    this.#listener.stop(true)
  }

  #reach(near: Socket<End>): void {
    Bun.connect<End>({
      hostname: '127.0.0.1',
      port: this.#serverPort,
      data: { other: near, waiting: [] },
      socket: {
        open: (far) => {
          this.#ends.add(far)
          const early = near.data.waiting
          near.data.other = far
          near.data.waiting = []
          for (const bytes of early) forward(near.data, bytes)
        },
        data: (far, bytes) => forward(far.data, bytes),
        drain: (far) => flush(far),
        close: (far) => this.#closed(far),
        error: (far) => this.#closed(far),
        connectError: () => near.terminate(),
      },
    }).catch(() => near.terminate())
  }

  #closed(socket: Socket<End>): void {
    this.#ends.delete(socket)
    socket.data.other?.end()
  }
}

function forward(from: End, bytes: Buffer): void {
  const { other } = from
  if (!other) {
    from.waiting.push(Buffer.from(bytes))
    return
  }
  other.data.waiting.push(Buffer.from(bytes))
  flush(other)
}

/** Writes what waits for this socket, as far as it takes it. */
function flush(socket: Socket<End>): void {
  const { waiting } = socket.data
  for (;;) {
    const bytes = waiting[0]
    if (!bytes || !socket.data.other) return
    const written = Math.max(0, socket.write(bytes))
    if (written < bytes.length) {
      waiting[0] = bytes.subarray(written)
      return
    }
    waiting.shift()
  }
}
