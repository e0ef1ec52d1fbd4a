/**
 * The app once somebody is registered: the list beside the open chat, or one of the two on a narrow
 * screen.
 */
import { lazy, Suspense } from 'react'
import { useLocation } from 'wouter'
import { useChats } from '../../client/queries.ts'
import { useWindowState } from '../../state/window-state.ts'
import { Button } from '../../ui/Button.tsx'
import { classNames } from '../../ui/class-names.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { MessageIcon } from '../../ui/icons.tsx'
import { ChatPane } from '../chat/ChatPane.tsx'
import { ChatList } from './ChatList.tsx'
import { conversationIn } from './links.ts'
import { StatusBars } from './StatusBars.tsx'
import { useShortcuts } from './use-shortcuts.ts'
import { useUnreadCount } from './use-unread-count.ts'

const Dialogs = lazy(() => import('./Dialogs.tsx').then((module) => ({ default: module.Dialogs })))

export function ChatsScreen() {
  const [path] = useLocation()
  const chats = useChats()
  const dialog = useWindowState((state) => state.dialog)
  const conversation = conversationIn(path)
  const paneOpen = path !== '/'
  useShortcuts(chats, conversation)
  useUnreadCount(chats)
  return (
    <div className="flex h-full flex-col">
      <StatusBars />
      <div className="grid min-h-0 flex-1 wide:grid-cols-[clamp(300px,29vw,372px)_minmax(0,1fr)]">
        <ChatList chats={chats} open={conversation} hiddenOnPhone={paneOpen} />
        <main
          className={classNames('flex min-h-0 min-w-0 flex-col bg-bg', !paneOpen && 'phone:hidden')}
        >
          {conversation !== undefined ? (
            <ChatPane key={conversation} conversation={conversation} chats={chats} />
          ) : (
            <NoChat broken={paneOpen} />
          )}
        </main>
      </div>
      <Suspense>{dialog !== undefined && <Dialogs dialog={dialog} />}</Suspense>
    </div>
  )
}

function NoChat({ broken }: { broken: boolean }) {
  const [, navigate] = useLocation()
  const show = useWindowState((state) => state.show)
  if (broken) {
    return (
      <EmptyState
        icon={<MessageIcon />}
        title="This address leads nowhere"
        action={<Button onClick={() => navigate('/')}>Go to the chats</Button>}
      >
        A link to a person looks like /c/ followed by their id.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      icon={<MessageIcon />}
      action={
        <Button tone="quiet" onClick={() => show({ kind: 'new-chat' })}>
          Start a new chat
        </Button>
      }
    >
      Choose a chat to read it here.
    </EmptyState>
  )
}
