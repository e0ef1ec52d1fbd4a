/** Tells the engine what has been seen: the last message in sight, while somebody is looking. */
import { useEffect, useMemo, useRef } from 'react'
import { useClient } from '../../client/client-context.ts'
import type { Conversation } from '../../client/queries.ts'
import type { TimelineCursor, TimelineItem, TimelinePage } from '../../client/types.ts'
import { after } from '../../platform/clock.ts'
import { paced } from '../../platform/paced.ts'
import { isWatching, onWatchingChange } from '../../platform/watching.ts'
import type { ViewFeed } from './view-feed.ts'

interface ReadMark {
  conversation: Conversation
  page: TimelinePage | undefined
  feed: ViewFeed
  unread: number
}

/** While a backlog comes in, one mark in this time is enough. */
const pauseMs = 250

export function useReadMark({ conversation, page, feed, unread }: ReadMark): void {
  const client = useClient()
  const marked = useRef<TimelineCursor | undefined>(undefined)
  const mark = useMemo(() => {
    const call = async (cursor: TimelineCursor) => {
      try {
        await client.markRead(conversation, cursor)
      } catch {
        // Nothing is marked by what failed; the next look tries again.
        marked.current = undefined
      }
    }
    return paced(call, () => new Promise((resolve) => void after(pauseMs, resolve)))
  }, [client, conversation])
  useEffect(() => {
    if (page === undefined || unread === 0) return
    const look = () => {
      const seen = lastSeen(page, feed.latest?.last)
      if (seen === undefined || !isWatching() || !isAfter(seen, marked.current)) return
      marked.current = { stamp: seen.stamp, id: seen.id }
      mark(marked.current)
    }
    look()
    const endings = [feed.subscribe(look), onWatchingChange(look)]
    return () => {
      for (const end of endings) end()
    }
  }, [feed, mark, page, unread])
}

function lastSeen(page: TimelinePage, lastInSight: string | undefined): TimelineItem | undefined {
  const end = page.items.findIndex((item) => item.id === lastInSight)
  return page.items.slice(0, end + 1).findLast((item) => !item.mine)
}

function isAfter(item: TimelineItem, cursor: TimelineCursor | undefined): boolean {
  if (cursor === undefined) return true
  return item.stamp > cursor.stamp || (item.stamp === cursor.stamp && item.id > cursor.id)
}
