/** Live pages of a chat: at most 180 items in display order, from the end or around one of them. */
import type { AccountId, MessageId } from '@parley/wire'
import type { Store } from '../store/store.ts'
import { readAfter, readBefore, readFirstUnread, readMessageById } from '../store/messages.ts'
import type { MessageRow } from '../store/messages.ts'
import type {
  LiveQuery,
  TimelineBody,
  TimelineItem,
  TimelinePage,
  TimelineQuery,
} from '../types.ts'
import { liveQuery } from './live.ts'

const itemsMax = 180

export function itemOf(row: MessageRow): TimelineItem {
  return {
    id: row.id,
    conversation: row.conversation,
    from: row.sender,
    mine: row.mine,
    body: bodyOf(row),
    stamp: row.stamp,
    status: row.status,
    failure: row.status === 'failed' ? row.failure : undefined,
  }
}

function bodyOf(row: MessageRow): TimelineBody {
  switch (row.kind) {
    case 'text':
      return { kind: 'text', text: row.text }
    case 'waiting':
    case 'lost':
      return { kind: 'unreadable', state: row.kind }
    case 'unknown':
      return { kind: 'unknown' }
    case 'key-changed':
      return { kind: 'notice', notice: 'key-changed' }
  }
}

export function timelineQuery(store: Store, query: TimelineQuery): LiveQuery<TimelinePage> {
  const { conversation } = query
  let opened: { firstUnread: MessageId | undefined } | undefined
  return liveQuery(store, [`timeline:${conversation}`], () => {
    opened ??= { firstUnread: readFirstUnread(store, conversation) }
    return { ...readPage(store, query), ...opened }
  })
}

function readPage(store: Store, query: TimelineQuery): Omit<TimelinePage, 'firstUnread'> {
  const { conversation, around } = query
  const limit = Math.max(1, Math.min(query.limit, itemsMax))
  if (!around) {
    const newest = readBefore(store, {
      conversation,
      from: undefined,
      inclusive: true,
      limit: limit + 1,
    })
    const items = newest.slice(0, limit).reverse().map(itemOf)
    return { items, moreBefore: newest.length > limit, moreAfter: false }
  }
  const from = placeOf(store, conversation, around)
  const half = Math.ceil(limit / 2)
  const before = readBefore(store, { conversation, from, inclusive: true, limit: limit + 1 })
  const after = readAfter(store, { conversation, from, inclusive: false, limit: limit + 1 })
  // What one side cannot fill goes to the other.
  const afterCount = Math.min(after.length, Math.max(limit - half, limit - before.length))
  const beforeCount = Math.min(before.length, limit - afterCount)
  const rows = [...before.slice(0, beforeCount).reverse(), ...after.slice(0, afterCount)]
  return {
    items: rows.map(itemOf),
    moreBefore: before.length > beforeCount,
    moreAfter: after.length > afterCount,
  }
}

/** Where an item stands; one that is gone stood at its stamp. */
function placeOf(
  store: Store,
  conversation: AccountId,
  around: { stamp: number; id: string },
): { sort: number; id: string } {
  const row = readMessageById(store, around.id as MessageId)
  if (row?.conversation === conversation) return { sort: row.sort, id: row.id }
  return { sort: around.stamp, id: around.id }
}
