/**
 * Who asks in the tables of this folder: one account with all that can be on it or have been on it,
 * one that it talks with, one that it never met, and tokens that do not count. The server's roles
 * are real, and so are its stores; the clock stands.
 */
import {
  type AccountId,
  accountIdBytes,
  type DeviceId,
  deviceIdBytes,
  decodeServerFrame,
  type DevicesChanged,
  encodeClientFrame,
  fromBase64,
  inboxOf,
  type ClientFrame,
  type LogId,
  messageIdOf,
  type Send,
  type ServerFrame,
  toBase64,
  type TokenNonce,
} from '@parley/wire'
import {
  type ApiAnswer,
  listJson,
  newDevice,
  preKeyUpload,
  type RegisteredUser,
  signBytes,
  signList,
  startApi,
  type TestApi,
  type TestDevice,
  type TestList,
} from '@parley/testkit'
import { socketPath } from '@parley/server'
import { signAccessToken } from '../../packages/server/src/accounts/access-tokens.ts'
import { openSigningKeys } from '../../packages/server/src/accounts/signing-keys.ts'

/**
 * The columns. `owner` is the account's first device and `sibling` its second; `peer` is an account
 * that it writes with, `stranger` one that it never met. `forged` has the owner's name on a token of
 * another key, `outdated` a token of a login before the present one of its device. `logged out` and
 * `removed` were devices of the account, `replaced` is the device that had its number before.
 * Columns that come with what they speak of: other member and ex-member of a group, blocked.
 */
export const askers = [
  'owner',
  'sibling',
  'peer',
  'stranger',
  'anonymous',
  'forged',
  'expired',
  'outdated',
  'logged out',
  'removed',
  'replaced',
] as const
export type Asker = (typeof askers)[number]

export interface Somebody {
  account: AccountId
  device: TestDevice
  token: string
  refreshToken: string
}

/** What all stores hold: a line for each row, entry, cursor and sequence. */
export type Stored = ReadonlySet<string>

/** From outside: the machine itself may see more. */
const address = '203.0.113.7'
const quarterMs = 15 * 60 * 1000
const lastSeenMs = 6_000
const flushTurns = 48
const flushStepMs = 25
const turnsMax = 500_000
const turnsPerMs = 100

export class World implements AsyncDisposable {
  readonly api: TestApi
  readonly #people = new Map<Asker, Somebody>()
  readonly #connections: Connection[] = []
  /** The list of the owner's account. */
  list: TestList
  root: RegisteredUser['root']
  devices: TestDevice[]
  #sequence = 1

  private constructor(api: TestApi, owner: RegisteredUser) {
    this.api = api
    this.list = owner.list
    this.root = owner.root
    this.devices = [owner.device]
  }

  static async open(): Promise<World> {
    const api = await startApi()
    const replaced = await api.register('+4915112345678')
    const owner = await api.register('+4915112345678')
    const world = new World(api, owner)
    const put = (asker: Asker, user: RegisteredUser) => {
      const { access_token: token, refresh_token: refreshToken } = user.tokens
      const { account, device } = user
      world.#people.set(asker, { account, device, token, refreshToken })
    }
    put('owner', owner)
    put('replaced', replaced)
    put('peer', await api.register('+4915112345679'))
    put('stranger', await api.register('+4915112345680'))
    await world.#link('sibling')
    await world.#link('logged out')
    await world.#link('removed')
    await world.#link('outdated')
    await world.#logInAgain('outdated')
    await world.call('DELETE', '/v1/session', { token: world.who('logged out').token })
    await world.#remove('removed')
    await world.#pretend(owner)
    await world.#talk()
    return world
  }

  who(asker: Asker): Somebody {
    const found = this.#people.get(asker)
    if (!found) throw new Error(`nobody is ${asker}`)
    return found
  }

  get owner(): Somebody {
    return this.who('owner')
  }

  /** The opening of a socket is a route as well: 101 when it may become one. */
  async call<T>(
    method: string,
    path: string,
    request: { token?: string; body?: unknown } = {},
  ): Promise<ApiAnswer<T>> {
    if (path !== socketPath) return this.api.call<T>(method, path, { ...request, address })
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': 'parley.v1' }
    const refused = this.api.server.refuseUpgrade(
      new Request(`http://parley.test${path}`, { method, headers }),
    )
    const answer = { headers: new Headers(), body: undefined as T }
    return { status: refused?.status ?? 101, ...answer }
  }

  /** A socket that says the Hello of the asker, if it has anything to say. */
  connect(asker: Asker): Connection {
    const connection = new Connection(this.api)
    this.#connections.push(connection)
    const { token } = this.who(asker)
    if (asker !== 'anonymous') connection.hello(token)
    return connection
  }

  /** A successor of the owner's list with these devices. */
  successor(devices: TestDevice[], signer: TestDevice): TestList {
    const { account } = this.owner
    return signList({ account, root: this.root, devices, previous: this.list, signer })
  }

  /** A message of somebody for the devices of an account with this list. */
  send(from: Somebody, to: { account: AccountId; list: Uint8Array; devices: DeviceId[] }): Send {
    const own = from.account === to.account ? from.device.id : undefined
    return {
      kind: 'send',
      log: inboxOf(to.account),
      sequence: this.#sequence++,
      messageId: messageIdOf(this.api.context.random(16)),
      stamp: this.api.clock.now(),
      deviceList: to.list,
      envelopes: to.devices
        .filter((device) => device !== own)
        .map((device) => ({ device, type: 'message', ciphertext: new Uint8Array(40).fill(7) })),
    }
  }

  toOwner(from: Somebody): Send {
    const devices = this.devices.map(({ id }) => id)
    return this.send(from, { account: this.owner.account, list: this.list.hash, devices })
  }

  /** Time passes slowly here: what is waited for may need the machine's own, and not much of it. */
  async until(isSo: () => boolean): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) {
      if (isSo()) return
      if (turn % turnsPerMs === 0) this.api.clock.advance(1)
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('what was waited for did not come')
  }

  /** Lets a second pass, and all that is due in it. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < flushTurns; turn++) {
      this.api.clock.advance(flushStepMs)
      for (let each = 0; each < 3; each++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async stored(): Promise<Stored> {
    const { sql, log } = this.api.context
    const lines: string[] = []
    for (const { name } of await sql.introspection.getTables()) {
      const rows = await sql
        .selectFrom(name as 'accounts')
        .selectAll()
        .execute()
      lines.push(...rows.map((row) => `${name} ${JSON.stringify(row, bytesAsHex)}`))
    }
    const people = [...this.#people.values()]
    for (const account of new Set(people.map((person) => person.account))) {
      const inbox = inboxOf(account)
      const { entries } = await log.read(inbox, 0, 1_000)
      lines.push(...entries.map((entry) => `entry ${JSON.stringify(entry, bytesAsHex)}`))
      const cursors = [...(await log.cursors(inbox))]
      lines.push(...cursors.map(([device, at]) => `cursor ${account} ${device} ${at}`))
    }
    for (const { device } of people) {
      lines.push(`sequence ${device.id} ${await log.lastSequence(device.id, undefined)}`)
    }
    return new Set(lines)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.leave()
    await this.api[Symbol.asyncDispose]()
  }

  async #link(asker: Asker): Promise<void> {
    const { account, token, device: signer } = this.owner
    const device = newDevice(this.devices.length + 1)
    const devices = [...this.devices, device]
    const list = this.successor(devices, signer)
    const prekeys = preKeyUpload({ device, firstId: 1, oneTime: 2, oneTimeKyber: 2 })
    const body = {
      device_list: listJson(list.signed),
      new_device: { device: device.id, prekeys },
    }
    const answer = await this.call<DevicesChanged>('POST', '/v1/devices', { token, body })
    const { tokens } = answer.body
    if (!tokens) throw new Error(`not linked: ${answer.status}`)
    this.list = list
    this.devices = devices
    const { access_token, refresh_token: refreshToken } = tokens
    this.#people.set(asker, { account, device, token: access_token, refreshToken })
  }

  /** Who keeps the tokens of before, and the key. */
  async #logInAgain(asker: Asker): Promise<void> {
    const { body: nonce } = await this.call<TokenNonce>('POST', '/v1/tokens/nonce')
    const body = signedGrant(this.who(asker), nonce.nonce, this.who(asker).device)
    const answer = await this.call('POST', '/v1/tokens', { body })
    if (answer.status !== 200) throw new Error(`not logged in again: ${answer.status}`)
  }

  async #remove(asker: Asker): Promise<void> {
    const { token, device: signer } = this.owner
    const gone = this.who(asker).device
    const devices = this.devices.filter((device) => device !== gone)
    const list = this.successor(devices, signer)
    const body = { device_list: listJson(list.signed) }
    const answer = await this.call('POST', '/v1/devices', { token, body })
    if (answer.status !== 200) throw new Error(`not removed: ${answer.status}`)
    this.list = list
    this.devices = devices
  }

  /** Tokens in the owner's name that do not count. */
  async #pretend({ account, device, tokens }: RegisteredUser): Promise<void> {
    const { sql, clock, random } = this.api.context
    const row = await sql
      .selectFrom('devices')
      .select('session')
      .where('id', '=', device.id)
      .executeTakeFirstOrThrow()
    const login = { account, device: device.id, session: row.session ?? '' }
    const before = { now: () => clock.now() - quarterMs, after: clock.after.bind(clock) }
    const keys = openSigningKeys({ sql, clock, random })
    const expired = await signAccessToken({ keys, clock: before }, login)
    await using elsewhere = await startApi()
    const foreign = openSigningKeys(elsewhere.context)
    const forged = await signAccessToken({ keys: foreign, clock }, login)
    const nobody = { account, device, refreshToken: 'guessed' }
    this.#people.set('expired', { ...nobody, token: expired })
    this.#people.set('forged', { ...nobody, token: forged })
    this.#people.set('anonymous', { ...nobody, token: '' })
    if (tokens.access_token === expired) throw new Error('the clock stood')
  }

  /** Owner and peer write to each other once, so that there is something to be kept from others. */
  async #talk(): Promise<void> {
    const peer = this.who('peer')
    const current = await this.api.context.sql
      .selectFrom('device_lists')
      .select('hash')
      .where('account', '=', peer.account)
      .executeTakeFirstOrThrow()
    const to = { account: peer.account, list: current.hash, devices: [peer.device.id] }
    const there = this.connect('owner')
    const back = this.connect('peer')
    await this.until(() => [there, back].every((each) => each.of('welcome').length === 1))
    there.send(this.send(this.owner, to))
    back.send(this.toOwner(peer))
    await this.until(() => [there, back].every((each) => each.of('accepted').length === 1))
    there.leave()
    back.leave()
    // When they were last seen is stored a few seconds later.
    this.api.clock.advance(lastSeenMs)
    await this.settle()
  }
}

/** POST /v1/tokens with a signature in somebody's name. */
export function signedGrant(
  { account, device }: Pick<Somebody, 'account' | 'device'>,
  nonce: string,
  signer: TestDevice,
) {
  const signed = Buffer.concat([
    Buffer.from('Parley token v1\0'),
    accountIdBytes(account),
    deviceIdBytes(device.id),
    fromBase64(nonce) ?? new Uint8Array(),
  ])
  return {
    grant_type: 'device_signature',
    account,
    device: device.id,
    nonce,
    signature: toBase64(signBytes(signer, signed)),
  }
}

function bytesAsHex(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

type ServerFrameOf<Kind extends ServerFrame['kind']> = Extract<ServerFrame, { kind: Kind }>

/** A client's end of a connection, with what it was sent. */
export class Connection {
  readonly frames: ServerFrame[] = []
  closedWith: number | undefined
  readonly #events: ReturnType<TestApi['server']['openSocket']>

  constructor(api: TestApi) {
    const socket = {
      send: (bytes: Uint8Array) => {
        this.frames.push(decodeServerFrame(bytes))
        return true
      },
      bufferedBytes: () => 0,
      close: (code: number) => {
        this.closedWith = code
      },
    }
    this.#events = api.server.openSocket(socket, address)
  }

  hello(token: string, log?: LogId): void {
    const cursors = log ? [{ log, position: 0 }] : []
    this.send({ kind: 'hello', token, cursors, capabilities: [] })
  }

  send(frame: ClientFrame): void {
    this.#events.message(encodeClientFrame(frame))
  }

  leave(): void {
    this.#events.closed()
  }

  of<Kind extends ServerFrame['kind']>(kind: Kind): ServerFrameOf<Kind>[] {
    return this.frames.filter((frame): frame is ServerFrameOf<Kind> => frame.kind === kind)
  }
}

/** Lines that only one of the two has. */
export function difference(before: Stored, after: Stored): string[] {
  const gone = [...before].filter((line) => !after.has(line))
  return [...gone, ...[...after].filter((line) => !before.has(line))]
}
