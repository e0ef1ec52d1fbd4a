/** The bare relay as a load scenario sees it: it knows no accounts, so the URL says who it is. */
import { Outgoing } from './outgoing.ts'
import { bodyBytes } from './protocol.ts'
import type { LoadEvents, LoadSession, Login, Protocol, SeenMessage } from './protocol.ts'
import { headBytes, kindAt, messageKind, numberAt, receiptKind, senderAt } from './relay-frames.ts'
import { WebSocketConnection } from './websocket.ts'

const routingBytes = 4
/** Number and sender count as body. */
const filler = Buffer.alloc(bodyBytes - headBytes + routingBytes, 'a')

export function relayProtocol(port: number): Protocol {
  const out = new Outgoing()
  return {
    accepts: false,
    async logIn({ user }: Login, events: LoadEvents) {
      const session = new RelaySession({ user, events, out })
      await session.open(port)
      return session
    },
  }
}

class RelaySession implements LoadSession {
  readonly user: number
  readonly #events: LoadEvents
  readonly #out: Outgoing
  readonly #socket: WebSocketConnection
  readonly #opened = Promise.withResolvers<void>()
  #live = false

  constructor({ user, events, out }: { user: number; events: LoadEvents; out: Outgoing }) {
    this.user = user
    this.#events = events
    this.#out = out
    this.#socket = new WebSocketConnection({
      upgraded: () => {
        this.#live = true
        this.#opened.resolve()
      },
      message: (bytes, from, to) => this.#read(bytes.subarray(from, to)),
      chunkRead: () => this.#events.chunkRead(this),
      closed: (reason) => {
        if (this.#live) this.#events.closed(this, reason)
        else this.#opened.reject(new Error(reason))
      },
    })
  }

  get closed(): boolean {
    return this.#socket.closed
  }

  async open(port: number): Promise<void> {
    await this.#socket.open({ port, path: `/?user=${this.user}`, subprotocol: undefined })
    await this.#opened.promise
  }

  send(to: number, number: number): void {
    this.#begin({ to, kind: messageKind, number, bytes: headBytes + filler.length })
    this.#out.put(filler)
  }

  confirm({ number, from }: SeenMessage): void {
    this.#begin({ to: from, kind: receiptKind, number, bytes: headBytes })
  }

  flush(): void {
    if (this.#out.length > 0) this.#socket.write(this.#out.take())
  }

  /** It minds no silence. */
  keepAlive(): void {}

  close(): void {
    this.#socket.close()
  }

  #begin(frame: { to: number; kind: number; number: number; bytes: number }): void {
    this.#out.beginMessage(frame.bytes)
    this.#out.putUint32(frame.to)
    this.#out.putByte(frame.kind)
    this.#out.putUint32(this.user)
    this.#out.putUint32(frame.number)
  }

  #read(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    if (view.getUint32(0) !== this.user) this.#events.wrong(this, 'it is for somebody else')
    const number = view.getUint32(numberAt)
    const kind = frame[kindAt]
    if (kind === receiptKind) this.#events.confirmed(this, number)
    else if (kind !== messageKind || filler.compare(frame, headBytes) !== 0) {
      this.#events.wrong(this, 'it is no message as it was sent')
    } else this.#events.message(this, { number, from: view.getUint32(senderAt), mark: 0 })
  }
}
