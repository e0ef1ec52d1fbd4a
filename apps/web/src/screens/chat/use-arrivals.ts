/** Notices messages that come in while the chat is open: says them to screen readers, and marks them as new when nobody is looking. */
import { useEffect, useRef, useState } from 'react'
import type { TimelineItem } from '../../client/types.ts'
import { isWatching } from '../../platform/watching.ts'
import type { MessageWindow } from './use-message-window.ts'

interface Arrivals {
  announcement: string
  /** The newest message that came after the chat was opened. */
  newest: string | undefined
}

export function useArrivals(messages: MessageWindow, title: string): Arrivals {
  const { page, opening, unread, setUnread } = messages
  const seen = useRef<TimelineItem | undefined>(undefined)
  const [arrivals, setArrivals] = useState<Arrivals>({ announcement: '', newest: undefined })
  const last = page?.items.at(-1)
  useEffect(() => {
    if (opening === undefined || page === undefined || page.moreAfter || last === undefined) return
    const before = seen.current
    seen.current = last
    if (before === undefined || !isLater(last, before)) return
    setArrivals({ announcement: last.mine ? '' : spoken(last, title), newest: last.id })
    if (last.mine) setUnread(undefined)
    else if (!isWatching()) {
      const fresh = page.items.filter((item) => !item.mine && isLater(item, before))
      const count = (unread?.count ?? 0) + fresh.length
      setUnread({ id: unread?.id ?? fresh[0]?.id ?? last.id, count })
    }
  }, [last, opening, page, setUnread, title, unread])
  return arrivals
}

function isLater(item: TimelineItem, than: TimelineItem): boolean {
  return item.stamp > than.stamp || (item.stamp === than.stamp && item.id > than.id)
}

const spokenMax = 500

function spoken(item: TimelineItem, title: string): string {
  return item.body.kind === 'text' ? `${title}: ${item.body.text.slice(0, spokenMax)}` : title
}
