/** The list of chats with its header, search and filter. */
import { useMemo, useState } from 'react'
import type { Conversation } from '../../client/queries.ts'
import type { ChatRow } from '../../client/types.ts'
import { useLate, useToday } from '../../platform/clock.ts'
import { useWindowState } from '../../state/window-state.ts'
import { Button } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { MessageIcon, SearchIcon } from '../../ui/icons.tsx'
import { ChatListHeader } from './ChatListHeader.tsx'
import { ChatListRow } from './ChatListRow.tsx'
import { narrowed } from './narrowed.ts'

interface ChatListProps {
  chats: readonly ChatRow[] | undefined
  open: Conversation | undefined
  hiddenOnPhone: boolean
}

export function ChatList({ chats, open, hiddenOnPhone }: ChatListProps) {
  const search = useWindowState((state) => state.search)
  const unreadOnly = useWindowState((state) => state.unreadOnly)
  const shown = useMemo(
    () => (chats === undefined ? undefined : narrowed(chats, { search, unreadOnly, open })),
    [chats, search, unreadOnly, open],
  )
  return (
    <nav
      aria-label="Chats"
      className={classNames(
        'flex min-h-0 min-w-0 flex-col border-e border-line bg-panel phone:border-0',
        hiddenOnPhone && 'phone:hidden',
      )}
    >
      <ChatListHeader chats={chats ?? []} />
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {shown === undefined ? (
          <ListSkeleton />
        ) : shown.length > 0 ? (
          <Rows chats={shown} open={open} />
        ) : chats?.length === 0 ? (
          <NoChatsYet />
        ) : (
          <NothingFound search={search} />
        )}
      </div>
    </nav>
  )
}

/** One stop of the Tab key; arrows walk through the rows. */
function Rows({ chats, open }: { chats: readonly ChatRow[]; open: Conversation | undefined }) {
  const today = useToday()
  const [visited, setVisited] = useState<Conversation | undefined>(undefined)
  const candidates = [visited, open].filter((id) => chats.some((chat) => chat.conversation === id))
  const tabStop = candidates[0] ?? chats[0]?.conversation
  return (
    <ul onKeyDown={walk}>
      {chats.map((chat) => (
        <ChatListRow
          key={chat.conversation}
          chat={chat}
          today={today}
          selected={chat.conversation === open}
          tabStop={chat.conversation === tabStop}
          onFocus={setVisited}
        />
      ))}
    </ul>
  )
}

function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return
  const rows = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>('a')]
  const at = rows.findIndex((row) => row === document.activeElement)
  const targets: Record<string, number> = {
    ArrowDown: Math.min(rows.length - 1, at + 1),
    ArrowUp: Math.max(0, at - 1),
    Home: 0,
    End: rows.length - 1,
  }
  const target = targets[event.key]
  if (target === undefined) return
  event.preventDefault()
  rows[target]?.focus()
}

function ListSkeleton() {
  const late = useLate(true, 400)
  if (!late) return null
  return (
    <div className="skeleton" role="status" aria-label="Loading chats">
      {[58, 40, 66, 46, 52].map((width) => (
        <div key={width} className="flex h-16.5 items-center gap-3 px-2.5">
          <span className="size-11.5 rounded-full bg-sunk" />
          <span className="flex flex-1 flex-col gap-2">
            <span className="h-3 rounded bg-sunk" style={{ width: `${width}%` }} />
            <span className="h-3 w-4/5 rounded bg-sunk" />
          </span>
        </div>
      ))}
    </div>
  )
}

function NoChatsYet() {
  const show = useWindowState((state) => state.show)
  return (
    <EmptyState
      icon={<MessageIcon />}
      title="No chats yet"
      action={<Button onClick={() => show({ kind: 'new-chat' })}>New chat</Button>}
    >
      Start one by phone number or with the link that somebody sent you.
    </EmptyState>
  )
}

function NothingFound({ search }: { search: string }) {
  const { setSearch, setUnreadOnly } = useWindowState.getState()
  const clear = () => {
    setSearch('')
    setUnreadOnly(false)
  }
  return (
    <EmptyState
      icon={<SearchIcon />}
      action={
        <Button tone="quiet" onClick={clear}>
          Show all chats
        </Button>
      }
    >
      {search === '' ? 'Everything is read.' : `No chat is called “${search}”.`}
    </EmptyState>
  )
}
