/**
 * What the SDK shows to interfaces: immutable snapshots, live queries over them, and the errors
 * that a person can act on. The facade that gives them is client.ts.
 */
import type { AccountId, DeviceId, MessageId } from '@parley/wire'

/**
 * A value that changes. Listeners are called once per change of the database, after it was
 * committed; getSnapshot returns the same object until then.
 */
export interface LiveQuery<T> {
  getSnapshot(): T
  /** Returns the function that ends it. */
  subscribe(listener: () => void): () => void
}

export type AccountState =
  | { kind: 'none' }
  | { kind: 'registered'; account: AccountId; device: DeviceId; phone: string; name: string }
  /**
   * The device is no longer on its account (removed, or the number was registered elsewhere). What
   * is unsent stays readable.
   */
  | { kind: 'revoked'; account: AccountId; device: DeviceId; phone: string; name: string }

export interface ConnectionState {
  /**
   * offline: waiting for the network or the next try; catching-up: connected, the backlog is
   * coming.
   */
  status: 'offline' | 'connecting' | 'catching-up' | 'online' | 'stopped'
  /** When the next try is due, Unix ms. */
  retryAtMs: number | undefined
  /** What stands in the way, if it is more than a missing network. */
  problem: ClientProblem | undefined
}

export type MessageStatus = 'pending' | 'accepted' | 'delivered' | 'read' | 'failed'

/** Where a message or day stands in its chat: display order is (stamp, id). */
export interface TimelineCursor {
  stamp: number
  id: string
}

export type TimelineBody =
  | { kind: 'text'; text: string }
  /** Waiting for its sender to send it again, or refused for good. */
  | { kind: 'unreadable'; state: 'waiting' | 'lost' }
  /** Made by a newer version. */
  | { kind: 'unknown' }
  /**
   * A system line. `key-changed`: the person registered anew; their safety number is another one.
   */
  | { kind: 'notice'; notice: 'key-changed' }

export interface TimelineItem {
  id: MessageId
  conversation: AccountId
  from: AccountId
  mine: boolean
  body: TimelineBody
  /** Unix ms; pending messages carry the time of writing and sort last. */
  stamp: number
  /** Of own messages only. */
  status: MessageStatus | undefined
  /** Why it was not sent, when failed. */
  failure: ClientProblem | undefined
}

export interface TimelinePage {
  /** Oldest first. */
  items: TimelineItem[]
  /** There is more before the first, after the last. */
  moreBefore: boolean
  moreAfter: boolean
  /** The first unread message when the query was opened, for the divider. */
  firstUnread: MessageId | undefined
}

export interface TimelineQuery {
  conversation: AccountId
  /** The page ends at the newest (undefined), or is taken around this item. */
  around: TimelineCursor | undefined
  /** How many items at most; <= 180. */
  limit: number
}

export interface ChatRow {
  conversation: AccountId
  /**
   * What to call the person: own contact name, else the name they gave, else the number, else a
   * short id.
   */
  title: string
  /** Alias to print: number, else the account id. */
  alias: string
  preview: string
  previewMine: boolean
  previewStatus: MessageStatus | undefined
  /** Unix ms of the newest message; 0 when there is none. */
  stamp: number
  unread: number
  draft: string
  typing: boolean
}

export interface ChatHeader {
  conversation: AccountId
  title: string
  alias: string
  phone: string | undefined
  /** undefined: not known. */
  online: boolean | undefined
  /** Unix ms; 0 when not known. */
  lastSeen: number
  typing: boolean
  draft: string
  unread: number
  /**
   * The person's root key changed since their number was compared or first seen, and nobody has
   * looked at it yet.
   */
  keyChanged: boolean
  verified: boolean
}

export interface Contact {
  account: AccountId
  phone: string | undefined
  name: string
}

/**
 * What `listen` prints; handed out in the order in which it became durable, again after a crash
 * until `done`.
 */
export type ClientEvent = { number: number } & (
  | {
      type: 'message'
      id: MessageId
      conversation: AccountId
      from: string
      text: string
      sentAtMs: number
    }
  | {
      type: 'receipt'
      conversation: AccountId
      from: string
      status: 'delivered' | 'read'
      upTo: MessageId
    }
)

/** A failure that a person can do something about. `says` is a sentence that tells what. */
export interface ClientProblem {
  code: ProblemCode
  says: string
}

export type ProblemCode =
  | 'server-unreachable'
  | 'refused'
  | 'wrong-code'
  | 'code-expired'
  | 'unknown-recipient'
  | 'too-long'
  | 'empty'
  | 'clock-off'
  | 'token-expired'
  | 'revoked'
  | 'rolled-back'
  | 'key-changed'
  | 'disk-full'
  | 'store-corrupt'
  | 'store-newer'
  | 'profile-busy'
  | 'not-registered'
  | 'too-many-requests'
  | 'expired'
  | 'no-crypto'
  /** The tab that ran the engine went away in the middle of a call. */
  | 'engine-lost'
  | 'internal'

export class ParleyError extends Error {
  override readonly name = 'ParleyError'
  readonly problem: ClientProblem
  constructor(problem: ClientProblem, options?: ErrorOptions) {
    super(problem.says, options)
    this.problem = problem
  }
}

/**
 * `mismatch`: other keys than the ones here, which may be an attack. `other-version`: an app that
 * computes its numbers in another way. `no-code`: no code of a safety number at all.
 */
export type ScanOutcome = 'match' | 'mismatch' | 'other-version' | 'no-code'

export interface RegistrationStep {
  registration: string
  phone: string
  codeDigits: number
  resendInS: number
}

export interface Registered {
  account: AccountId
  device: DeviceId
  /** To be shown to the person once, and kept by them. Empty when an existing one was used. */
  recoveryKey: string
}

/** The facade. All methods reject with ParleyError only. */
export interface Client {
  readonly account: LiveQuery<AccountState>
  readonly connection: LiveQuery<ConnectionState>

  /** Connects and stays connected until stopped; idempotent. */
  start(): void
  stop(): Promise<void>

  startRegistration(phone: string): Promise<RegistrationStep>
  /** `recoveryKey`: of an account registered before, so that its root stays the same. */
  finishRegistration(input: {
    registration: string
    code: string
    name: string
    recoveryKey: string | undefined
  }): Promise<Registered>
  /** Ends the session at the server if it can be reached, and erases the local store. */
  logout(): Promise<void>

  /** ALIAS: number, link to a person, or account id. */
  findContact(alias: string): Promise<Contact>
  contacts(): Contact[]
  setContactName(account: AccountId, name: string): void
  /** The link that lets others start a chat with this account. */
  ownLink(): string

  chats(): LiveQuery<ChatRow[]>
  chat(conversation: AccountId): LiveQuery<ChatHeader>
  timeline(query: TimelineQuery): LiveQuery<TimelinePage>
  message(id: MessageId): TimelineItem | undefined

  /**
   * Resolves when the message is committed locally with its clock; sending goes on by itself. Who
   * cannot know whether a call was done chooses the id and asks again: a message that is there
   * already is not written a second time.
   */
  sendText(conversation: AccountId, text: string, id?: MessageId): Promise<MessageId>
  /** A failed one goes to the end of the queue again, in its old place of the chat. */
  retry(id: MessageId): Promise<void>
  /** Everything shown up to this item has been seen. */
  markRead(conversation: AccountId, upTo: TimelineCursor): Promise<void>
  setDraft(conversation: AccountId, text: string): void
  setTyping(conversation: AccountId, active: boolean): void
  /** Whose presence is wanted: the open chat's. */
  watchPresence(conversation: AccountId | undefined): void

  /** The sixty digits to compare by eye. */
  safetyNumber(conversation: AccountId): Promise<string>
  /** The same number as the bytes of a QR code, for the other side to scan. */
  safetyCode(conversation: AccountId): Promise<Uint8Array>
  /** Verifies by what was scanned from the other's screen. Nothing but `match` verifies. */
  verifyScanned(conversation: AccountId, scanned: Uint8Array): Promise<ScanOutcome>
  /** The person has seen that the key changed; sending goes on. */
  acceptKey(conversation: AccountId): Promise<void>
  /**
   * `compared`: the digits that were on the screen; `key-changed` when they are not the present
   * ones.
   */
  setVerified(conversation: AccountId, verified: boolean, compared?: string): Promise<void>

  /** At most `limit` events after those that are done. */
  events(limit: number): ClientEvent[]
  eventsChanged(listener: () => void): () => void
  /** Events up to this number were handled and will not come again. */
  eventsDone(number: number): void

  /** Self-examination without secrets, for `doctor`. */
  diagnose(): Promise<DiagnosisLine[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface DiagnosisLine {
  check: string
  ok: boolean
  says: string
}
