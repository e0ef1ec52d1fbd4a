/**
 * A tab's end of the channel: a client whose calls are answered by the engine in some tab's worker.
 * When that tab goes, the next engine announces itself: queries are followed anew, calls that may
 * be repeated are made again.
 */
import { type AccountId, messageIdOf, toHex } from '@parley/wire'
import { LiveValue } from '../state/live-value.ts'
import type { Clock, RandomBytes } from '../platform/ports.ts'
import { parleyError } from '../problems.ts'
import {
  type AccountState,
  type ChatHeader,
  type ChatRow,
  type ConnectionState,
  ParleyError,
  type TimelinePage,
  type TimelineQuery,
} from '../types.ts'
import type { EngineChannel } from './channel.ts'
import {
  type CallOutcome,
  type ChannelMessage,
  type EngineId,
  type QueryName,
  remoteCalls,
  type TabId,
} from './messages.ts'
import { RemoteQuery } from './remote-query.ts'
import type { EngineState, RemoteCallName, RemoteCalls, RemoteClient } from './remote-types.ts'

const callMs = 60_000
const callsMax = 256
const hereMs = 30_000

export interface RemoteOptions {
  channel: EngineChannel
  clock: Clock
  random: RandomBytes
}

interface PendingCall {
  method: RemoteCallName
  input: readonly unknown[]
  /** The engine that it was sent to; undefined: to none yet. */
  sentTo: EngineId | undefined
  settle(outcome: CallOutcome): void
}

interface FollowedQuery {
  name: QueryName
  input: readonly unknown[]
  query: RemoteQuery<unknown>
}

/**
 * The calls, the queries and what is known of the engine; `openRemote` gives it the shape of a
 * client.
 */
class RemoteEngine {
  readonly state = new LiveValue<EngineState>({ kind: 'starting' })
  readonly #options: RemoteOptions
  readonly #tab: TabId
  readonly #calls = new Map<number, PendingCall>()
  /** By number: what the engine is asked to push. */
  readonly #followed = new Map<number, FollowedQuery>()
  /** By name and input: what is handed out to everybody who asks for the same. */
  readonly #shared = new Map<string, RemoteQuery<unknown>>()
  #engine: EngineId | undefined
  #lastNumber = 0
  #cancelHere = () => {}
  #isClosed = false

  constructor(options: RemoteOptions) {
    this.#options = options
    this.#tab = toHex(options.random(16))
    options.channel.listen((message) => this.#handle(message))
    options.channel.post({ kind: 'hello', tab: this.#tab })
    this.#sayHere()
  }

  call(method: RemoteCallName, input: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(parleyError('engine-lost'))
    if (this.#calls.size >= callsMax) return Promise.reject(parleyError('too-many-requests'))
    const number = ++this.#lastNumber
    return new Promise((resolve, reject) => {
      const settle = (outcome: CallOutcome) => {
        cancel()
        this.#calls.delete(number)
        if (outcome.ok) resolve(outcome.value)
        else reject(new ParleyError(outcome.problem))
      }
      const cancel = this.#options.clock.after(callMs, () => settle(lost()))
      const call: PendingCall = { method, input, sentTo: undefined, settle }
      this.#calls.set(number, call)
      this.#send(number, call)
    })
  }

  /** The same query for the same name and input, while it is followed. */
  shared<T>(name: QueryName, ...input: readonly unknown[]): RemoteQuery<T> {
    const key = JSON.stringify([name, input])
    const known = this.#shared.get(key)
    if (known) return known as RemoteQuery<T>
    const query = this.query<T>(name, input, () => this.#shared.delete(key))
    this.#shared.set(key, query as RemoteQuery<unknown>)
    return query
  }

  query<T>(name: QueryName, input: readonly unknown[], ended: () => void): RemoteQuery<T> {
    const number = ++this.#lastNumber
    const query = new RemoteQuery<unknown>({
      clock: this.#options.clock,
      follow: () => {
        const followed = { name, input, query }
        this.#followed.set(number, followed)
        this.#follow(number, followed)
      },
      end: () => {
        ended()
        if (!this.#followed.delete(number)) return
        this.#post((engine) => ({ kind: 'unfollow', tab: this.#tab, engine, query: number }))
      },
    })
    return query as RemoteQuery<T>
  }

  close(): void {
    if (this.#isClosed) return
    this.#cancelHere()
    this.#post((engine) => ({ kind: 'bye', tab: this.#tab, engine }))
    this.#isClosed = true
    for (const call of [...this.#calls.values()]) call.settle(lost())
    this.#options.channel.close()
  }

  #handle(message: ChannelMessage): void {
    switch (message.kind) {
      case 'engine':
        this.#announced(message.engine, message.state)
        return
      case 'answer':
        if (message.tab === this.#tab) this.#calls.get(message.call)?.settle(message.outcome)
        return
      case 'snapshot':
        if (message.tab === this.#tab) this.#pushed(message.query, message.value)
        return
      case 'forgotten':
        if (message.tab === this.#tab) this.#followAll()
        return
      case 'hello':
      case 'network':
      case 'call':
      case 'follow':
      case 'unfollow':
      case 'seen':
      case 'here':
      case 'bye':
        // What other tabs say is for the engine.
        return
    }
  }

  #pushed(query: number, value: unknown): void {
    this.#followed.get(query)?.query.push(value)
    this.#post((engine) => ({ kind: 'seen', tab: this.#tab, engine, query }))
  }

  #announced(engine: EngineId, state: EngineState): void {
    const isNews = engine !== this.#engine || state.kind !== this.state.getSnapshot().kind
    if (!isNews) return
    this.#engine = engine
    this.state.set(state)
    if (state.kind === 'starting') return
    for (const [number, call] of [...this.#calls]) this.#sendAgain(number, call)
    this.#followAll()
  }

  /** Nobody knows whether a call to an engine that has gone was done. */
  #sendAgain(number: number, call: PendingCall): void {
    if (call.sentTo === this.#engine) return
    if (call.sentTo !== undefined && remoteCalls[call.method] === 'once') call.settle(lost())
    else this.#send(number, call)
  }

  #send(number: number, call: PendingCall): void {
    const { input, method } = call
    if (this.state.getSnapshot().kind === 'starting') return
    this.#post((engine) => {
      call.sentTo = engine
      return { kind: 'call', tab: this.#tab, engine, call: number, method, input }
    })
  }

  #followAll(): void {
    for (const [number, followed] of this.#followed) this.#follow(number, followed)
  }

  #follow(query: number, { input, name }: FollowedQuery): void {
    if (this.state.getSnapshot().kind !== 'ready') return
    this.#post((engine) => ({ kind: 'follow', tab: this.#tab, engine, query, name, input }))
  }

  #sayHere(): void {
    this.#cancelHere = this.#options.clock.after(hereMs, () => {
      this.#post((engine) => ({ kind: 'here', tab: this.#tab, engine }))
      this.#sayHere()
    })
  }

  #post(message: (engine: EngineId) => ChannelMessage): void {
    if (this.#engine === undefined || this.#isClosed) return
    this.#options.channel.post(message(this.#engine))
  }
}

export function openRemote(options: RemoteOptions): RemoteClient {
  const engine = new RemoteEngine(options)
  const kept = () => {}
  return {
    ...callsOf(engine),
    sendText: (conversation, text, id = messageIdOf(options.random(16))) =>
      engine.call('sendText', [conversation, text, id]) as ReturnType<RemoteCalls['sendText']>,
    engine: engine.state,
    account: engine.query<AccountState>('account', [], kept),
    connection: engine.query<ConnectionState>('connection', [], kept),
    chats: () => engine.shared<ChatRow[]>('chats'),
    chat: (conversation: AccountId) => engine.shared<ChatHeader>('chat', conversation),
    timeline: (query: TimelineQuery) => engine.shared<TimelinePage>('timeline', query),
    eventsChanged: (listener) => engine.shared<number>('events').subscribe(listener),
    [Symbol.asyncDispose]: async () => engine.close(),
  }
}

function callsOf(engine: RemoteEngine): RemoteCalls {
  const names = Object.keys(remoteCalls) as RemoteCallName[]
  const calls = names.map((name) => [name, (...input: unknown[]) => engine.call(name, input)])
  return Object.fromEntries(calls) as RemoteCalls
}

function lost(): CallOutcome {
  return { ok: false, problem: parleyError('engine-lost').problem }
}
