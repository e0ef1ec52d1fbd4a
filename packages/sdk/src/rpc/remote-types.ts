/**
 * What a tab sees of the engine, which runs in the worker of one tab: the client's methods as
 * promises, and its live queries, which are undefined until their first snapshot has come. Made by
 * engine-remote.ts.
 */
import type {
  AccountState,
  ChatHeader,
  ChatRow,
  Client,
  ClientProblem,
  ConnectionState,
  LiveQuery,
  TimelinePage,
  TimelineQuery,
} from '../types.ts'
import type { AccountId } from '@parley/wire'

/** Methods that are asked and answered once. */
export type RemoteCallName = Exclude<
  keyof Client,
  'account' | 'connection' | 'chats' | 'chat' | 'timeline' | 'eventsChanged' | symbol
>

type Remote<Method> = Method extends (...input: infer Input) => infer Output
  ? (...input: Input) => Promise<Awaited<Output>>
  : never

/**
 * Each rejects with ParleyError only: also with `engine-lost` when the tab that ran the engine went
 * away and nobody can know whether the call was done.
 */
export type RemoteCalls = { [Name in RemoteCallName]: Remote<Client[Name]> }

export type EngineState =
  /** No engine has announced itself, or the last one went away and the next is starting. */
  | { kind: 'starting' }
  /** persistent: false in a private window, where everything is gone when the last tab closes. */
  | { kind: 'ready'; persistent: boolean }
  /**
   * It could not start; `problem` says what to do (store-corrupt, store-newer, disk-full,
   * no-crypto...).
   */
  | { kind: 'failed'; problem: ClientProblem }

/**
 * The live queries are the same objects for the same arguments as long as somebody listens to them,
 * so they can be asked for in every render. Nothing is followed before the first listener, or a few
 * seconds after the last.
 */
export interface RemoteClient extends RemoteCalls {
  readonly engine: LiveQuery<EngineState>
  readonly account: LiveQuery<AccountState | undefined>
  readonly connection: LiveQuery<ConnectionState | undefined>
  chats(): LiveQuery<ChatRow[] | undefined>
  chat(conversation: AccountId): LiveQuery<ChatHeader | undefined>
  timeline(query: TimelineQuery): LiveQuery<TimelinePage | undefined>
  eventsChanged(listener: () => void): () => void
  /** Lets go of the engine; it goes on for the other tabs. */
  [Symbol.asyncDispose](): Promise<void>
}
