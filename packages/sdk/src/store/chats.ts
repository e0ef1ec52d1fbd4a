/**
 * The chat list, materialised: a row per chat, written in the transaction that changes its
 * messages.
 */
import type { AccountId } from '@parley/wire'
import type { MessageStatus } from '../types.ts'
import type { MessageKind } from './messages.ts'
import type { Store } from './store.ts'

export interface ChatState {
  conversation: AccountId
  /** Number of the newest message; undefined when there is none. */
  newest: number | undefined
  stamp: number
  sort: number
  unread: number
  draft: string
}

interface Row {
  conversation: string
  newest: number | null
  stamp: number
  sort: number
  unread: number
  draft: string
}

function chatOf(row: Row): ChatState {
  return {
    ...row,
    conversation: row.conversation as AccountId,
    newest: row.newest ?? undefined,
  }
}

export function readChat(store: Store, conversation: AccountId): ChatState | undefined {
  const row = store.one<Row>('SELECT * FROM chats WHERE conversation = ?', [conversation])
  return row && chatOf(row)
}

/**
 * A chat with what its line in the list shows, read at once: the list is read after each change.
 */
export interface ChatLine {
  conversation: AccountId
  stamp: number
  unread: number
  draft: string
  kind: MessageKind | null
  /** The beginning. */
  text: string | null
  mine: number | null
  status: MessageStatus | null
  own_name: string | null
  profile_name: string | null
  phone: string | null
}

/** Newest first. */
export function readChatLines(store: Store, textLength: number): ChatLine[] {
  return store.all<ChatLine>(
    `SELECT chats.conversation, chats.stamp, chats.unread, chats.draft, messages.kind,
       substr(messages.text, 1, ?) AS text, messages.mine, messages.status,
       contacts.own_name, contacts.profile_name, contacts.phone
     FROM chats LEFT JOIN messages ON messages.number = chats.newest
       LEFT JOIN contacts ON contacts.account = chats.conversation
     WHERE chats.newest IS NOT NULL OR chats.draft <> ''
     ORDER BY chats.sort DESC`,
    [textLength],
  )
}

/** Makes the row anew from the chat's messages. */
export function writeChat(store: Store, conversation: AccountId): void {
  store.run(
    `INSERT INTO chats (conversation, newest, stamp, sort, unread, draft)
     SELECT ?, newest.number, coalesce(newest.stamp, 0), coalesce(newest.sort, 0),
       (SELECT count(*) FROM messages WHERE conversation = ? AND unread = 1), ''
     FROM (SELECT 1) LEFT JOIN (
       SELECT number, stamp, sort FROM messages WHERE conversation = ?
       ORDER BY sort DESC, id DESC LIMIT 1) AS newest
     ON true
     ON CONFLICT DO UPDATE SET newest = excluded.newest, stamp = excluded.stamp,
       sort = excluded.sort, unread = excluded.unread`,
    [conversation, conversation, conversation],
  )
  store.touch('chats', `chat:${conversation}`)
}

export function writeDraft(store: Store, conversation: AccountId, draft: string): void {
  writeChat(store, conversation)
  store.run('UPDATE chats SET draft = ? WHERE conversation = ?', [draft, conversation])
}
