/**
 * Which part of a chat is mounted: at most 180 rows, ending at the newest while the reader is
 * there, else around the row being read. Decides where a chat opens.
 */
import { useEffect, useRef, useState } from 'react'
import { useClient } from '../../client/client-context.ts'
import { type Conversation, type TimelineWindow, useTimeline } from '../../client/queries.ts'
import type { TimelineCursor, TimelineItem, TimelinePage } from '../../client/types.ts'
import { placeOf, type ReadingPlace } from '../../state/window-state.ts'
import type { PaneView } from './message-scroller.ts'
import type { UnreadMark } from './rows.ts'

const rowsMax = 180
const rowsAtEnd = 60
/** The next rows are fetched while so many panes' heights are still to scroll. */
const reachPanes = 1.5
/** Farther from the end than this the window no longer follows it. */
const atEndPx = 32

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
  const follow = () => setWindow({ around: undefined, limit: rowsAtEnd })
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

function windowAround(item: TimelineCursor): TimelineWindow {
  return { around: { stamp: item.stamp, id: item.id }, limit: rowsMax }
}

/** Undefined: the present window serves. */
export function nextWindow(
  window: TimelineWindow,
  page: TimelinePage,
  view: PaneView,
): TimelineWindow | undefined {
  const reachPx = view.paneHeightPx * reachPanes
  const first = settledItem(page, view.first)
  const last = settledItem(page, view.last)
  if (view.abovePx < reachPx && page.moreBefore) return moved(window, first)
  if (view.belowPx < reachPx && page.moreAfter) return moved(window, last)
  const isAtEnd = view.belowPx <= atEndPx && !page.moreAfter
  if (isAtEnd && window.around !== undefined) return { around: undefined, limit: rowsAtEnd }
  if (!isAtEnd && window.around === undefined) return moved(window, first)
  return undefined
}

function moved(window: TimelineWindow, item: TimelineItem | undefined): TimelineWindow | undefined {
  if (item === undefined || item.id === window.around?.id) return undefined
  return windowAround(item)
}

/** A message without its final stamp may still move, so no window is taken around it. */
function settledItem(page: TimelinePage, id: string | undefined): TimelineItem | undefined {
  const item = page.items.find((candidate) => candidate.id === id)
  return item?.status === 'pending' ? undefined : item
}
