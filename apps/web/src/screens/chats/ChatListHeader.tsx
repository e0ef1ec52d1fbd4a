/** Above the chat list: title, new chat, menu, search and the unread filter. */
import type { ChatRow } from '../../client/types.ts'
import { useWindowState } from '../../state/window-state.ts'
import { IconButton } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { ComposeIcon, MoreIcon, SearchIcon } from '../../ui/icons.tsx'
import { Menu } from '../../ui/Menu.tsx'
import { searchFieldId } from './use-shortcuts.ts'

export function ChatListHeader({ chats }: { chats: readonly ChatRow[] }) {
  const show = useWindowState((state) => state.show)
  const actions = [
    { label: 'Settings', run: () => show({ kind: 'settings' }) },
    { label: 'New chat', run: () => show({ kind: 'new-chat' }) },
    { label: 'Keyboard shortcuts', run: () => show({ kind: 'shortcuts' }) },
  ]
  return (
    <header className="shrink-0 px-3.5 pb-2">
      <div className="flex h-14 items-center justify-between">
        <h1 className="ps-1 text-title font-bold">Chats</h1>
        <div className="-me-1.5 flex items-center">
          <IconButton label="New chat" onClick={() => show({ kind: 'new-chat' })}>
            <ComposeIcon />
          </IconButton>
          <Menu
            actions={actions}
            trigger={
              <IconButton label="Menu">
                <MoreIcon />
              </IconButton>
            }
          />
        </div>
      </div>
      <SearchField />
      {chats.length > 0 && <Filters chats={chats} />}
    </header>
  )
}

function SearchField() {
  const search = useWindowState((state) => state.search)
  const setSearch = useWindowState((state) => state.setSearch)
  return (
    <div className="relative">
      <SearchIcon className="pointer-events-none absolute start-3 top-1/2 -translate-y-1/2 text-soft" />
      <input
        id={searchFieldId}
        type="search"
        aria-label="Search chats"
        placeholder="Search chats"
        dir="auto"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          setSearch('')
          event.currentTarget.blur()
        }}
        className="fc-border h-9.5 w-full rounded-xl bg-sunk ps-9 pe-3 text-body touch:h-11"
      />
    </div>
  )
}

function Filters({ chats }: { chats: readonly ChatRow[] }) {
  const unreadOnly = useWindowState((state) => state.unreadOnly)
  const setUnreadOnly = useWindowState((state) => state.setUnreadOnly)
  const unread = chats.filter((chat) => chat.unread > 0).length
  return (
    <div role="group" aria-label="Filter" className="mt-2 flex gap-1.5">
      <Chip pressed={!unreadOnly} onClick={() => setUnreadOnly(false)}>
        All
      </Chip>
      <Chip pressed={unreadOnly} onClick={() => setUnreadOnly(true)}>
        {unread > 0 ? `Unread ${unread}` : 'Unread'}
      </Chip>
    </div>
  )
}

interface ChipProps {
  pressed: boolean
  onClick: () => void
  children: string
}

function Chip({ pressed, onClick, children }: ChipProps) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onClick}
      className={classNames(
        'fc-border h-7 rounded-full border px-3 text-small font-medium tabular-nums touch:h-11',
        pressed ? 'fc-selected border-transparent bg-sel text-ink' : 'border-line text-soft',
      )}
    >
      {children}
    </button>
  )
}
