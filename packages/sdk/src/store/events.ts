/**
 * What `listen` prints: references to messages in the order in which they became durable, until
 * they are done.
 */
import type { AccountId } from '@parley/wire'
import { readMeta, writeMeta } from './meta.ts'
import type { Store } from './store.ts'

/** Above this the oldest go: somebody has stopped asking. */
const eventsMax = 100_000

export interface EventRow {
  number: number
  type: 'message' | 'receipt'
  conversation: AccountId
  /** Number in the messages table. */
  message: number
  status: 'delivered' | 'read' | ''
}

export function insertEvent(store: Store, event: Omit<EventRow, 'number'>): void {
  const inserted = store.one<{ number: number }>(
    'INSERT INTO events (type, conversation, message, status) VALUES (?, ?, ?, ?) RETURNING number',
    [event.type, event.conversation, event.message, event.status],
  )
  store.run('DELETE FROM events WHERE number <= ?', [(inserted?.number ?? 0) - eventsMax])
  store.touch('events')
}

export function readEvents(store: Store, limit: number): EventRow[] {
  return store.all<EventRow>('SELECT * FROM events ORDER BY number LIMIT ?', [limit])
}

export function deleteEvents(store: Store, upTo: number): void {
  store.run('DELETE FROM events WHERE number <= ?', [upTo])
  writeMeta(store, 'events_done', Math.max(upTo, readMeta<number>(store, 'events_done') ?? 0))
}
