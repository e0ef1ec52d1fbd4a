/**
 * All connections of one process: opens them, looks after them, stores their cursors, and tells
 * them to go elsewhere when the process ends.
 */
import type { DeviceId } from '@parley/wire'
import type { Logger } from 'pino'
import type { Authenticator, DeviceDirectory } from '../accounts/ports.ts'
import type { Bus } from '../backends/bus/bus.ts'
import type { Log } from '../backends/log/log.ts'
import type { Clock, RandomBytes } from '../clock.ts'
import { addressKeys } from '../limits.ts'
import type { Limits } from '../limits.ts'
import type { AcceptDeps } from '../messages/accept.ts'
import { Receipts } from '../messages/receipts.ts'
import type { Presence } from '../presence/presence.ts'
import { Connection } from './connection.ts'
import type { FrameSocket, TransportEvents } from './frame-socket.ts'
import type { GatewayEvents, GatewayLimits, Host } from './host.ts'
import type { Subscription } from './subscription.ts'

export interface GatewayDeps {
  log: Log
  bus: Bus
  clock: Clock
  random: RandomBytes
  logger: Logger
  authenticator: Authenticator
  directory: DeviceDirectory
  presence: Presence
  incarnation: string
  events: GatewayEvents
  /** Of accounts, over all their connections. */
  rates: Limits
  limits: GatewayLimits
}

export interface Gateway {
  open(socket: FrameSocket, remoteAddress: string): TransportEvents
  connections(): number
  /** Takes no more connections, answers what was sent, stores what is known, and closes. */
  drain(): Promise<void>
}

export const gatewayLimits: GatewayLimits = {
  units: { burst: 16_000, refillMs: 0.25 },
  queuedFramesMax: 512,
  queuedBytesMax: 8 * 1024 * 1024,
  bufferedBytesHigh: 1024 * 1024,
  bufferedBytesMax: 8 * 1024 * 1024,
  helloPendingPerAddressMax: 64,
}

/** Every connection is looked at once in this time, a slice of them at a time. */
const roundMs = 5_000
const slicesPerRound = 20
const cursorsAfterMs = 1_000
const headsEveryMs = 60_000
const drainMsMax = 5_000

export function openGateway(deps: GatewayDeps): Gateway {
  return new OpenGateway(deps)
}

class OpenGateway implements Gateway, Host {
  readonly log: Log
  readonly bus: Bus
  readonly clock: Clock
  readonly random: RandomBytes
  readonly logger: Logger
  readonly authenticator: Authenticator
  readonly directory: DeviceDirectory
  readonly presence: Presence
  readonly receipts: Receipts
  readonly accepting: AcceptDeps
  readonly events: GatewayEvents
  readonly limits: GatewayLimits
  readonly incarnation: string
  draining = false
  newestPosition = 0
  readonly #connections: Connection[] = []
  readonly #devices = new Map<DeviceId, Connection>()
  /** How many have not said Hello, by address. */
  readonly #waiting = new Map<string, number>()
  #moved: Subscription[] = []
  #cursorTimer = false
  #looking = false
  #next = 0
  #headsAtMs = 0
  #headsAsked = false

  constructor(deps: GatewayDeps) {
    this.log = deps.log
    this.bus = deps.bus
    this.clock = deps.clock
    this.random = deps.random
    this.logger = deps.logger
    this.authenticator = deps.authenticator
    this.directory = deps.directory
    this.presence = deps.presence
    this.events = deps.events
    this.limits = deps.limits
    this.incarnation = deps.incarnation
    this.receipts = new Receipts(deps)
    this.accepting = {
      log: deps.log,
      directory: deps.directory,
      rates: deps.rates,
      clock: deps.clock,
      newestPosition: () => this.newestPosition,
      seen: (position) => {
        this.newestPosition = Math.max(this.newestPosition, position)
      },
      onAccepted: (waitedMs) => deps.events.accepted(waitedMs),
      onRejected: (reason) => deps.events.rejected(reason),
    }
    this.#headsAtMs = deps.clock.now()
  }

  open(socket: FrameSocket, remoteAddress: string): TransportEvents {
    const connection = new Connection(this, socket)
    connection.index = this.#connections.length
    this.#connections.push(connection)
    this.events.opened()
    if (this.draining) connection.close('draining')
    else if (!this.#mayWait(connection, remoteAddress)) connection.close('overloaded')
    this.#lookAround()
    return connection
  }

  connections(): number {
    return this.#connections.length
  }

  register(device: DeviceId, connection: Connection): void {
    this.#waitsNoLonger(connection)
    const older = this.#devices.get(device)
    this.#devices.set(device, connection)
    older?.close('replaced')
  }

  forget(connection: Connection): void {
    this.#waitsNoLonger(connection)
    const last = this.#connections.pop()
    if (last && last !== connection) {
      last.index = connection.index
      this.#connections[connection.index] = last
    }
    const device = connection.identity?.device
    if (device !== undefined && this.#devices.get(device) === connection) {
      this.#devices.delete(device)
    }
  }

  cursorMoved(subscription: Subscription): void {
    if (subscription.dirty) return
    subscription.dirty = true
    this.#moved.push(subscription)
    if (this.#cursorTimer) return
    this.#cursorTimer = true
    this.clock.after(cursorsAfterMs, () => {
      this.#cursorTimer = false
      void this.#storeCursors()
    })
  }

  checkHeads(): void {
    if (this.#headsAsked) return
    this.#headsAsked = true
    this.clock.after(0, () => {
      this.#headsAsked = false
      void this.#readHeads()
    })
  }

  async drain(): Promise<void> {
    this.draining = true
    const connections = [...this.#connections]
    for (const connection of connections) connection.sayClosing('draining')
    const settled = Promise.all(connections.map((connection) => connection.settled()))
    await this.#atMost(drainMsMax, settled)
    await this.#atMost(drainMsMax, this.receipts.close())
    for (const connection of connections) connection.close('draining')
    await this.#atMost(drainMsMax, this.#storeCursors())
  }

  #mayWait(connection: Connection, remoteAddress: string): boolean {
    const address = addressKeys(remoteAddress)?.address
    if (address === undefined) return true
    const waiting = this.#waiting.get(address) ?? 0
    if (waiting >= this.limits.helloPendingPerAddressMax) return false
    this.#waiting.set(address, waiting + 1)
    connection.waitingFrom = address
    return true
  }

  #waitsNoLonger(connection: Connection): void {
    const address = connection.waitingFrom
    if (address === undefined) return
    connection.waitingFrom = undefined
    const waiting = this.#waiting.get(address) ?? 0
    if (waiting > 1) this.#waiting.set(address, waiting - 1)
    else this.#waiting.delete(address)
  }

  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    let cancel = () => {}
    const tooLate = new Promise<void>((resolve) => {
      cancel = this.clock.after(ms, resolve)
    })
    await Promise.race([work, tooLate])
    cancel()
  }

  /** One timer for all connections: a slice of them, several times a second. */
  #lookAround(): void {
    if (this.#looking || this.#connections.length === 0) return
    this.#looking = true
    this.clock.after(roundMs / slicesPerRound, () => {
      this.#looking = false
      const now = this.clock.now()
      const count = Math.ceil(this.#connections.length / slicesPerRound)
      for (let index = 0; index < count; index++) this.#lookAtNext(now)
      if (now - this.#headsAtMs >= headsEveryMs) this.checkHeads()
      this.#lookAround()
    })
  }

  #lookAtNext(now: number): void {
    if (this.#next >= this.#connections.length) this.#next = 0
    this.#connections[this.#next++]?.check(now)
  }

  /** Cursors may be stored late: a device says its own when it comes back. */
  async #storeCursors(): Promise<void> {
    const moved = this.#moved
    this.#moved = []
    const commits = moved.map((subscription) => {
      subscription.dirty = false
      const { log, device, acked } = subscription
      return this.log.commit(log, device, acked)
    })
    const failed = (await Promise.allSettled(commits)).filter(({ status }) => status === 'rejected')
    if (failed.length > 0) this.logger.warn({ cursors: failed.length }, 'cursors were not stored')
  }

  /** News that was the last of its log and got lost is found only this way. */
  async #readHeads(): Promise<void> {
    this.#headsAtMs = this.clock.now()
    const live: Subscription[] = []
    for (const { subscription } of this.#connections)
      if (subscription?.live) live.push(subscription)
    try {
      const heads = await this.log.heads(live.map(({ log }) => log))
      for (const [index, subscription] of live.entries()) subscription.onHead(heads[index] ?? 0)
    } catch {
      this.logger.warn('the heads of the logs could not be read')
    }
  }
}
