/**
 * Which part of a chat is mounted: at most 180 rows, ending at the newest while the reader is
 * there, else around the row being read. Decides where a chat opens.
 */
import { useEffect, useRef, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { type Conversation, type TimelineWindow, useTimeline } from '../../client/queries.ts'
import type { TimelinePage } from '../../client/types.ts'
import { placeOf, type ReadingPlace } from '../../state/window-state.ts'
import type { PaneView } from './message-scroller.ts'
import { followingWindow, nextWindow, rowsAtEnd, rowsMax, windowAround } from './next-window.ts'
import type { UnreadMark } from './rows.ts'

export type Opening =
  | { at: 'end' }
  | { at: 'unread'; id: string }
  | { at: 'place'; place: ReadingPlace }

export interface MessageWindow {
  page: TimelinePage | undefined
  /** Where to begin, once it is known and its rows are there. */
  opening: Opening | undefined
  unread: UnreadMark | undefined
  setUnread(unread: UnreadMark | undefined): void
  follow(): void
  /** Moves the window along with what is in sight. */
  move(view: PaneView): void
}

export function useMessageWindow(conversation: Conversation, unreadCount: number): MessageWindow {
  const client = useClient()
  const start = useRef({ place: placeOf(conversation), unreadCount }).current
  const [window, setWindow] = useState<TimelineWindow>(() => firstWindow(start))
  const { page, isCurrent } = useTimeline(conversation, window)
  const [opening, setOpening] = useState<Opening | undefined>(undefined)
  const [unread, setUnread] = useState<UnreadMark | undefined>(undefined)

  useEffect(() => {
    if (opening !== undefined || page === undefined) return
    const first = page.firstUnread
    if (first === undefined) {
      setOpening(openingWithout(start.place, page))
      return
    }
    setUnread({ id: first, count: Math.max(1, start.unreadCount) })
    if (page.items.some((item) => item.id === first)) {
      setOpening({ at: 'unread', id: first })
      return
    }
    let isCurrent = true
    void client.message(first).then((item) => {
      if (!isCurrent) return
      if (item === undefined) setOpening({ at: 'end' })
      else setWindow(windowAround(item))
    })
    return () => {
      isCurrent = false
    }
  }, [client, opening, page, start])

  const move = (view: PaneView) => {
    if (page === undefined || opening === undefined || !isCurrent) return
    const next = nextWindow(window, page, view)
    if (next !== undefined) setWindow(next)
  }
  const follow = () => setWindow(followingWindow)
  return { page, opening, unread, setUnread, follow, move }
}

interface Start {
  place: ReadingPlace | undefined
  unreadCount: number
}

function firstWindow({ place, unreadCount }: Start): TimelineWindow {
  if (place !== undefined && unreadCount === 0) return { around: place.cursor, limit: rowsMax }
  return { around: undefined, limit: Math.min(rowsMax, rowsAtEnd + unreadCount) }
}

function openingWithout(place: ReadingPlace | undefined, page: TimelinePage): Opening {
  const isThere = page.items.some((item) => item.id === place?.cursor.id)
  return place !== undefined && isThere ? { at: 'place', place } : { at: 'end' }
}
