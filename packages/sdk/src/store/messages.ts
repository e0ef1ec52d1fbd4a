/**
 * What is shown in chats, in display order. `sort` is the stamp once it is fixed, save for what
 * came under a changed key; what waits for a stamp sorts last, in the order of writing.
 */
import type { AccountId, DeviceId, MessageId } from '@parley/wire'
import type { ClientProblem, MessageStatus, ProblemCode } from '../types.ts'
import { writeChat } from './chats.ts'
import type { Store } from './store.ts'

/** Above every stamp: 2^52 ms is in the year 144,000. */
export const pendingSort = 2 ** 52

export type MessageKind =
  | 'text'
  /** Waiting for its sender to send it again. */
  | 'waiting'
  | 'lost'
  | 'unknown'
  | 'key-changed'

export interface MessageRow {
  number: number
  conversation: AccountId
  sender: AccountId
  id: MessageId
  mine: boolean
  kind: MessageKind
  text: string
  stamp: number
  sort: number
  unread: boolean
  senderDevice: string
  /** Send sequence; 0 until it has one. */
  sequence: number
  status: MessageStatus | undefined
  failure: ClientProblem | undefined
  /** The recipient's root key when it was last encrypted. */
  rootKey: Uint8Array | undefined
  /** The version of the own profile that went with it; 0: none. */
  profileVersion: number
}

interface Row {
  number: number
  conversation: string
  sender: string
  id: string
  mine: number
  kind: string
  text: string
  stamp: number
  sort: number
  unread: number
  sender_device: string
  sequence: number
  status: string | null
  failure_code: string | null
  failure_says: string | null
  root_key: Uint8Array | null
  profile_version: number
}

function messageOf(row: Row): MessageRow {
  const { failure_code: code, failure_says: says } = row
  return {
    number: row.number,
    conversation: row.conversation as AccountId,
    sender: row.sender as AccountId,
    id: row.id as MessageId,
    mine: row.mine === 1,
    kind: row.kind as MessageKind,
    text: row.text,
    stamp: row.stamp,
    sort: row.sort,
    unread: row.unread === 1,
    senderDevice: row.sender_device,
    sequence: row.sequence,
    status: (row.status ?? undefined) as MessageStatus | undefined,
    failure: code === null ? undefined : { code: code as ProblemCode, says: says ?? '' },
    rootKey: row.root_key ?? undefined,
    profileVersion: row.profile_version,
  }
}

export interface MessageKey {
  conversation: AccountId
  sender: AccountId
  id: MessageId
}

export function readMessage(store: Store, key: MessageKey): MessageRow | undefined {
  const row = store.one<Row>(
    'SELECT * FROM messages WHERE conversation = ? AND sender = ? AND id = ?',
    [key.conversation, key.sender, key.id],
  )
  return row && messageOf(row)
}

/** Own ones first: an id that somebody else made up says nothing. */
export function readMessageById(store: Store, id: MessageId): MessageRow | undefined {
  const row = store.one<Row>('SELECT * FROM messages WHERE id = ? ORDER BY mine DESC LIMIT 1', [id])
  return row && messageOf(row)
}

export function readMessageByNumber(store: Store, number: number): MessageRow | undefined {
  const row = store.one<Row>('SELECT * FROM messages WHERE number = ?', [number])
  return row && messageOf(row)
}

export interface NewMessage extends MessageKey {
  mine: boolean
  kind: MessageKind
  text: string
  stamp: number
  /** undefined: pending, sorts last. */
  sort: number | undefined
  unread: boolean
  senderDevice: DeviceId | ''
  sequence: number
  status: MessageStatus | undefined
}

/** Adds it, with the chat's row; its number, or undefined when it is there already. */
export function insertMessage(store: Store, message: NewMessage): number | undefined {
  const inserted = store.one<{ number: number }>(
    `INSERT INTO messages (conversation, sender, id, mine, kind, text, stamp, sort, unread,
       sender_device, sequence, status, profile_version)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING RETURNING number`,
    [
      message.conversation,
      message.sender,
      message.id,
      message.mine ? 1 : 0,
      message.kind,
      message.text,
      message.stamp,
      message.sort ?? pendingSort,
      message.unread ? 1 : 0,
      message.senderDevice,
      message.sequence,
      message.status ?? null,
    ],
  )
  if (!inserted) return undefined
  const { number } = inserted
  if (message.sort === undefined) {
    store.run('UPDATE messages SET sort = ? WHERE number = ?', [pendingSort + number, number])
  }
  touchMessage(store, message.conversation)
  return number
}

/**
 * A message that could not be read before is there. Its place is the one that it says itself (E16).
 */
export function writeOpened(
  store: Store,
  number: number,
  { kind, text, stamp, sort }: Pick<MessageRow, 'kind' | 'text' | 'stamp' | 'sort'>,
): void {
  changeMessage(
    store,
    `UPDATE messages SET kind = ?, text = ?, stamp = ?, sort = ?, unread = 1 WHERE number = ?
     RETURNING conversation`,
    [kind, text, stamp, sort, number],
  )
}

/** What was waited for turned out to be nothing that is shown. */
export function deleteWaiting(store: Store, key: MessageKey): void {
  changeMessage(
    store,
    `DELETE FROM messages WHERE conversation = ? AND sender = ? AND id = ? AND kind = 'waiting'
     RETURNING conversation`,
    [key.conversation, key.sender, key.id],
  )
}

/** It will never be read. */
export function writeLost(store: Store, key: MessageKey): void {
  changeMessage(
    store,
    `UPDATE messages SET kind = 'lost' WHERE conversation = ? AND sender = ? AND id = ?
     AND kind = 'waiting' RETURNING conversation`,
    [key.conversation, key.sender, key.id],
  )
}

export interface Sealed {
  stamp: number
  sequence: number
  senderDevice: DeviceId
  rootKey: Uint8Array
  profileVersion: number
}

/** An own message was encrypted: its stamp is fixed. */
export function writeSealed(store: Store, number: number, sealed: Sealed): void {
  changeMessage(
    store,
    `UPDATE messages SET stamp = ?, sort = ?, sequence = ?, sender_device = ?, root_key = ?,
       profile_version = ? WHERE number = ? RETURNING conversation`,
    [
      sealed.stamp,
      sealed.stamp,
      sealed.sequence,
      sealed.senderDevice,
      sealed.rootKey,
      sealed.profileVersion,
      number,
    ],
  )
}

export function writeAccepted(store: Store, number: number): void {
  changeMessage(
    store,
    `UPDATE messages SET status = 'accepted', failure_code = NULL, failure_says = NULL
     WHERE number = ? AND status IN ('pending', 'failed') RETURNING conversation`,
    [number],
  )
}

/** It is (again) in the queue. */
export function writePending(store: Store, number: number): void {
  changeMessage(
    store,
    `UPDATE messages SET status = 'pending', failure_code = NULL, failure_says = NULL
     WHERE number = ? RETURNING conversation`,
    [number],
  )
}

/** `stamp` fixes its place when it had none yet. */
export function writeFailed(
  store: Store,
  number: number,
  problem: ClientProblem,
  stamp: number | undefined,
): void {
  changeMessage(
    store,
    `UPDATE messages SET status = 'failed', failure_code = ?, failure_says = ?,
       stamp = coalesce(?, stamp), sort = coalesce(?, sort) WHERE number = ? RETURNING conversation`,
    [problem.code, problem.says, stamp ?? null, stamp ?? null, number],
  )
}

function changeMessage(
  store: Store,
  sql: string,
  parameters: readonly (string | number | Uint8Array | null)[],
): void {
  const changed = store.one<{ conversation: string }>(sql, parameters)
  if (changed) touchMessage(store, changed.conversation as AccountId)
}

/** The chat's row is made of its messages, in the same transaction. */
export function touchMessage(store: Store, conversation: AccountId): void {
  store.beforeCommit(`chat:${conversation}`, () => writeChat(store, conversation))
  store.touch(`timeline:${conversation}`)
}

/** The newest fixed place of the chat; 0 when there is none. */
export function newestStamp(store: Store, conversation: AccountId, except: number): number {
  return (
    store.one<{ sort: number }>(
      `SELECT sort FROM messages WHERE conversation = ? AND sort < ? AND number <> ?
       ORDER BY sort DESC LIMIT 1`,
      [conversation, pendingSort, except],
    )?.sort ?? 0
  )
}

/**
 * E1: the place of what came in with this stamp. Whoever has another key could date it back among
 * what was written under the key before; it stands below the notice of the change.
 */
export function placeOfReceived(store: Store, conversation: AccountId, stamp: number): number {
  const notice = store.one(
    `SELECT 1 FROM messages WHERE conversation = ? AND sort BETWEEN ? AND ?
     AND kind = 'key-changed' LIMIT 1`,
    [conversation, stamp, pendingSort - 1],
  )
  return notice === undefined ? stamp : newestStamp(store, conversation, 0) + 1
}

/** Own messages that a reader's mark covers and that did not know it yet, newest first. */
export function readCovered(
  store: Store,
  covered: { reader: AccountId; device: DeviceId; upTo: number; status: 'delivered' | 'read' },
): MessageRow[] {
  const before =
    covered.status === 'delivered'
      ? "('pending', 'accepted')"
      : "('pending', 'accepted', 'delivered')"
  return store
    .all<Row>(
      `SELECT * FROM messages WHERE conversation = ? AND mine = 1 AND sequence BETWEEN 1 AND ?
       AND sender_device = ? AND status IN ${before} ORDER BY sequence DESC`,
      [covered.reader, covered.upTo, covered.device],
    )
    .map(messageOf)
}

export function writeStatus(store: Store, numbers: readonly number[], status: MessageStatus): void {
  for (const number of numbers) {
    store.run('UPDATE messages SET status = ? WHERE number = ?', [status, number])
  }
}

/** Own texts that the server took and nobody is known to have: oldest first. */
export function readUndelivered(store: Store): MessageRow[] {
  return store
    .all<Row>(
      `SELECT * FROM messages WHERE mine = 1 AND kind = 'text' AND status = 'accepted'
       ORDER BY sequence`,
    )
    .map(messageOf)
}

/** Own messages that were not delivered since the time. */
export function readOverdue(store: Store, stampBefore: number, limit: number): MessageRow[] {
  return store
    .all<Row>(
      `SELECT * FROM messages WHERE mine = 1 AND status IN ('pending', 'accepted') AND stamp < ?
       LIMIT ?`,
      [stampBefore, limit],
    )
    .map(messageOf)
}

/** Nothing up to this place is unread any more; false when nothing was. */
export function writeRead(
  store: Store,
  conversation: AccountId,
  upTo: { sort: number; id: string },
): boolean {
  const read = store.all(
    `UPDATE messages SET unread = 0 WHERE conversation = ? AND unread = 1 AND (sort, id) <= (?, ?)
     RETURNING number`,
    [conversation, upTo.sort, upTo.id],
  )
  if (read.length > 0) touchMessage(store, conversation)
  return read.length > 0
}

/** The oldest unread one. */
export function readFirstUnread(store: Store, conversation: AccountId): MessageId | undefined {
  return store.one<{ id: MessageId }>(
    'SELECT id FROM messages WHERE conversation = ? AND unread = 1 ORDER BY sort, id LIMIT 1',
    [conversation],
  )?.id
}

export interface PageQuery {
  conversation: AccountId
  /** Exclusive, unless `inclusive`; undefined: from the end. */
  from: { sort: number; id: string } | undefined
  inclusive: boolean
  limit: number
}

/** The newest ones before the place, newest first. */
export function readBefore(store: Store, query: PageQuery): MessageRow[] {
  const { conversation, from, inclusive, limit } = query
  const place = from ?? { sort: Number.MAX_SAFE_INTEGER, id: '' }
  return store
    .all<Row>(
      `SELECT * FROM messages WHERE conversation = ? AND (sort, id) ${inclusive ? '<=' : '<'} (?, ?)
       ORDER BY sort DESC, id DESC LIMIT ?`,
      [conversation, place.sort, place.id, limit],
    )
    .map(messageOf)
}

/** The oldest ones after the place, oldest first. */
export function readAfter(store: Store, query: PageQuery): MessageRow[] {
  const { conversation, from, limit } = query
  const place = from ?? { sort: Number.MAX_SAFE_INTEGER, id: '' }
  return store
    .all<Row>(
      `SELECT * FROM messages WHERE conversation = ? AND (sort, id) > (?, ?)
       ORDER BY sort, id LIMIT ?`,
      [conversation, place.sort, place.id, limit],
    )
    .map(messageOf)
}
