/**
 * The message pane's list: a bounded window of rows that never jumps, opened where reading goes on.
 */
import { useEffect, useEffectEvent, useMemo } from 'react'
import type { Conversation } from '../../client/queries.ts'
import type { ChatHeader } from '../../client/types.ts'
import { useLate, useToday } from '../../platform/clock.ts'
import { classNames } from '../../ui/class-names.ts'
import { FloatingDate } from './FloatingDate.tsx'
import { JumpToEnd } from './JumpToEnd.tsx'
import { MessageRow } from './MessageRow.tsx'
import { type PaneRow, rowsOf } from './rows.ts'
import { SealedLine } from './SealedLine.tsx'
import { useArrivals } from './use-arrivals.ts'
import { useMessageWindow } from './use-message-window.ts'
import { usePane } from './use-pane.ts'
import { useReadMark } from './use-read-mark.ts'
import { type Roving, useRoving } from './use-roving.ts'

interface MessageListProps {
  conversation: Conversation
  header: ChatHeader | undefined
  title: string
  unread: number
  /** Counts own sends: each one brings the end into view. */
  sends: number
}

export function MessageList({ conversation, header, title, unread, sends }: MessageListProps) {
  const today = useToday()
  const messages = useMessageWindow(conversation, unread)
  const { page, opening } = messages
  const items = page?.items ?? noItems
  const rows = useMemo(() => rowsOf(items, messages.unread), [items, messages.unread])
  const { paneRef, columnRef, feed, toEnd } = usePane(conversation, messages, rows)
  const { announcement, newest } = useArrivals(messages, title)
  const roving = useRoving()
  const tabStop = tabStopIn(rows, roving)
  useReadMark({ conversation, page, feed, unread })
  const showOwn = useEffectEvent(toEnd)
  useEffect(() => {
    if (sends > 0) showOwn()
  }, [sends])

  return (
    <section aria-label="Messages" className="relative min-h-0 flex-1">
      <div
        ref={paneRef}
        tabIndex={-1}
        className="scroller h-full overflow-y-auto px-4 phone:px-2.5"
      >
        <div
          ref={columnRef}
          onKeyDown={roving.onKeyDown}
          onFocus={roving.onFocus}
          className={classNames('message-column', opening === undefined && 'invisible')}
        >
          {page?.moreBefore === false && <SealedLine header={header} />}
          {rows.map((row) => (
            <MessageRow
              key={row.key}
              row={row}
              today={today}
              title={title}
              tabStop={row.key === tabStop}
              arrives={row.key === newest}
            />
          ))}
        </div>
      </div>
      {page === undefined && <Loading />}
      <FloatingDate feed={feed} items={items} today={today} />
      <JumpToEnd feed={feed} moreAfter={page?.moreAfter ?? false} unread={unread} onJump={toEnd} />
      <p className="sr-only" aria-live="polite">
        {announcement}
      </p>
    </section>
  )
}

const noItems: [] = []

/** The message that was visited last, if it is still mounted, else the newest. */
function tabStopIn(rows: readonly PaneRow[], { visited }: Roving): string | undefined {
  const isMounted = rows.some((row) => row.key === visited)
  return isMounted ? visited : rows.at(-1)?.key
}

function Loading() {
  const late = useLate(true, 400)
  if (!late) return null
  return (
    <div
      className="skeleton absolute inset-0 flex flex-col justify-end"
      role="status"
      aria-label="Loading messages"
    >
      <div className="mx-auto flex w-full max-w-195 flex-col gap-2.5 p-4">
        {['w-2/5', 'w-3/5 self-end', 'w-1/2', 'w-1/3 self-end'].map((width) => (
          <span key={width} className={classNames('h-9 rounded-2xl bg-sunk', width)} />
        ))}
      </div>
    </div>
  )
}
