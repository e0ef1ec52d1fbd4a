/**
 * The engine's end of the channel: answers the calls of all tabs and pushes the snapshots that they
 * follow. Runs in the worker of the leading tab; engine-remote.ts is the other end.
 */
import type { Clock, RandomBytes } from '../platform/ports.ts'
import { asParleyError, problemOf } from '../problems.ts'
import type { Client, ClientProblem, LiveQuery, TimelineQuery } from '../types.ts'
import { type AccountId, toHex } from '@parley/wire'
import type { EngineChannel } from './channel.ts'
import { Follower } from './follower.ts'
import {
  type CallOutcome,
  type ChannelMessage,
  type EngineId,
  remoteCalls,
  type TabId,
  type TabMessage,
} from './messages.ts'
import type { EngineState, RemoteCallName } from './remote-types.ts'

/** Hidden tabs may speak only once a minute. */
const silentTabMs = 150_000
const tabsMax = 64
const queriesPerTabMax = 128

/** What answers calls: a client, or what can still be done when there is none. */
export type CallTarget = { [Name in RemoteCallName]?: (...input: never[]) => unknown }

export interface EngineHostOptions {
  channel: EngineChannel
  clock: Clock
  random: RandomBytes
  /** A tab says that the network has gone or come. */
  network: (isOnline: boolean) => void
}

interface Tab {
  seenAtMs: number
  readonly followers: Map<number, Follower>
}

type Serving =
  | { kind: 'starting' }
  | { kind: 'client'; client: Client }
  | { kind: 'failed'; problem: ClientProblem; target: CallTarget }

export class EngineHost {
  readonly #options: EngineHostOptions
  readonly #engine: EngineId
  readonly #tabs = new Map<TabId, Tab>()
  #serving: Serving = { kind: 'starting' }
  #state: EngineState = { kind: 'starting' }

  constructor(options: EngineHostOptions) {
    this.#options = options
    this.#engine = toHex(options.random(16))
    options.channel.listen((message) => this.#handle(message))
    this.#announce({ kind: 'starting' })
  }

  /** From here on the client is there for all tabs. */
  serve(client: Client, persistent: boolean): void {
    this.#serving = { kind: 'client', client }
    this.#announce({ kind: 'ready', persistent })
  }

  /** The engine cannot run. `target` has the calls that still can be made, logging out for one. */
  fail(problem: ClientProblem, target: CallTarget): void {
    this.#forgetAll()
    this.#serving = { kind: 'failed', problem, target }
    this.#announce({ kind: 'failed', problem })
  }

  close(): void {
    this.#forgetAll()
    this.#options.channel.close()
  }

  #announce(state: EngineState): void {
    this.#state = state
    this.#options.channel.post({ kind: 'engine', engine: this.#engine, state })
  }

  #handle(message: ChannelMessage): void {
    switch (message.kind) {
      case 'hello':
        this.#announce(this.#state)
        return
      case 'network':
        this.#options.network(message.isOnline)
        return
      case 'call':
      case 'follow':
      case 'unfollow':
      case 'seen':
      case 'here':
      case 'bye':
        if (message.engine === this.#engine) this.#handleTab(message)
        return
      case 'engine':
      case 'answer':
      case 'snapshot':
      case 'forgotten':
        // What an engine says is for tabs.
        return
    }
  }

  #handleTab(message: Extract<TabMessage, { engine: EngineId }>): void {
    switch (message.kind) {
      case 'call':
        void this.#answer(message)
        return
      case 'follow':
        this.#follow(message)
        return
      case 'unfollow':
        this.#unfollow(this.#tabs.get(message.tab), message.query)
        return
      case 'seen':
        this.#tabs.get(message.tab)?.followers.get(message.query)?.seen()
        return
      case 'here':
        this.#seen(message.tab)
        return
      case 'bye':
        this.#forget(message.tab)
    }
  }

  async #answer(message: Extract<TabMessage, { kind: 'call' }>): Promise<void> {
    const { call, input, method, tab } = message
    const outcome = await this.#outcome(method, input)
    this.#options.channel.post({ kind: 'answer', tab, call, outcome })
  }

  async #outcome(method: RemoteCallName, input: readonly unknown[]): Promise<CallOutcome> {
    const serving = this.#serving
    const target: CallTarget | undefined =
      serving.kind === 'client' ? serving.client : serving.kind === 'failed' ? serving.target : {}
    const called = Object.hasOwn(remoteCalls, method) ? target[method] : undefined
    if (!called) {
      const problem = serving.kind === 'failed' ? serving.problem : problemOf('engine-lost')
      return { ok: false, problem }
    }
    try {
      return { ok: true, value: await called.apply(target, input as never[]) }
    } catch (error) {
      return { ok: false, problem: asParleyError(error).problem }
    }
  }

  #follow(message: Extract<TabMessage, { kind: 'follow' }>): void {
    if (this.#serving.kind !== 'client') return
    const { channel, clock } = this.#options
    const tab = this.#tabOf(message.tab)
    this.#unfollow(tab, message.query)
    const query = queryOf(this.#serving.client, message)
    const push = (value: unknown) =>
      channel.post({ kind: 'snapshot', tab: message.tab, query: message.query, value })
    const failed = (error: unknown) => this.fail(asParleyError(error).problem, {})
    const follower = new Follower({ clock, query, push, failed })
    tab.followers.set(message.query, follower)
    if (tab.followers.size > queriesPerTabMax) this.#unfollow(tab, firstKey(tab.followers))
    follower.start()
  }

  #unfollow(tab: Tab | undefined, query: number | undefined): void {
    if (!tab || query === undefined) return
    tab.followers.get(query)?.end()
    tab.followers.delete(query)
  }

  #tabOf(id: TabId): Tab {
    this.#forgetSilent()
    const tab = this.#tabs.get(id) ?? { seenAtMs: 0, followers: new Map() }
    tab.seenAtMs = this.#options.clock.now()
    // Anew at the end: the first is the one that was heard of longest ago.
    this.#tabs.delete(id)
    this.#tabs.set(id, tab)
    if (this.#tabs.size > tabsMax) this.#forget(firstKey(this.#tabs))
    return tab
  }

  #seen(id: TabId): void {
    if (this.#tabs.has(id)) this.#tabOf(id)
    else this.#options.channel.post({ kind: 'forgotten', tab: id })
  }

  /** Tabs that crashed said no bye. */
  #forgetSilent(): void {
    const before = this.#options.clock.now() - silentTabMs
    for (const [id, tab] of this.#tabs) if (tab.seenAtMs < before) this.#forget(id)
  }

  #forget(id: TabId | undefined): void {
    const tab = id === undefined ? undefined : this.#tabs.get(id)
    if (id === undefined || !tab) return
    for (const follower of tab.followers.values()) follower.end()
    this.#tabs.delete(id)
  }

  #forgetAll(): void {
    for (const id of [...this.#tabs.keys()]) this.#forget(id)
  }
}

function firstKey<Key>(map: ReadonlyMap<Key, unknown>): Key | undefined {
  for (const key of map.keys()) return key
  return undefined
}

function queryOf(
  client: Client,
  { input, name }: Extract<TabMessage, { kind: 'follow' }>,
): LiveQuery<unknown> {
  switch (name) {
    case 'account':
      return client.account
    case 'connection':
      return client.connection
    case 'chats':
      return client.chats()
    case 'chat':
      return client.chat(input[0] as AccountId)
    case 'timeline':
      return client.timeline(input[0] as TimelineQuery)
    case 'events':
      return eventCounter(client)
  }
}

/** Another number after each change of the events. */
function eventCounter(client: Client): LiveQuery<number> {
  let changes = 0
  return {
    getSnapshot: () => changes,
    subscribe: (listener) =>
      client.eventsChanged(() => {
        changes += 1
        listener()
      }),
  }
}
