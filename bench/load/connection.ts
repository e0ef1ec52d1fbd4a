/** A raw TCP connection to a server under load: what the kernel does not take waits in order. */
import type { Socket } from 'bun'

export interface ConnectionEvents {
  opened(): void
  read(chunk: Uint8Array): void
  /** Once, and not after `close`. */
  closed(reason: string): void
}

/** Payload of all connections of this process, both ways: what a network would carry. */
let carriedBytes = 0

export function carried(): number {
  return carriedBytes
}

export class Connection {
  closed = false
  #socket: Socket | undefined
  #waiting: Uint8Array | undefined

  /** Resolves when it is open; rejects when it cannot be opened. */
  async open(port: number, events: ConnectionEvents): Promise<void> {
    const end = (reason: string) => {
      if (this.closed) return
      this.closed = true
      this.#waiting = undefined
      events.closed(reason)
    }
    await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => {
          this.#socket = socket
          socket.setNoDelay(true)
          events.opened()
        },
        data: (_, chunk) => {
          carriedBytes += chunk.length
          if (!this.closed) events.read(chunk)
        },
        drain: () => this.#drained(),
        close: () => end('the server closed the connection'),
        error: (_, error) => end(error.message),
      },
    })
  }

  /** Whoever calls may use the bytes again at once. */
  write(bytes: Uint8Array): void {
    if (this.closed) return
    carriedBytes += bytes.length
    if (this.#waiting) {
      this.#waiting = Buffer.concat([this.#waiting, bytes])
      return
    }
    const written = Math.max(this.#socket?.write(bytes) ?? 0, 0)
    if (written < bytes.length) this.#waiting = bytes.slice(written)
  }

  /** Drops it without a word. */
  close(): void {
    this.closed = true
    this.#waiting = undefined
    this.#socket?.terminate()
  }

  #drained(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (!waiting) return
    carriedBytes -= waiting.length
    this.write(waiting)
  }
}
