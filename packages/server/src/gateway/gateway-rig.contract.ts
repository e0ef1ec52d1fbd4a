/**
 * A gateway under test: real log, bus, delivery and presence, with the clock and the other ends of
 * the sockets in the test's hand.
 */
import {
  accountIdFromRandom,
  decodeServerFrame,
  deviceIdOf,
  encodeClientFrame,
  inboxOf,
  messageIdOf,
  positionAt,
} from '@parley/wire'
import type {
  AccountId,
  ClientFrame,
  DeviceId,
  Entry,
  Envelope,
  LogId,
  Send,
  ServerFrame,
  SignedDeviceList,
} from '@parley/wire'
import { pino } from 'pino'
import { ProcessClock } from '../../../testkit/src/sim/clock.ts'
import { SimRandom } from '../../../testkit/src/sim/random.ts'
import { SteppedTime } from '../../../testkit/src/sim/stepped-time.ts'
import type { CurrentDevices, Identity, TokenCheck } from '../accounts/ports.ts'
import type { Bus } from '../backends/bus/bus.ts'
import { LocalBus } from '../backends/bus/bus-local.ts'
import { MemoryLog, MemoryStore } from '../backends/log/log-memory.ts'
import type { Log } from '../backends/log/log.ts'
import type { Clock } from '../clock.ts'
import { noLimits } from '../limits.ts'
import type { Limits } from '../limits.ts'
import { startDelivery } from '../messages/deliver.ts'
import { openPresence } from '../presence/presence.ts'
import type { TransportEvents } from './frame-socket.ts'
import { gatewayLimits, openGateway } from './gateway.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayEvents, GatewayLimits } from './host.ts'

const startMs = Date.UTC(2026, 5, 1)
const logger = pino({ level: 'silent' })

export interface RigOptions {
  openLog: (rig: GatewayRig) => Promise<Log & { close(): Promise<void> }>
  wrapBus: (bus: Bus, random: SimRandom) => Bus
  limits: Partial<GatewayLimits>
  rates: (clock: Clock) => Limits
}

/** The log in memory, which shows entries late. */
export function openLateLog(rig: GatewayRig): Promise<Log & { close(): Promise<void> }> {
  return Promise.resolve(
    new MemoryLog({
      store: new MemoryStore(1_000_000),
      clock: rig.clock,
      random: rig.random.bytes,
      logger,
      delayMsMax: 20,
      onParked: undefined,
    }),
  )
}

export class GatewayRig extends SteppedTime implements AsyncDisposable {
  readonly clock = new ProcessClock(this.scheduler, 0)
  readonly random = new SimRandom(42)
  readonly lists = new Map<AccountId, CurrentDevices & { chain: SignedDeviceList[] }>()
  readonly tokens = new Map<string, TokenCheck>()
  readonly lastSeen = new Map<AccountId, number>()
  readonly counted = new Map<string, number>()
  /** Set to make the accounts unreachable. */
  accountsFail = false
  log!: Log & { close(): Promise<void> }
  bus!: Bus
  gateway!: Gateway
  readonly #delivering = new AbortController()

  private constructor() {
    super(startMs)
  }

  static async start(options: Partial<RigOptions> = {}): Promise<GatewayRig> {
    const rig = new GatewayRig()
    rig.log = await (options.openLog ?? openLateLog)(rig)
    const bus = new LocalBus(logger)
    rig.bus = options.wrapBus?.(bus, rig.random) ?? bus
    void startDelivery(rig, rig.#delivering.signal)
    rig.gateway = rig.#openGateway(options)
    return rig
  }

  /** Another process on the same log, which remembers nothing of the one before. */
  restartGateway(): void {
    this.gateway = this.#openGateway({})
  }

  readonly soon = (run: () => void): void => {
    this.clock.after(0, run)
  }

  /** A new account with that many devices. */
  account(devices = 1): Identity[] {
    const account = accountIdFromRandom(this.random.bytes(16))
    const ids = Array.from({ length: devices }, () => deviceIdOf(this.random.bytes(16)))
    this.list(account, ids)
    return ids.map((device) => this.#identify(account, device))
  }

  /** Puts a list in force. */
  list(account: AccountId, devices: DeviceId[]): void {
    const body = this.random.bytes(8)
    const signed: SignedDeviceList = { body, signer: new Uint8Array(), signature: body }
    const chain = [...(this.lists.get(account)?.chain ?? []), signed]
    this.lists.set(account, { hash: this.random.bytes(32), devices, chain })
  }

  connect(address = '192.0.2.1'): TestClient {
    return new TestClient(this, address)
  }

  /** Connected and greeted. */
  async enter(identity: Identity, cursor?: number): Promise<TestClient> {
    const client = this.connect()
    client.hello(identity, cursor)
    await this.until(() => client.has('welcome'))
    return client
  }

  /** A message of one device for every device of an account. */
  send(from: Identity, to: AccountId, change: Partial<Send> = {}): Send {
    const list = this.lists.get(to)
    const devices = (list?.devices ?? []).filter((device) => device !== from.device)
    return {
      kind: 'send',
      log: inboxOf(to),
      sequence: this.nextSequence(),
      messageId: messageIdOf(this.random.bytes(16)),
      stamp: this.clock.now(),
      deviceList: list?.hash ?? new Uint8Array(32),
      envelopes: devices.map((device) => this.envelope(device)),
      ...change,
    }
  }

  envelope(device: DeviceId, bytes = 40): Envelope {
    return { device, type: 'message', ciphertext: this.random.bytes(bytes) }
  }

  #sequence = positionAt(startMs)
  nextSequence(): number {
    return ++this.#sequence
  }

  /** Lets everything run that needs no time. */
  async flush(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#delivering.abort()
    await this.finish(this.log.close())
  }

  #identify(account: AccountId, device: DeviceId): Identity {
    const identity = { account, device }
    this.tokens.set(tokenOf(identity), identity)
    return identity
  }

  #openGateway({ limits, rates }: Partial<RigOptions>): Gateway {
    const presence = openPresence({
      bus: this.bus,
      clock: this.clock,
      logger,
      saveLastSeen: async (seenMs) => {
        for (const [account, ms] of seenMs) this.lastSeen.set(account, ms)
      },
      loadLastSeen: async (account) => this.lastSeen.get(account) ?? 0,
    })
    return openGateway({
      log: this.log,
      bus: this.bus,
      clock: this.clock,
      random: this.random.bytes,
      logger,
      authenticator: { check: async (token) => this.#check(token) },
      directory: {
        current: async (account) => this.#current(account),
        chain: async (account) => this.lists.get(account)?.chain ?? [],
      },
      presence,
      incarnation: 'first',
      events: this.#events(),
      rates: rates?.(this.clock) ?? noLimits,
      limits: { ...gatewayLimits, ...limits },
    })
  }

  #check(token: string): TokenCheck {
    if (this.accountsFail) throw new Error('the accounts are not reachable')
    return this.tokens.get(token) ?? { refused: 'token-invalid' }
  }

  #current(account: AccountId): CurrentDevices | undefined {
    if (this.accountsFail) throw new Error('the accounts are not reachable')
    return this.lists.get(account)
  }

  #events(): GatewayEvents {
    const count = (name: string, by = 1) =>
      this.counted.set(name, (this.counted.get(name) ?? 0) + by)
    return {
      opened: () => count('opened'),
      closed: (reason) => count(`closed ${reason}`),
      frame: (kind) => count(`frame ${kind}`),
      accepted: () => count('accepted'),
      rejected: (reason) => count(`rejected ${reason}`),
      served: (way, entries) => count(`served ${way}`, entries),
    }
  }
}

export function tokenOf({ account, device }: Identity): string {
  return `${account} ${device}`
}

type ServerFrameOf<Kind extends ServerFrame['kind']> = Extract<ServerFrame, { kind: Kind }>

/** A client's end of a socket pair: what it was sent, decoded. */
export class TestClient {
  readonly #rig: GatewayRig
  readonly #events: TransportEvents
  readonly frames: ServerFrame[] = []
  closedWith: number | undefined
  /** What the network has taken and not carried. */
  bufferedBytes = 0
  largestFrameBytes = 0
  /** The network carries nothing. */
  stalled = false

  constructor(rig: GatewayRig, address: string) {
    this.#rig = rig
    this.#events = rig.gateway.open(
      {
        send: (bytes) => this.#take(bytes),
        bufferedBytes: () => this.bufferedBytes,
        close: (code) => {
          this.closedWith = code
          this.#rig.soon(() => this.#events.closed())
        },
      },
      address,
    )
  }

  hello(identity: Identity, cursor?: number): void {
    const log = inboxOf(identity.account)
    const cursors = cursor === undefined ? [] : [{ log, position: cursor }]
    this.send({ kind: 'hello', token: tokenOf(identity), cursors, capabilities: [] })
  }

  send(frame: ClientFrame): void {
    this.#events.message(encodeClientFrame(frame))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#events.message(bytes)
  }

  transportPing(): void {
    this.#events.pinged()
  }

  ack(log: LogId, position: number): void {
    this.send({ kind: 'ack', log, position })
  }

  /** The connection is gone, from this side. */
  leave(): void {
    this.#events.closed()
  }

  /** The network carries on. */
  flow(): void {
    this.stalled = false
    this.bufferedBytes = 0
    this.#events.drained()
  }

  of<Kind extends ServerFrame['kind']>(kind: Kind): ServerFrameOf<Kind>[] {
    return this.frames.filter((frame): frame is ServerFrameOf<Kind> => frame.kind === kind)
  }

  has(kind: ServerFrame['kind']): boolean {
    return this.frames.some((frame) => frame.kind === kind)
  }

  entries(): Entry[] {
    return this.of('entry')
  }

  #take(bytes: Uint8Array): boolean {
    if (this.closedWith !== undefined) return false
    this.largestFrameBytes = Math.max(this.largestFrameBytes, bytes.length)
    if (this.stalled) this.bufferedBytes += bytes.length
    this.frames.push(decodeServerFrame(bytes))
    return true
  }
}
