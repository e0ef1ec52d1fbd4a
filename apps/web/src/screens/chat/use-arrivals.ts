/**
 * Notices messages that come in while the chat is open: says them to screen readers, and marks them
 * as new when nobody is looking.
 */
import { useEffect, useRef, useState } from 'react'
import type { TimelineItem, TimelinePage } from '../../client/types.ts'
import { isWatching } from '../../platform/watching.ts'
import type { MessageWindow } from './use-message-window.ts'

interface Arrivals {
  announcement: string
  /** The newest message that came after the chat was opened. */
  newest: string | undefined
}

interface Seen {
  last: TimelineItem | undefined
  /** The newest of the other person: own ones that wait for sending stand after it. */
  theirs: TimelineItem | undefined
}

export function useArrivals(messages: MessageWindow, title: string): Arrivals {
  const { page, opening, unread, setUnread } = messages
  const seen = useRef<Seen | undefined>(undefined)
  const [arrivals, setArrivals] = useState<Arrivals>({ announcement: '', newest: undefined })
  useEffect(() => {
    if (opening === undefined || page === undefined || page.moreAfter) return
    const before = seen.current
    const { last, theirs } = endOf(page)
    seen.current = { last, theirs }
    if (before === undefined) return
    if (last?.mine === true && last.id !== before.last?.id) {
      setArrivals({ announcement: '', newest: last.id })
      setUnread(undefined)
    } else if (theirs !== undefined && isLater(theirs, before.theirs)) {
      setArrivals({ announcement: spoken(theirs, title), newest: theirs.id })
      if (isWatching()) return
      const fresh = page.items.find((item) => !item.mine && isLater(item, before.theirs))
      const id = unread?.id ?? fresh?.id ?? theirs.id
      setUnread({ id, count: countFrom(page, id) ?? (unread?.count ?? 0) + 1 })
    }
  }, [opening, page, setUnread, title, unread])
  return arrivals
}

function endOf({ items }: TimelinePage): Seen {
  return { last: items.at(-1), theirs: items.findLast((item) => !item.mine) }
}

/** Undefined when the first of them is not mounted. */
function countFrom({ items }: TimelinePage, id: string): number | undefined {
  const from = items.findIndex((item) => item.id === id)
  return from === -1 ? undefined : items.slice(from).filter((item) => !item.mine).length
}

function isLater(item: TimelineItem, than: TimelineItem | undefined): boolean {
  if (than === undefined) return true
  return item.stamp > than.stamp || (item.stamp === than.stamp && item.id > than.id)
}

const spokenMax = 500

function spoken(item: TimelineItem, title: string): string {
  return item.body.kind === 'text' ? `${title}: ${item.body.text.slice(0, spokenMax)}` : title
}
