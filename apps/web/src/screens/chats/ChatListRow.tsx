/** One chat in the list: who, when, the last words, how far they came, what is unread. */
import { memo, useId } from 'react'
import { Link } from 'wouter'
import type { Conversation } from '../../client/queries.ts'
import type { ChatRow } from '../../client/types.ts'
import { withoutMarks } from '../../text/markup.ts'
import { rowTime } from '../../text/times.ts'
import { Avatar } from '../../ui/Avatar.tsx'
import { classNames } from '../../ui/class-names.ts'
import { Ticks } from '../../ui/Ticks.tsx'
import { pathOf } from './links.ts'

interface ChatListRowProps {
  chat: ChatRow
  today: number
  selected: boolean
  tabStop: boolean
  onFocus: (conversation: Conversation) => void
}

export const ChatListRow = memo(function ChatListRow(props: ChatListRowProps) {
  const { chat, today, selected, tabStop, onFocus } = props
  const id = useId()
  return (
    <li
      className={classNames(
        'chat-row relative flex h-16.5 items-center gap-3 rounded-xl px-2.5',
        selected ? 'fc-selected bg-sel' : 'hover:bg-sunk',
      )}
    >
      <Avatar id={chat.conversation} name={chat.title} sizePx={46} />
      <div className="min-w-0 flex-1">
        <div className="flex items-baseline gap-2">
          <Link
            href={pathOf(chat.conversation)}
            aria-describedby={`${id}-time ${id}-preview`}
            aria-current={selected ? 'page' : undefined}
            tabIndex={tabStop ? 0 : -1}
            onFocus={() => onFocus(chat.conversation)}
            className="chat-row-link min-w-0 flex-1 truncate font-semibold"
          >
            <bdi>{chat.title}</bdi>
          </Link>
          <time id={`${id}-time`} className="shrink-0 text-time text-faint tabular-nums">
            {chat.stamp > 0 && rowTime(chat.stamp, today)}
          </time>
        </div>
        <div id={`${id}-preview`} className="flex h-5 items-center gap-2">
          <Preview chat={chat} selected={selected} />
          {chat.unread > 0 && <UnreadBadge count={chat.unread} />}
        </div>
      </div>
    </li>
  )
}, sameRow)

function Preview({ chat, selected }: { chat: ChatRow; selected: boolean }) {
  const line = 'min-w-0 flex-1 truncate text-preview'
  if (chat.typing) return <span className={classNames(line, 'text-accent')}>typing…</span>
  if (chat.draft !== '' && !selected) {
    return (
      <span className={classNames(line, 'text-soft')}>
        <span className="text-danger">Draft: </span>
        <bdi>{chat.draft.slice(0, 200)}</bdi>
      </span>
    )
  }
  return (
    <span className={classNames(line, 'flex items-center gap-1 text-soft')}>
      {chat.previewMine && chat.previewStatus !== undefined && <Ticks state={chat.previewStatus} />}
      <span className="min-w-0 flex-1 truncate">
        {chat.previewMine && (
          <span className={chat.previewStatus === undefined ? '' : 'sr-only'}>You: </span>
        )}
        <bdi>{withoutMarks(chat.preview)}</bdi>
      </span>
    </span>
  )
}

function UnreadBadge({ count }: { count: number }) {
  return (
    <span
      aria-label={`${count} unread`}
      role="img"
      className="fc-border grid h-4.5 min-w-4.5 shrink-0 place-items-center rounded-full bg-accent px-1.5 text-time font-semibold text-accent-ink tabular-nums"
    >
      {count > 999 ? '999+' : count}
    </span>
  )
}

/** Rows come as new objects with each change of the list; most of them say the same. */
function sameRow(before: ChatListRowProps, after: ChatListRowProps): boolean {
  const { chat, ...rest } = before
  const { chat: chatAfter, ...restAfter } = after
  return sameFields(chat, chatAfter) && sameFields(rest, restAfter)
}

function sameFields<T extends object>(before: T, after: T): boolean {
  return (Object.keys(after) as (keyof T)[]).every((key) => Object.is(before[key], after[key]))
}
