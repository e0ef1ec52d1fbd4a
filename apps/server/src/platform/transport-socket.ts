/** Bun's WebSocket as the socket that the gateway works on. */
import type { FrameSocket } from '@parley/server'
import type { ServerWebSocket } from 'bun'

/** Sockets with something to write at the end of this turn of the event loop. */
let waiting: TransportSocket[] = []

function flushAll(): void {
  const sockets = waiting
  waiting = []
  for (const socket of sockets) socket.flush()
}

/**
 * What one turn of the event loop has for a connection goes out in one write: a write costs more
 * than all else that is done for a message. A class and no closures, since there are many thousand.
 */
export class TransportSocket implements FrameSocket {
  readonly #transport: ServerWebSocket<unknown>
  #queued: Uint8Array[] | undefined
  #queuedBytes = 0

  constructor(transport: ServerWebSocket<unknown>) {
    this.#transport = transport
  }

  send(bytes: Uint8Array): boolean {
    if (this.#transport.readyState !== WebSocket.OPEN) return false
    if (this.#queued) {
      this.#queued.push(bytes)
    } else {
      this.#queued = [bytes]
      if (waiting.push(this) === 1) setImmediate(flushAll)
    }
    this.#queuedBytes += bytes.length
    return true
  }

  bufferedBytes(): number {
    return this.#queuedBytes + this.#transport.getBufferedAmount()
  }

  flush(): void {
    const queued = this.#queued
    if (!queued) return
    this.#queued = undefined
    this.#queuedBytes = 0
    const [only] = queued
    if (only && queued.length === 1) this.#transport.sendBinary(only)
    else this.#transport.cork(() => queued.forEach((bytes) => this.#transport.sendBinary(bytes)))
  }

  close(code: number, reason: string): void {
    this.flush()
    this.#transport.close(code, reason)
  }
}
