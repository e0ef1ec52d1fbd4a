/** Tells the engine what has been seen: the last message in sight, while somebody is looking. */
import { useEffect, useRef } from 'react'
import { useClient } from '../../client/client-context.ts'
import type { Conversation } from '../../client/queries.ts'
import type { TimelineCursor, TimelineItem, TimelinePage } from '../../client/types.ts'
import { isWatching, onWatchingChange } from '../../platform/watching.ts'
import type { ViewFeed } from './view-feed.ts'

interface ReadMark {
  conversation: Conversation
  page: TimelinePage | undefined
  feed: ViewFeed
  unread: number
}

export function useReadMark({ conversation, page, feed, unread }: ReadMark): void {
  const client = useClient()
  const marked = useRef<TimelineCursor | undefined>(undefined)
  useEffect(() => {
    if (page === undefined || unread === 0) return
    const look = () => {
      const seen = lastSeen(page, feed.latest?.last)
      if (seen === undefined || !isWatching() || !isAfter(seen, marked.current)) return
      const cursor = { stamp: seen.stamp, id: seen.id }
      marked.current = cursor
      client.markRead(conversation, cursor).catch(() => {
        marked.current = undefined
      })
    }
    look()
    const endings = [feed.subscribe(look), onWatchingChange(look)]
    return () => {
      for (const end of endings) end()
    }
  }, [client, conversation, feed, page, unread])
}

function lastSeen(page: TimelinePage, lastInSight: string | undefined): TimelineItem | undefined {
  const end = page.items.findIndex((item) => item.id === lastInSight)
  return page.items.slice(0, end + 1).findLast((item) => !item.mine)
}

function isAfter(item: TimelineItem, cursor: TimelineCursor | undefined): boolean {
  if (cursor === undefined) return true
  return item.stamp > cursor.stamp || (item.stamp === cursor.stamp && item.id > cursor.id)
}
