/**
 * One client's connection: who it is, what it was given, and its end. An idle one holds next to
 * nothing; what only some need is made when it is needed.
 */
import { closeReasons, encodeServerFrame, positionTimeMs, silenceMs } from '@parley/wire'
import type { ClientFrame, CloseReasonName, LogId, Receipt, ServerFrame } from '@parley/wire'
import type { Identity } from '../accounts/ports.ts'
import type { BusListener, BusMessage } from '../backends/bus/bus.ts'
import { Sends } from '../messages/accept.ts'
import type { Refusal, SendAnswers } from '../messages/accept.ts'
import type { ReceiptSink } from '../messages/receipts.ts'
import { Bucket } from './bucket.ts'
import type { FrameSocket, TransportEvents } from './frame-socket.ts'
import { handleFrame } from './handlers.ts'
import type { Host } from './host.ts'
import { Inbound } from './socket.ts'
import type { FrameHandler } from './socket.ts'
import { Subscription } from './subscription.ts'
import type { Outlet } from './subscription.ts'
import { Watching } from './watching.ts'

const helloTimeoutMs = 10_000
const drainRetryMsMax = 5_000
/** Of the transport's own, which it answers whether or not the answers are read. */
const transportPings = { burst: 32, refillMs: 1_000 }

type Roles = TransportEvents & FrameHandler & Outlet & SendAnswers & ReceiptSink & BusListener

export class Connection implements Roles {
  readonly host: Host
  readonly #socket: FrameSocket
  readonly #inbound: Inbound
  readonly openedAtMs: number
  /** Its place in the gateway's list. */
  index = -1
  /** The address for which it counts until its Hello; undefined when it does not. */
  waitingFrom: string | undefined
  identity: Identity | undefined
  subscription: Subscription | undefined
  /** The device's inbox, as soon as news of it is heard. */
  #inbox: LogId | undefined
  #heardAtMs: number
  #closed = false
  #saidClosing = false
  #sends: Sends | undefined
  #watching: Watching | undefined
  #pings: Bucket | undefined

  constructor(host: Host, socket: FrameSocket) {
    this.host = host
    this.#socket = socket
    this.#inbound = new Inbound(host, this)
    this.openedAtMs = host.clock.now()
    this.#heardAtMs = this.openedAtMs
  }

  // What the transport calls.

  message(bytes: Uint8Array): void {
    this.#heardAtMs = this.host.clock.now()
    this.#inbound.receive(bytes)
  }

  drained(): void {
    this.subscription?.drained()
  }

  pinged(): void {
    this.#pings ??= new Bucket()
    const waitMs = this.#pings.take(transportPings, 1, this.host.clock.now())
    if (waitMs > 0) this.close('overloaded')
  }

  closed(): void {
    if (this.#closed) return
    this.host.events.closed('peer')
    this.#end()
  }

  // What the gateway calls.

  get open(): boolean {
    return !this.#closed
  }

  handle(frame: ClientFrame, throttledMs: number): Promise<void> | undefined {
    return this.#closed ? undefined : handleFrame(this, frame, throttledMs)
  }

  /** Says why and closes; what the client must do stands in close-codes.ts. */
  close(reason: CloseReasonName): void {
    if (this.#closed) return
    const { code, says } = closeReasons[reason]
    this.sayClosing(reason)
    this.host.events.closed(reason)
    this.#end()
    this.#socket.close(code, says)
  }

  sayClosing(reason: CloseReasonName): void {
    const { code } = closeReasons[reason]
    if (this.#closed || this.#saidClosing) return
    this.#saidClosing = true
    const [random = 0] = this.host.random(1)
    // Spread out, so that not all come back at the same moment.
    const retryAfterMs = reason === 'draining' ? Math.ceil((drainRetryMsMax * random) / 255) : 0
    this.#socket.send(encodeServerFrame({ kind: 'closing', code, retryAfterMs }))
  }

  /** Called every few seconds. */
  check(nowMs: number): void {
    if (!this.identity) {
      if (nowMs - this.openedAtMs >= helloTimeoutMs) this.close('helloTimeout')
      return
    }
    if (nowMs - this.#heardAtMs >= silenceMs) return this.close('silent')
    this.subscription?.check(nowMs)
  }

  /** From here on the connection is this device's, and news of its inbox is heard. */
  async enter(identity: Identity, inbox: LogId): Promise<void> {
    const { bus, presence } = this.host
    this.identity = identity
    this.host.register(identity.device, this)
    await bus.subscribe(inbox, this)
    if (this.#closed) return bus.unsubscribe(inbox, this)
    this.#inbox = inbox
    presence.arrived(identity.account)
  }

  serve(cursor: number): void {
    if (this.#closed || !this.identity || !this.#inbox) return
    const { device } = this.identity
    this.subscription = new Subscription(this.host, this, { log: this.#inbox, device, cursor })
    // Its Hello may say more than what was stored of its acknowledgements.
    if (cursor > 0) this.host.cursorMoved(this.subscription)
    this.subscription.start()
  }

  sends(identity: Identity): Sends {
    this.#sends ??= new Sends(this.host.accepting, identity, this)
    return this.#sends
  }

  watching(): Watching {
    this.#watching ??= new Watching(this.host, this)
    return this.#watching
  }

  /** Resolves when what was taken from this connection has been answered. */
  async settled(): Promise<void> {
    await this.#inbound.idle()
    await this.#sends?.settled()
  }

  // What goes out.

  sendFrame(frame: ServerFrame): void {
    this.send(encodeServerFrame(frame))
  }

  send(bytes: Uint8Array): boolean {
    if (this.#closed) return false
    const taken =
      this.#socket.bufferedBytes() <= this.host.limits.bufferedBytesMax && this.#socket.send(bytes)
    if (!taken) this.close('slowReader')
    return taken
  }

  congested(): boolean {
    return this.#socket.bufferedBytes() > this.host.limits.bufferedBytesHigh
  }

  accepted(log: LogId, upTo: number): void {
    this.sendFrame({ kind: 'accepted', log, upTo })
  }

  /** Says the time that stamps are held against (W13): behind its log the clock says too little. */
  rejected({ deviceLists, ...refusal }: Refusal): void {
    const time = Math.max(this.host.clock.now(), positionTimeMs(this.host.newestPosition))
    this.sendFrame({ kind: 'rejected', ...refusal, time, deviceLists: [...deviceLists] })
  }

  confirm(confirmed: readonly Receipt[]): void {
    this.sendFrame({ kind: 'receipts', confirmed: [...confirmed] })
  }

  /** S7 for news that the bus lost: the entry says it too. */
  devicesChanged(): void {
    const { identity } = this
    if (!identity) return
    this.host.directory.current(identity.account).then(
      (current) => {
        if (current && !current.devices.includes(identity.device)) this.close('revoked')
      },
      () => {},
    )
  }

  // What the bus tells.

  onBroken(): void {
    this.host.checkHeads()
  }

  onNews(message: BusMessage): void {
    switch (message.kind) {
      case 'entry':
        this.subscription?.onNews(message.entry)
        return
      case 'typing':
        this.sendFrame({ kind: 'typing', peer: message.from, active: message.active })
        return
      case 'revoked':
        if (message.device === this.identity?.device) this.close('revoked')
        return
      case 'presence':
      case 'devices-changed':
        return
    }
  }

  #end(): void {
    this.#closed = true
    this.#inbound.stop()
    this.subscription?.close()
    this.#watching?.close()
    if (this.#inbox && this.identity) {
      this.host.bus.unsubscribe(this.#inbox, this)
      this.host.presence.left(this.identity.account)
    }
    this.host.forget(this)
  }
}
