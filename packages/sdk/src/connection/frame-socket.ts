/**
 * One socket from its opening to its end: Hello, Welcome, frames both ways, keepalive. What to do
 * after the end is connection.ts' business.
 */
import { closeReasons, decodeServerFrame, encodeClientFrame, WireError } from '@parley/wire'
import type { ClientFrame, ServerFrame } from '@parley/wire'
import { Keepalive } from './keepalive.ts'
import type { Clock, RandomBytes, Socket, Transport } from '../platform/ports.ts'

export type WelcomeFrame = Extract<ServerFrame, { kind: 'welcome' }>
/** Everything that comes after Welcome and is not the connection's own business (Closing, Pong). */
export type EngineFrame = Exclude<ServerFrame, { kind: 'welcome' | 'closing' | 'pong' }>

/** From opening to Welcome. */
const welcomeMs = 15_000
/** Two frames of the largest kind may wait in the socket. */
const bufferedBytesMax = 4 * 1024 * 1024
const writableCheckMs = 50
const normalClosure = 1000
const protocolError = 1002

export interface SocketEnd {
  /** A close code of the WebSocket, or of Closing. */
  code: number
  /** The server asked not to come back before; 0 when it said nothing. */
  retryAfterMs: number
}

export interface FrameSocketOptions {
  transport: Transport
  url: string
  clock: Clock
  random: RandomBytes
  /** Made when the socket has opened; undefined ends it. */
  hello: () => ClientFrame | undefined
}

export interface FrameSocketHandlers {
  /** With the server's time as it should be now, given half the way of Hello and Welcome. */
  welcome(frame: WelcomeFrame, serverTimeMs: number): void
  frame(frame: EngineFrame): void
  writable(): void
  /** Once, unless the end came from `end`. */
  ended(end: SocketEnd): void
}

type Phase = 'opening' | 'greeting' | 'live' | 'ended'

export class FrameSocket {
  readonly #options: FrameSocketOptions
  readonly #handlers: FrameSocketHandlers
  readonly #keepalive: Keepalive
  readonly #socket: Socket
  readonly #cancelWelcome: () => void
  #cancelWritable: (() => void) | undefined
  #phase: Phase = 'opening'
  #helloAtMs = 0
  #closing: SocketEnd | undefined
  #closed = () => {}

  constructor(options: FrameSocketOptions, handlers: FrameSocketHandlers) {
    const { clock, random, transport, url } = options
    this.#options = options
    this.#handlers = handlers
    const silent = () => this.#fail(closeReasons.silent.code)
    const ping = () => this.#write(encodeClientFrame({ kind: 'ping' }))
    this.#keepalive = new Keepalive({ clock, random, ping, silent })
    this.#cancelWelcome = clock.after(welcomeMs, silent)
    this.#socket = transport.openSocket(url, {
      open: () => this.#opened(),
      message: (bytes) => this.#received(bytes),
      closed: (code) => this.#ended(code),
    })
  }

  get live(): boolean {
    return this.#phase === 'live'
  }

  send(frame: ClientFrame): boolean {
    if (this.#phase !== 'live') return false
    const bytes = encodeClientFrame(frame)
    const waiting = this.#socket.bufferedBytes()
    if (waiting > 0 && waiting + bytes.length > bufferedBytesMax) {
      this.#awaitRoom()
      return false
    }
    this.#write(bytes)
    return true
  }

  /** Asks the server for a sign of life. */
  check(): void {
    if (this.#phase === 'live') this.#keepalive.check()
  }

  /**
   * Closes without a word to the handlers; `closed` is called when the other side has taken note,
   * if it does.
   */
  end(closed: () => void): void {
    if (this.#phase === 'ended') {
      closed()
      return
    }
    this.#closed = closed
    this.#release()
    this.#socket.close(normalClosure)
  }

  #opened(): void {
    if (this.#phase !== 'opening') return
    this.#phase = 'greeting'
    this.#helloAtMs = this.#options.clock.now()
    const hello = this.#options.hello()
    if (hello) this.#write(encodeClientFrame(hello))
    else this.#fail(protocolError)
  }

  #received(bytes: Uint8Array): void {
    if (this.#phase === 'ended') return
    this.#keepalive.heard()
    let frame: ServerFrame
    try {
      frame = decodeServerFrame(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#fail(protocolError)
      return
    }
    this.#handle(frame)
  }

  #handle(frame: ServerFrame): void {
    switch (frame.kind) {
      case 'welcome':
        this.#welcomed(frame)
        return
      case 'closing':
        this.#closing = { code: frame.code, retryAfterMs: frame.retryAfterMs }
        return
      case 'pong':
        return
      default:
        if (this.#phase === 'live') this.#handlers.frame(frame)
        else this.#fail(protocolError)
    }
  }

  #welcomed(frame: WelcomeFrame): void {
    if (this.#phase !== 'greeting') {
      this.#fail(protocolError)
      return
    }
    this.#cancelWelcome()
    this.#phase = 'live'
    this.#keepalive.start()
    const roundTripMs = Math.max(0, this.#options.clock.now() - this.#helloAtMs)
    this.#handlers.welcome(frame, frame.time + Math.round(roundTripMs / 2))
  }

  #write(bytes: Uint8Array): void {
    this.#socket.send(bytes)
  }

  /**
   * WebSockets do not say when their buffer has drained, so it is looked at again and again while
   * somebody waits.
   */
  #awaitRoom(): void {
    this.#cancelWritable ??= this.#options.clock.after(writableCheckMs, () => {
      this.#cancelWritable = undefined
      if (this.#socket.bufferedBytes() > bufferedBytesMax / 2) this.#awaitRoom()
      else this.#handlers.writable()
    })
  }

  /** Ends from this side; a dead network would not say for minutes that the socket is closed. */
  #fail(code: number): void {
    if (this.#phase === 'ended') return
    this.#socket.close(normalClosure)
    this.#ended(code)
  }

  #ended(code: number): void {
    this.#closed()
    if (this.#phase === 'ended') return
    this.#release()
    this.#handlers.ended(this.#closing ?? { code, retryAfterMs: 0 })
  }

  #release(): void {
    this.#phase = 'ended'
    this.#cancelWelcome()
    this.#cancelWritable?.()
    this.#keepalive.stop()
  }
}
