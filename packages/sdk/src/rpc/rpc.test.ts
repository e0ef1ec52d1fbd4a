/**
 * Host and remote over a broadcast channel, on real clients with databases in memory; clocks stand
 * until they are moved.
 */
import { afterEach, expect, test } from 'bun:test'
import { nobleCurve } from '@parley/crypto/reference'
import { parseAccountId, parseMessageId } from '@parley/wire'
import { openClient } from '../client.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import type { Transport } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { problemOf } from '../problems.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { Store } from '../store/store.ts'
import type { Client, LiveQuery } from '../types.ts'
import { openBroadcastChannel } from './channel.ts'
import { EngineHost } from './engine-host.ts'
import { openRemote } from './engine-remote.ts'
import type { ChannelMessage } from './messages.ts'
import type { RemoteClient } from './remote-types.ts'

const peer = parseAccountId('6b0f5e1e-7a5f-4f6c-9a52-0c8b4a8e6f01')
const other = parseAccountId('6b0f5e1e-7a5f-4f6c-9a52-0c8b4a8e6f02')
const startMs = Date.UTC(2026, 10, 22)

let channels = 0
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A network that answers nothing until the test says so. */
class SilentNetwork implements Transport {
  readonly asked: string[] = []
  openSocket() {
    return { send() {}, bufferedBytes: () => 0, close() {} }
  }
  fetch(request: Request): Promise<Response> {
    this.asked.push(new URL(request.url).pathname)
    return new Promise(() => {})
  }
}

interface Engine {
  host: EngineHost
  client: Client
  clock: HandClock
  network: SilentNetwork
  /** What tabs said of the network. */
  heard: boolean[]
  /** The worker was terminated: nothing more is heard of it. */
  die(): void
}

class World {
  readonly channel = `test-${++channels}`
  /** Everything that was said on the channel. */
  readonly said: ChannelMessage[] = []

  constructor() {
    const spy = openBroadcastChannel(this.channel)
    spy.listen((message) => this.said.push(message))
    ends.push(() => spy.close())
  }

  engine(): Engine {
    const clock = new HandClock(startMs)
    const network = new SilentNetwork()
    const client = openClient({
      driver: openBunDriver(':memory:'),
      clock,
      random: systemRandom,
      transport: network,
      curve: nobleCurve,
      server: 'http://127.0.0.1:9',
      recordEvents: true,
      observeMessageKey: undefined,
    })
    const channel = openBroadcastChannel(this.channel)
    const heard: boolean[] = []
    const hear = (isOnline: boolean) => heard.push(isOnline)
    const host = new EngineHost({ channel, clock, random: systemRandom, network: hear })
    ends.push(() => host.close())
    return { host, client, clock, network, heard, die: () => host.close() }
  }

  running(): Engine {
    const engine = this.engine()
    engine.host.serve(engine.client, true)
    return engine
  }

  tab(): { remote: RemoteClient; clock: HandClock } {
    const clock = new HandClock(startMs)
    const channel = openBroadcastChannel(this.channel)
    const remote = openRemote({ channel, clock, random: systemRandom })
    ends.push(() => remote[Symbol.asyncDispose]())
    return { remote, clock }
  }

  count(kind: ChannelMessage['kind']): number {
    return this.said.filter((message) => message.kind === kind).length
  }
}

/** Waits until the query's snapshot satisfies it; the test's own time limit bounds it. */
async function until<T>(query: LiveQuery<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = query.getSnapshot()
    if (holds(value)) return value
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = query.subscribe(resolve)
    await promise
    end()
  }
}

/** Lets messages on the channel arrive. */
async function delivered(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('a tab that is there before the engine sees it start, and its calls wait for it', async () => {
  const world = new World()
  const { remote } = world.tab()
  const contacts = remote.contacts()
  expect(remote.engine.getSnapshot()).toEqual({ kind: 'starting' })
  const engine = world.engine()
  await delivered()
  expect(world.count('call')).toBe(0)
  engine.host.serve(engine.client, false)
  expect(await contacts).toEqual([])
  expect(remote.engine.getSnapshot()).toEqual({ kind: 'ready', persistent: false })
})

test('a tab that comes later finds the engine', async () => {
  const world = new World()
  world.running()
  const { remote } = world.tab()
  await until(remote.engine, ({ kind }) => kind === 'ready')
  expect(await remote.contacts()).toEqual([])
})

test('answers go to the tab that asked, and problems come as ParleyError', async () => {
  const world = new World()
  world.running()
  const [first, second] = [world.tab(), world.tab()]
  await first.remote.setContactName(peer, ' Ada ')
  const [mine, theirs] = await Promise.all([
    first.remote.contacts(),
    thrown(second.remote.sendText(peer, 'x')),
  ])
  expect(mine).toMatchObject([{ account: peer, name: 'Ada' }])
  expect(theirs).toMatchObject({ name: 'ParleyError', problem: { code: 'not-registered' } })
})

test('live queries are undefined until the first snapshot, and follow changes in every tab', async () => {
  const world = new World()
  const engine = world.running()
  const [first, second] = [world.tab().remote, world.tab().remote]
  expect(first.account.getSnapshot()).toBeUndefined()
  expect(await until(first.account, (value) => value !== undefined)).toEqual({ kind: 'none' })
  const query = second.chat(peer)
  const end = query.subscribe(() => {})
  expect((await until(query, (value) => value !== undefined))?.draft).toBe('')
  await first.setDraft(peer, 'half a thought')
  await engine.clock.advance(16)
  await until(query, (value) => value?.draft === 'half a thought')
  end()
})

test('the same query is one object while it is followed, for all who ask for it', async () => {
  const world = new World()
  world.running()
  const { remote, clock } = world.tab()
  const query = remote.chat(peer)
  expect(remote.chat(peer)).toBe(query)
  expect(remote.chat(other)).not.toBe(query)
  const ended = [query.subscribe(() => {}), query.subscribe(() => {})]
  await until(query, (value) => value !== undefined)
  expect(world.count('follow')).toBe(1)
  for (const end of ended) end()
  await clock.advance(4_999)
  expect(remote.chat(peer)).toBe(query)
  query.subscribe(() => {})()
  await clock.advance(4_999)
  await delivered()
  expect(world.count('unfollow')).toBe(0)
  await clock.advance(1)
  await delivered()
  expect(world.count('unfollow')).toBe(1)
  expect(query.getSnapshot()).toBeUndefined()
  expect(remote.chat(peer)).not.toBe(query)
})

test('a query that was let go follows again when somebody listens once more', async () => {
  const world = new World()
  const engine = world.running()
  const { remote, clock } = world.tab()
  const query = remote.chat(peer)
  query.subscribe(() => {})()
  await clock.advance(5_000)
  const end = query.subscribe(() => {})
  await until(query, (value) => value !== undefined)
  await remote.setDraft(peer, 'again')
  await engine.clock.advance(16)
  await until(query, (value) => value?.draft === 'again')
  end()
})

test('many changes within a frame are one snapshot, the last', async () => {
  const world = new World()
  const engine = world.running()
  const { remote } = world.tab()
  const query = remote.chat(peer)
  const end = query.subscribe(() => {})
  await until(query, (value) => value !== undefined)
  await delivered()
  const before = world.count('snapshot')
  for (let number = 1; number <= 100; number++) engine.client.setDraft(peer, `draft ${number}`)
  await engine.clock.advance(16)
  await until(query, (value) => value?.draft === 'draft 100')
  await delivered()
  expect(world.count('snapshot') - before).toBe(1)
  await engine.clock.advance(1_000)
  engine.client.setDraft(peer, 'at once')
  await until(query, (value) => value?.draft === 'at once')
  end()
})

test('a tab has one snapshot under way: what changes until it has seen that is one more, the newest', async () => {
  const world = new World()
  const { clock, client } = world.running()
  const tab = openBroadcastChannel(world.channel)
  ends.push(() => tab.close())
  const drafts: unknown[] = []
  let engine = ''
  tab.listen((message) => {
    if (message.kind === 'engine') ({ engine } = message)
    if (message.kind === 'snapshot') drafts.push((message.value as { draft: string }).draft)
  })
  tab.post({ kind: 'hello', tab: 'slow' })
  await delivered()
  tab.post({ kind: 'follow', tab: 'slow', engine, query: 1, name: 'chat', input: [peer] })
  await delivered()
  for (let number = 1; number <= 10; number++) {
    client.setDraft(peer, `draft ${number}`)
    await clock.advance(1_000)
  }
  await delivered()
  expect(drafts).toEqual([''])
  tab.post({ kind: 'seen', tab: 'slow', engine, query: 1 })
  await delivered()
  await clock.advance(249)
  await delivered()
  expect(drafts).toEqual([''])
  await clock.advance(1)
  await delivered()
  expect(drafts).toEqual(['', 'draft 10'])
})

test('when the engine goes, the next one is followed and gets the calls that may be repeated', async () => {
  const world = new World()
  const first = world.running()
  const { remote } = world.tab()
  const end = remote.account.subscribe(() => {})
  await until(remote.engine, ({ kind }) => kind === 'ready')
  await until(remote.account, (value) => value !== undefined)
  first.die()
  const contacts = remote.contacts()
  const named = remote.setContactName(peer, 'Ada')
  await delivered()
  const second = world.engine()
  await until(remote.engine, ({ kind }) => kind === 'starting')
  second.host.serve(second.client, true)
  await named
  expect(await contacts).toBeArray()
  expect(second.client.contacts()).toMatchObject([{ name: 'Ada' }])
  const followed = world.said.filter(
    (message) => message.kind === 'follow' && message.name === 'account',
  )
  expect(followed).toHaveLength(2)
  end()
})

test('a call that must not be done twice says that nobody knows, and is not repeated', async () => {
  const world = new World()
  const first = world.running()
  const { remote } = world.tab()
  await until(remote.engine, ({ kind }) => kind === 'ready')
  const started = thrown(remote.startRegistration('+4915112345678'))
  await delivered()
  expect(first.network.asked).toEqual(['/v1/registrations'])
  first.die()
  const second = world.running()
  expect(await started).toMatchObject({ problem: { code: 'engine-lost' } })
  await delivered()
  expect(second.network.asked).toEqual([])
})

test('a text is sent under an id that the tab chose, so that repeating it is safe', async () => {
  const world = new World()
  world.running()
  const { remote } = world.tab()
  const id = parseMessageId('00112233445566778899aabbccddeeff')
  await thrown(remote.sendText(peer, 'x'))
  await thrown(remote.sendText(peer, 'x', id))
  await delivered()
  const inputs = world.said.flatMap((message) => (message.kind === 'call' ? [message.input] : []))
  expect(inputs[0]?.[2]).toMatch(/^[0-9a-f]{32}$/)
  expect(inputs[1]?.[2]).toBe(id)
})

test('[I9] a call is given up after a minute, and 256 at once are all that wait', async () => {
  const world = new World()
  const { remote, clock } = world.tab()
  const outcomes = Array.from({ length: 257 }, () => thrown(remote.contacts()))
  expect(await outcomes[256]).toMatchObject({ problem: { code: 'too-many-requests' } })
  await clock.advance(60_000)
  for (const outcome of outcomes.slice(0, 256)) {
    expect(await outcome).toMatchObject({ problem: { code: 'engine-lost' } })
  }
  expect(clock.pendingMs().filter((delayMs) => delayMs > 30_000)).toEqual([])
})

test('an engine that cannot start says why to every tab, and still takes what it can do', async () => {
  const world = new World()
  const engine = world.engine()
  let isErased = false
  const logout = async () => {
    isErased = true
    engine.host.serve(engine.client, true)
  }
  engine.host.fail(problemOf('store-corrupt'), { logout })
  const { remote } = world.tab()
  const failed = await until(remote.engine, ({ kind }) => kind === 'failed')
  expect(failed).toMatchObject({ problem: { code: 'store-corrupt' } })
  expect(await thrown(remote.contacts())).toMatchObject({ problem: { code: 'store-corrupt' } })
  await remote.logout()
  expect(isErased).toBe(true)
  await until(remote.engine, ({ kind }) => kind === 'ready')
  expect(await remote.contacts()).toEqual([])
})

test('a database that breaks while it is followed fails the engine, visibly', async () => {
  const world = new World()
  const engine = world.engine()
  const driver = openBunDriver(':memory:')
  const store = new Store(driver)
  const client: Client = {
    ...engine.client,
    chats: () => ({
      getSnapshot: () => {
        store.all('SELECT * FROM gone')
        return []
      },
      subscribe: () => () => {},
    }),
  }
  engine.host.serve(client, true)
  const { remote } = world.tab()
  const end = remote.chats().subscribe(() => {})
  const failed = await until(remote.engine, ({ kind }) => kind === 'failed')
  expect(failed).toMatchObject({ problem: { code: 'internal' } })
  end()
})

test('a tab that said nothing for too long is forgotten, and comes back when it speaks', async () => {
  const world = new World()
  const engine = world.running()
  const [sleeper, other] = [world.tab(), world.tab()]
  const query = sleeper.remote.chat(peer)
  const end = query.subscribe(() => {})
  await until(query, (value) => value !== undefined)
  await engine.clock.advance(150_001)
  other.remote.account.subscribe(() => {})
  await until(other.remote.account, (value) => value !== undefined)
  const before = world.count('snapshot')
  engine.client.setDraft(peer, 'unseen')
  await delivered()
  expect(world.count('snapshot')).toBe(before)
  await sleeper.clock.advance(30_000)
  await until(query, (value) => value?.draft === 'unseen')
  expect(world.count('forgotten')).toBe(1)
  end()
})

test('tabs that speak now and then are not forgotten, and those that leave are at once', async () => {
  const world = new World()
  const engine = world.running()
  const { remote, clock } = world.tab()
  const query = remote.chat(peer)
  query.subscribe(() => {})
  await until(query, (value) => value !== undefined)
  for (let minute = 0; minute < 5; minute++) {
    await clock.advance(60_000)
    await delivered()
    await engine.clock.advance(60_000)
  }
  engine.client.setDraft(peer, 'still there')
  await until(query, (value) => value?.draft === 'still there')
  expect(world.count('forgotten')).toBe(0)
  await remote[Symbol.asyncDispose]()
  await delivered()
  const before = world.count('snapshot')
  await engine.clock.advance(1_000)
  engine.client.setDraft(peer, 'nobody listens')
  await engine.clock.advance(1_000)
  await delivered()
  expect(world.count('snapshot')).toBe(before)
})

test('what a tab hears of the network reaches the engine', async () => {
  const world = new World()
  const engine = world.running()
  const tab = openBroadcastChannel(world.channel)
  ends.push(() => tab.close())
  tab.post({ kind: 'network', isOnline: false })
  tab.post({ kind: 'network', isOnline: true })
  await delivered()
  expect(engine.heard).toEqual([false, true])
})

test('[E26] a call of something that is no call is refused', async () => {
  const world = new World()
  world.running()
  await delivered()
  const announced = world.said.find((message) => message.kind === 'engine')
  const engine = announced?.kind === 'engine' ? announced.engine : ''
  const raw = openBroadcastChannel(world.channel)
  ends.push(() => raw.close())
  for (const method of ['constructor', 'account', '__proto__', 'toString']) {
    raw.post({ kind: 'call', tab: 'x', engine, call: 1, method: method as never, input: [] })
  }
  await delivered()
  const answers = world.said.flatMap((message) => (message.kind === 'answer' ? [message] : []))
  expect(answers.map(({ outcome }) => outcome.ok)).toEqual([false, false, false, false])
})
