/**
 * One row of the message pane: a bubble, a line of the system, a day, or the divider of what is
 * unread.
 */
import { memo } from 'react'
import { dayLabel } from '../../text/times.ts'
import type { TimelineItem } from '../../client/types.ts'
import { MessageBody } from './MessageBody.tsx'
import { MessageMeta } from './MessageMeta.tsx'
import { NoticeRow } from './NoticeRow.tsx'
import type { PaneRow } from './rows.ts'
import { UnsentLine } from './UnsentLine.tsx'

export interface MessageRowProps {
  row: PaneRow
  today: number
  /** Of the other person. */
  title: string
  tabStop: boolean
  arrives: boolean
}

export const MessageRow = memo(function MessageRow({ row, today, ...rest }: MessageRowProps) {
  switch (row.kind) {
    case 'day':
      return <p className="day-chip">{dayLabel(row.day, today)}</p>
    case 'unread':
      return (
        <p
          data-testid="unread-divider"
          className="mt-3 mb-1 border-y border-line bg-panel py-1 text-center text-small font-medium text-accent"
        >
          {row.count === 1 ? '1 unread message' : `${row.count} unread messages`}
        </p>
      )
    case 'message':
      return row.item.body.kind === 'notice' ? (
        <NoticeRow item={row.item} {...rest} />
      ) : (
        <Message row={row} {...rest} />
      )
  }
}, sameRow)

type MessageProps = Omit<MessageRowProps, 'row' | 'today'> & {
  row: Extract<PaneRow, { kind: 'message' }>
}

function Message({ row, title, tabStop, arrives }: MessageProps) {
  const { item, joinsBefore, joinsAfter } = row
  const ids = ['who', 'text', 'meta'].map((part) => `${part}-${item.id}`)
  return (
    <article
      data-message={item.id}
      data-mine={item.mine || undefined}
      data-joins-before={joinsBefore || undefined}
      data-joins-after={joinsAfter || undefined}
      tabIndex={tabStop ? 0 : -1}
      aria-labelledby={ids.join(' ')}
      className={arrives ? 'message message-arrives' : 'message'}
    >
      <span id={ids[0]} className="sr-only">
        {item.mine ? 'You' : title}
      </span>
      <div className="bubble">
        <MessageBody item={item} title={title} textId={ids[1] ?? ''}>
          <MessageMeta item={item} id={ids[2] ?? ''} />
        </MessageBody>
      </div>
      {item.status === 'failed' && <UnsentLine item={item} />}
    </article>
  )
}

/** Items come as new objects with each page; most of them say the same. */
function sameRow(before: MessageRowProps, after: MessageRowProps): boolean {
  const { row, ...rest } = before
  const { row: rowAfter, ...restAfter } = after
  const keys = Object.keys(rest) as (keyof typeof rest)[]
  return keys.every((key) => rest[key] === restAfter[key]) && sameContent(row, rowAfter)
}

function sameContent(row: PaneRow, other: PaneRow): boolean {
  if (row.kind === 'day') return other.kind === 'day' && row.day === other.day
  if (row.kind === 'unread') return other.kind === 'unread' && row.count === other.count
  if (other.kind !== 'message') return false
  const sameJoins = row.joinsBefore === other.joinsBefore && row.joinsAfter === other.joinsAfter
  return sameJoins && sameItem(row.item, other.item)
}

function sameItem(item: TimelineItem, other: TimelineItem): boolean {
  return (
    item.id === other.id &&
    item.status === other.status &&
    item.stamp === other.stamp &&
    item.failure?.says === other.failure?.says &&
    textOf(item) === textOf(other)
  )
}

function textOf({ body }: TimelineItem): string {
  if (body.kind === 'text') return body.text
  return body.kind === 'unreadable' ? body.state : body.kind
}
