/** Above the messages: who it is with, whether they are there or typing, and what can be done. */
import { Link, useLocation } from 'wouter'
import type { Conversation } from '../../client/queries.ts'
import type { ChatHeader } from '../../client/types.ts'
import { useToday } from '../../platform/clock.ts'
import { useWindowState } from '../../state/window-state.ts'
import { lastSeenLabel } from '../../text/times.ts'
import { Avatar } from '../../ui/Avatar.tsx'
import { IconButton } from '../../ui/Button.tsx'
import { BackIcon, MoreIcon } from '../../ui/icons.tsx'
import { Menu } from '../../ui/Menu.tsx'

interface ChatPaneHeaderProps {
  conversation: Conversation
  header: ChatHeader | undefined
  title: string
}

export function ChatPaneHeader({ conversation, header, title }: ChatPaneHeaderProps) {
  const show = useWindowState((state) => state.show)
  const [, navigate] = useLocation()
  const actions = [
    { label: 'View safety number', run: () => show({ kind: 'safety', conversation }) },
    { label: 'Change name', run: () => show({ kind: 'rename', conversation }) },
    { label: 'Close chat', run: () => navigate('/') },
  ]
  return (
    <header className="flex h-15.5 shrink-0 items-center gap-3 border-b border-line bg-panel ps-4.5 pe-2 phone:ps-1 phone:gap-2">
      <Link
        href="/"
        aria-label="Back to the chats"
        className="grid size-11 shrink-0 place-items-center rounded-full text-soft wide:hidden"
      >
        <BackIcon className="rtl:-scale-x-100" />
      </Link>
      <Avatar id={conversation} name={title} sizePx={38} online={header?.online === true} />
      <div className="min-w-0 flex-1">
        <h1 className="truncate font-semibold">
          <bdi>{title}</bdi>
        </h1>
        {header !== undefined && <Presence header={header} />}
      </div>
      <Menu
        actions={actions}
        trigger={
          <IconButton label="Chat menu">
            <MoreIcon />
          </IconButton>
        }
      />
    </header>
  )
}

function Presence({ header }: { header: ChatHeader }) {
  const today = useToday()
  const line = 'truncate text-small'
  if (header.typing) return <p className={`${line} text-accent`}>typing…</p>
  if (header.online === true) return <p className={`${line} text-soft`}>online</p>
  if (header.lastSeen > 0) {
    return <p className={`${line} text-faint`}>{lastSeenLabel(header.lastSeen, today)}</p>
  }
  if (header.alias === header.title || header.phone === undefined) return null
  return <p className={`${line} text-faint tabular-nums`}>{header.phone}</p>
}
