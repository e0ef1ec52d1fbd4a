/**
 * What tabs and the engine say to each other over one broadcast channel. All of it is of one origin
 * and one version: the channel's name carries the version, so tabs of different releases do not
 * hear each other.
 */
import type { ClientProblem } from '../types.ts'
import type { EngineState, RemoteCallName } from './remote-types.ts'

export const channelName = 'parley-engine-2'

/** Random, of one engine's life and of one tab's. */
export type EngineId = string
export type TabId = string

const queryNames = ['account', 'connection', 'chats', 'chat', 'timeline', 'events'] as const
export type QueryName = (typeof queryNames)[number]

export function isQueryName(name: unknown): name is QueryName {
  return queryNames.some((known) => known === name)
}

export type TabMessage =
  /** Is there an engine? */
  | { kind: 'hello'; tab: TabId }
  /** To any engine: the tab hears more of the network than a worker does. */
  | { kind: 'network'; isOnline: boolean }
  | {
      kind: 'call'
      tab: TabId
      engine: EngineId
      call: number
      method: RemoteCallName
      input: readonly unknown[]
    }
  | {
      kind: 'follow'
      tab: TabId
      engine: EngineId
      query: number
      name: QueryName
      input: readonly unknown[]
    }
  | { kind: 'unfollow'; tab: TabId; engine: EngineId; query: number }
  /** The snapshot has come: there may be another. */
  | { kind: 'seen'; tab: TabId; engine: EngineId; query: number }
  /** The tab is still there. */
  | { kind: 'here'; tab: TabId; engine: EngineId }
  | { kind: 'bye'; tab: TabId; engine: EngineId }

export type CallOutcome = { ok: true; value: unknown } | { ok: false; problem: ClientProblem }

export type EngineMessage =
  /** To all, at each change and as the answer to hello. */
  | { kind: 'engine'; engine: EngineId; state: EngineState }
  | { kind: 'answer'; tab: TabId; call: number; outcome: CallOutcome }
  | { kind: 'snapshot'; tab: TabId; query: number; value: unknown }
  /** The tab was silent for too long and forgotten: it must follow anew. */
  | { kind: 'forgotten'; tab: TabId }

export type ChannelMessage = TabMessage | EngineMessage

/**
 * Whether a call may be made again when nobody knows if it was done. `repeat`: doing it twice is
 * doing it once. The table is complete by its type, and the only list of what a tab may call.
 */
export const remoteCalls: Record<RemoteCallName, 'repeat' | 'once'> = {
  start: 'repeat',
  stop: 'repeat',
  startRegistration: 'once',
  finishRegistration: 'once',
  logout: 'once',
  findContact: 'repeat',
  contacts: 'repeat',
  setContactName: 'repeat',
  ownLink: 'repeat',
  message: 'repeat',
  // The tab chooses the message id.
  sendText: 'repeat',
  retry: 'repeat',
  markRead: 'repeat',
  setDraft: 'repeat',
  setTyping: 'repeat',
  watchPresence: 'repeat',
  safetyNumber: 'repeat',
  safetyCode: 'repeat',
  verifyScanned: 'repeat',
  acceptKey: 'repeat',
  setVerified: 'repeat',
  events: 'repeat',
  eventsDone: 'repeat',
  diagnose: 'repeat',
}
