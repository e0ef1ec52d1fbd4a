/**
 * Hop 2: what comes in from one socket. Size, decoding and rate are checked here; frames are
 * handled one after the other, and only a bounded number waits (docs/spec/wire.md, W1-W9).
 */
import { decodeClientFrame, sendBytesMax } from '@parley/wire'
import type { ClientFrame, CloseReasonName } from '@parley/wire'
import type { Clock } from '../clock.ts'
import { Bucket } from './bucket.ts'
import type { GatewayEvents, GatewayLimits } from './host.ts'

/** What handles the frames of one socket. */
export interface FrameHandler {
  /** `throttledMs` above 0: too fast, to be refused until then. */
  handle(frame: ClientFrame, throttledMs: number): Promise<void> | undefined
  close(reason: CloseReasonName): void
}

interface Waiting {
  frame: ClientFrame
  bytes: number
  throttledMs: number
}

export interface InboundDeps {
  clock: Clock
  events: GatewayEvents
  limits: GatewayLimits
}

const bytesPerUnit = 1024

export class Inbound {
  readonly #deps: InboundDeps
  readonly #handler: FrameHandler
  readonly #bucket = new Bucket()
  #busy = false
  #waiting: Waiting[] | undefined
  #waitingBytes = 0
  #stopped = false
  #whenIdle: (() => void) | undefined

  constructor(deps: InboundDeps, handler: FrameHandler) {
    this.#deps = deps
    this.#handler = handler
  }

  receive(bytes: Uint8Array): void {
    if (this.#stopped) return
    if (bytes.length > sendBytesMax) return this.#handler.close('frameTooLarge')
    let frame: ClientFrame
    try {
      frame = decodeClientFrame(bytes)
    } catch {
      return this.#handler.close('badFrame')
    }
    this.#deps.events.frame(frame.kind)
    const { clock, limits } = this.#deps
    const units = 1 + bytes.length / bytesPerUnit
    const throttledMs = this.#bucket.take(limits.units, units, clock.now())
    // A Send is refused with the time to wait; whoever floods with anything else is not one of our
    // clients.
    if (throttledMs > 0 && frame.kind !== 'send') return this.#handler.close('overloaded')
    if (this.#busy) return this.#wait({ frame, bytes: bytes.length, throttledMs })
    this.#run(frame, throttledMs)
  }

  stop(): void {
    this.#stopped = true
    this.#waiting = undefined
    this.#whenIdle?.()
  }

  /** Resolves when what has come in is handled. */
  idle(): Promise<void> {
    if (!this.#busy || this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle = resolve
    })
  }

  #wait(waiting: Waiting): void {
    this.#waiting ??= []
    this.#waiting.push(waiting)
    this.#waitingBytes += waiting.bytes
    const { queuedFramesMax, queuedBytesMax } = this.#deps.limits
    if (this.#waiting.length > queuedFramesMax || this.#waitingBytes > queuedBytesMax) {
      this.#handler.close('overloaded')
    }
  }

  #run(frame: ClientFrame, throttledMs: number): void {
    const handled = this.#handler.handle(frame, throttledMs)
    if (handled === undefined) return
    this.#busy = true
    void handled.then(() => this.#next())
  }

  #next(): void {
    this.#busy = false
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#waitingBytes = 0
    if (waiting) void this.#runAll(waiting)
    else this.#whenIdle?.()
  }

  async #runAll(waiting: readonly Waiting[]): Promise<void> {
    this.#busy = true
    for (const { frame, throttledMs } of waiting) {
      if (this.#stopped) return
      await this.#handler.handle(frame, throttledMs)
    }
    this.#next()
  }
}
