/**
 * packages/sdk as a whole: a client in memory whose server sends it spoilt frames, and both ends of
 * the channel between tabs and engine.
 */
import { createSession, encryptMessage, pad } from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import * as wire from '@parley/wire'
import { openClient } from '../../../packages/sdk/src/client.ts'
import type { SocketHandlers, Transport } from '../../../packages/sdk/src/platform/ports.ts'
import { systemRandom } from '../../../packages/sdk/src/platform/random.ts'
import { type EngineChannel, openChannelPair } from '../../../packages/sdk/src/rpc/channel.ts'
import { EngineHost } from '../../../packages/sdk/src/rpc/engine-host.ts'
import { openRemote } from '../../../packages/sdk/src/rpc/engine-remote.ts'
import type { ChannelMessage } from '../../../packages/sdk/src/rpc/messages.ts'
import { writeAccount } from '../../../packages/sdk/src/store/account.ts'
import { writeDeviceList } from '../../../packages/sdk/src/store/device-lists.ts'
import { writePreKeys } from '../../../packages/sdk/src/store/prekeys.ts'
import { openBunDriver } from '../../../packages/sdk/src/store/sqlite.bun.ts'
import { Store } from '../../../packages/sdk/src/store/store.ts'
import { HandClock } from '../../../packages/sdk/src/testing/test-hand-clock.ts'
import type { Client } from '../../../packages/sdk/src/types.ts'
import { BrokenPromise, type FuzzFunction, jsonBytes, jsonOf, type Target } from '../target.ts'
import { converse } from './conversation.ts'
import * as samples from './samples.ts'

const startMs = Date.UTC(2026, 5, 1)
const server = 'http://127.0.0.1:9'
/** A client has had enough after so many frames: its log is far ahead by then. */
const framesPerClient = 25
const messagesPerClient = 400
/** Shorter than a greeting may take. */
const backoffMs = 5_000
const triesMax = 200

/** One socket at a time, whose other end is the fuzzer; no HTTP. */
class Line implements Transport {
  socket: SocketHandlers | undefined
  /** Kinds of frames that the client sent. */
  sent: string[] = []
  openSocket(_url: string, handlers: SocketHandlers) {
    this.socket = handlers
    return {
      send: (bytes: Uint8Array) => {
        this.sent.push(wire.decodeClientFrame(bytes).kind)
      },
      bufferedBytes: () => 0,
      close: (code: number) => {
        if (this.socket === handlers) this.socket = undefined
        handlers.closed(code)
      },
    }
  }
  async fetch(): Promise<Response> {
    const error = { code: 'unavailable', message: 'not now' }
    return Response.json({ error }, { status: 503 })
  }
}

type Conversation = Awaited<ReturnType<typeof converse>>
/** Whose entries the client gets: Alice, with a list that names her identity key. */
interface World {
  conversation: Conversation
  own: wire.AccountId
  alice: wire.AccountId
  list: wire.VerifiedList
}

async function worldOf(): Promise<World> {
  const conversation = await converse()
  const { alice, bob } = conversation
  const account = wire.parseAccountId(alice.address.account)
  const list = samples.listWith(account, alice.local.identity.publicKey)
  return { conversation, own: wire.parseAccountId(bob.local.address.account), alice: account, list }
}

class LiveClient {
  readonly clock = new HandClock(startMs)
  readonly line = new Line()
  readonly client: Client
  frames = 0

  constructor({ conversation, list, own }: World) {
    const driver = openBunDriver(':memory:')
    this.client = openClient({
      driver,
      clock: this.clock,
      random: systemRandom,
      transport: this.line,
      curve: bunCurve,
      server,
      recordEvents: true,
      observeMessageKey: undefined,
    })
    const store = new Store(driver)
    const { local, prekeys } = conversation.bob
    store.transaction(() => {
      writeAccount(store, accountOf(own, local), {
        accessToken: 'a',
        accessExpiresAtMs: startMs * 2,
        refreshToken: 'r',
      })
      writeDeviceList(store, list)
      const { kyber, oneTime, signed } = prekeys
      writePreKeys(store, { signed, kyber, oneTime: [oneTime], oneTimeKyber: [] }, startMs)
    })
    this.client.start()
  }

  async end(): Promise<void> {
    const ended = this.client[Symbol.asyncDispose]()
    await this.clock.advance(backoffMs)
    await ended
  }

  /** The newest socket, greeted; the client comes back by itself after every end. */
  async greeted(): Promise<SocketHandlers | undefined> {
    await settled()
    for (let tries = 0; tries < triesMax; tries++) {
      const { socket } = this.line
      const { status } = this.client.connection.getSnapshot()
      if (socket && (status === 'online' || status === 'catching-up')) return socket
      if (status === 'stopped') return undefined
      if (!socket) {
        await this.clock.advance(backoffMs)
      } else {
        socket.open()
        socket.message(wire.encodeServerFrame(welcome))
        await settled()
      }
    }
    return undefined
  }
}

const welcome = { kind: 'welcome', time: startMs, incarnation: 'one', lastSequence: 0 } as const

function accountOf(account: wire.AccountId, local: Conversation['bob']['local']) {
  const { address, identity, registrationId } = local
  return {
    server,
    account,
    device: samples.device,
    deviceNumber: address.device,
    phone: '+4915112345678',
    name: 'Ben',
    profileVersion: 1,
    identity,
    registrationId,
    status: 'registered' as const,
    relinkNeeded: false,
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function frames(): Promise<FuzzFunction[]> {
  const world = await worldOf()
  let live: LiveClient | undefined
  const run = async (input: Uint8Array) => {
    if (live && live.frames++ > framesPerClient) {
      await live.end()
      live = undefined
    }
    live ??= new LiveClient(world)
    let socket = await live.greeted()
    if (!socket) {
      live = new LiveClient(world)
      socket = await live.greeted()
    }
    if (!socket) throw new BrokenPromise('a client does not connect')
    socket.message(input)
    await settled()
    const { status, problem } = live.client.connection.getSnapshot()
    if (problem?.code === 'internal') throw new BrokenPromise('a frame made an internal problem')
    const sent = live.line.sent.splice(0).join()
    const chats = live.client.chats().getSnapshot().length
    return {
      type: status,
      kind: sent,
      code: problem?.code,
      events: live.client.events(10).length,
      chats,
    }
  }
  const seeds = [...samples.serverFrames, ...(await entries(world))].map(wire.encodeServerFrame)
  return [{ name: 'frames', kind: 'protobuf', seeds, run, refuses: () => false, pure: false }]
}

/** Messages of Alice that the client opens, and what the log has besides. */
async function entries({ alice, conversation, own, list }: World): Promise<wire.ServerFrame[]> {
  const { bob } = conversation
  const { local } = conversation.alice
  const random = samples.bytes
  const sides = { local, remote: bob.local.address, random, nowMs: startMs, curve: bunCurve }
  const { kyber, oneTime, signed } = bob.prekeys
  const bundle = {
    registrationId: 1,
    identityKey: bob.local.identity.publicKey,
    signedPreKey: signed,
    kyberPreKey: kyber,
    oneTimePreKey: oneTime,
  }
  const reference = { version: 1, hash: list.hash }
  const messageId = wire.messageIdOf(random(16))
  const position = wire.positionAt(startMs)
  const content: wire.Content = {
    sender: alice,
    senderDevice: samples.peerDevice,
    conversation: own,
    messageId,
    stamp: startMs,
    senderList: reference,
    recipientList: reference,
    profile: { name: 'Ada', phone: '+4915112345679' },
    body: { kind: 'text', text: 'hello' },
  }
  const plaintext = pad(wire.encodeContent(content))
  const record = await createSession({ ...sides, bundle, record: undefined })
  const { ciphertext } = await encryptMessage({ ...sides, record, plaintext })
  const log = wire.inboxOf(own)
  const head = { kind: 'entry', log, position, prev: 0 } as const
  return [
    {
      ...head,
      content: {
        kind: 'message',
        sender: alice,
        senderDevice: samples.peerDevice,
        sequence: 1,
        messageId,
        stamp: startMs,
        envelope: { device: samples.device, type: 'prekey', ciphertext },
      },
    },
    {
      ...head,
      content: {
        kind: 'receipt',
        reader: alice,
        sendingDevice: samples.device,
        delivered: 1,
        read: 1,
      },
    },
    { ...head, content: { kind: 'devices', version: 2 } },
    { kind: 'caught-up', log, position, expiredUpTo: 0 },
  ]
}

/** The fuzzer's end of a channel, and what it heard there. */
class OtherEnd {
  readonly theirs: EngineChannel
  readonly #ours: EngineChannel
  #heard: ChannelMessage[] = []

  constructor() {
    const [ours, theirs] = openChannelPair()
    this.#ours = ours
    this.theirs = theirs
    ours.listen((message) => this.#heard.push(message))
  }

  post(message: unknown): void {
    this.#ours.post(message as ChannelMessage)
  }

  async heard(): Promise<ChannelMessage[]> {
    await settled()
    return this.#heard.splice(0)
  }

  close(): void {
    this.#ours.close()
    this.theirs.close()
  }
}

const known = { tab: 'tab', engine: 'engine' }
const tabMessages = [
  { kind: 'hello', tab: 'tab' },
  { kind: 'network', isOnline: true },
  { kind: 'call', ...known, call: 1, method: 'contacts', input: [] },
  { kind: 'call', ...known, call: 2, method: 'findContact', input: [samples.peer] },
  { kind: 'call', ...known, call: 3, method: 'setDraft', input: [samples.peer, 'draft'] },
  {
    kind: 'call',
    ...known,
    call: 4,
    method: 'sendText',
    input: [samples.peer, 'a', samples.messageId],
  },
  {
    kind: 'call',
    ...known,
    call: 5,
    method: 'markRead',
    input: [samples.peer, { stamp: 1, id: samples.messageId }],
  },
  { kind: 'follow', ...known, query: 6, name: 'chats', input: [] },
  { kind: 'follow', ...known, query: 7, name: 'chat', input: [samples.peer] },
  {
    kind: 'follow',
    ...known,
    query: 8,
    name: 'timeline',
    input: [{ conversation: samples.peer, limit: 20 }],
  },
  { kind: 'unfollow', ...known, query: 7 },
  { kind: 'here', ...known },
  { kind: 'bye', ...known },
]
const engineMessages = [
  { kind: 'engine', engine: 'engine', state: { kind: 'ready', persistent: true } },
  { kind: 'engine', engine: 'other', state: { kind: 'starting' } },
  {
    kind: 'engine',
    engine: 'engine',
    state: { kind: 'failed', problem: { code: 'disk-full', says: '' } },
  },
  { kind: 'answer', tab: 'tab', call: 1, outcome: { ok: true, value: [] } },
  {
    kind: 'answer',
    tab: 'tab',
    call: 2,
    outcome: { ok: false, problem: { code: 'refused', says: '' } },
  },
  { kind: 'snapshot', tab: 'tab', query: 1, value: { kind: 'none' } },
  { kind: 'forgotten', tab: 'tab' },
]

/** Names in a message become those of this run's engine and tab. */
function named(input: Uint8Array, names: { engine: string; tab: string }): unknown {
  const message = jsonOf(input)
  if (typeof message !== 'object' || message === null) return message
  const put = (name: 'engine' | 'tab') =>
    Object.hasOwn(message, name) && Object(message)[name] === name ? { [name]: names[name] } : {}
  return { ...message, ...put('engine'), ...put('tab') }
}

async function channels(): Promise<FuzzFunction[]> {
  const world = await worldOf()
  const shared = { kind: 'json', refuses: () => false, pure: false } as const
  return [
    { ...shared, name: 'EngineHost', seeds: tabMessages.map(jsonBytes), run: hostRunner(world) },
    { ...shared, name: 'openRemote', seeds: engineMessages.map(jsonBytes), run: remoteRunner() },
  ]
}

function hostRunner(world: World): FuzzFunction['run'] {
  let count = 0
  let end: OtherEnd | undefined
  let engine = ''
  let live: LiveClient | undefined
  const begin = async () => {
    await live?.end()
    end?.close()
    live = new LiveClient(world)
    const next = new OtherEnd()
    const { client, clock } = live
    const host = new EngineHost({
      channel: next.theirs,
      clock,
      random: systemRandom,
      network() {},
    })
    host.serve(client, true)
    const [announced] = await next.heard()
    engine = announced?.kind === 'engine' ? announced.engine : ''
    return next
  }
  return async (input) => {
    if (!end || count++ % messagesPerClient === 0) end = await begin()
    end.post(named(input, { engine, tab: 'tab' }))
    return { kind: (await end.heard()).map(({ kind }) => kind).join() }
  }
}

function remoteRunner(): FuzzFunction['run'] {
  let count = 0
  let end: OtherEnd | undefined
  let tab = ''
  const begin = async () => {
    end?.close()
    const next = new OtherEnd()
    const channel = next.theirs
    const remote = openRemote({ channel, clock: new HandClock(startMs), random: systemRandom })
    const [hello] = await next.heard()
    tab = hello?.kind === 'hello' ? hello.tab : ''
    remote.account.subscribe(() => {})
    for (const call of [remote.contacts(), remote.findContact('x')]) call.catch(() => undefined)
    return next
  }
  return async (input) => {
    if (!end || count++ % messagesPerClient === 0) end = await begin()
    end.post(named(input, { engine: 'engine', tab }))
    return { kind: (await end.heard()).map(({ kind }) => kind).join() }
  }
}

function covers(...names: string[]): string[] {
  return names.map((name) => `sdk:${name}`)
}

export const engineTargets: readonly Target[] = [
  {
    name: 'sdk-engine',
    says: 'frames of a hostile server to a whole client, entries of its log among them',
    covers: covers('FrameSocket', 'Inbox', 'openEnvelope'),
    open: async () => ({ functions: await frames() }),
  },
  {
    name: 'sdk-channel',
    says: 'messages between tabs and the engine in a worker, at both ends',
    covers: covers('parseMessage', 'EngineHost', 'openRemote'),
    open: async () => ({ functions: await channels() }),
  },
]
