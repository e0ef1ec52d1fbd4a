/**
 * Joins the scroller to the rows: opens the chat at its place, settles after each commit, remembers
 * where it was left.
 */
import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import type { Conversation } from '../../client/queries.ts'
import { keepPlace, type ReadingPlace } from '../../state/window-state.ts'
import { MessageScroller } from './message-scroller.ts'
import type { PaneRow } from './rows.ts'
import type { MessageWindow, Opening } from './use-message-window.ts'
import { ViewFeed } from './view-feed.ts'

/** Room above the first unread message, for its divider and a line of what was before. */
const unreadTopPx = 96

export interface Pane {
  paneRef: RefObject<HTMLDivElement | null>
  columnRef: RefObject<HTMLDivElement | null>
  feed: ViewFeed
  toEnd: () => void
}

export function usePane(
  conversation: Conversation,
  messages: MessageWindow,
  rows: readonly PaneRow[],
): Pane {
  const paneRef = useRef<HTMLDivElement>(null)
  const columnRef = useRef<HTMLDivElement>(null)
  const scroller = useRef<MessageScroller | undefined>(undefined)
  const latest = useRef(messages)
  const opened = useRef(false)
  const [feed] = useState(() => new ViewFeed())

  useLayoutEffect(() => {
    latest.current = messages
  })
  useLayoutEffect(() => {
    if (paneRef.current === null || columnRef.current === null) return
    const made = new MessageScroller(paneRef.current, columnRef.current, (view) => {
      // What is mounted before the chat stands at its place has not been in sight.
      if (!opened.current) return
      feed.publish(view)
      latest.current.move(view)
    })
    scroller.current = made
    opened.current = false
    return () => {
      if (opened.current) keepPlace(conversation, placeIn(made, feed, latest.current))
      made[Symbol.dispose]()
    }
  }, [conversation, feed])
  const { opening } = messages
  useLayoutEffect(() => {
    if (opening === undefined || scroller.current === undefined || rows.length === 0) return
    if (opened.current) scroller.current.settle()
    else open(scroller.current, opening)
    opened.current = true
    // Settles after each commit that may have moved a row.
  }, [rows, opening])

  const toEnd = () => {
    messages.follow()
    scroller.current?.follow()
  }
  return { paneRef, columnRef, feed, toEnd }
}

function open(scroller: MessageScroller, opening: Opening): void {
  if (opening.at === 'end') scroller.follow()
  else if (opening.at === 'unread') scroller.place(opening.id, unreadTopPx)
  else scroller.place(opening.place.cursor.id, opening.place.topPx)
}

function placeIn(
  scroller: MessageScroller,
  feed: ViewFeed,
  messages: MessageWindow,
): ReadingPlace | undefined {
  const view = feed.latest
  const item = messages.page?.items.find((candidate) => candidate.id === view?.first)
  if (scroller.isFollowing || view === undefined || item === undefined) return undefined
  return { cursor: { stamp: item.stamp, id: item.id }, topPx: view.firstTopPx }
}
