/** One chat: who it is with, its messages, and the field for the next one. */
import { useState } from 'react'
import { useAccount, useChat, type Conversation } from '../../client/queries.ts'
import type { ChatRow } from '../../client/types.ts'
import { ChatPaneHeader } from './ChatPaneHeader.tsx'
import { Composer } from './Composer.tsx'
import { KeyChangedBar } from './KeyChangedBar.tsx'
import { MessageList } from './MessageList.tsx'
import { StrangerState } from './StrangerState.tsx'
import { usePresence } from './use-presence.ts'
import { useStranger } from './use-stranger.ts'

interface ChatPaneProps {
  conversation: Conversation
  chats: readonly ChatRow[] | undefined
}

export function ChatPane({ conversation, chats }: ChatPaneProps) {
  const header = useChat(conversation)
  const account = useAccount()
  const row = chats?.find((chat) => chat.conversation === conversation)
  const stranger = useStranger(conversation, chats !== undefined && row === undefined)
  const [sends, setSends] = useState(0)
  usePresence(conversation)
  if (stranger.problem !== undefined) {
    return <StrangerState problem={stranger.problem} onRetry={stranger.retry} />
  }
  const title = header?.title ?? row?.title ?? ''
  return (
    <>
      <ChatPaneHeader conversation={conversation} header={header} title={title} />
      {chats !== undefined && (
        <MessageList
          conversation={conversation}
          header={header}
          title={title}
          unread={header?.unread ?? row?.unread ?? 0}
          sends={sends}
        />
      )}
      {header?.keyChanged === true && <KeyChangedBar conversation={conversation} title={title} />}
      {account?.kind === 'revoked' ? (
        <p className="border-t border-line bg-panel p-4 text-center text-small text-soft">
          This device can no longer send. Register again to go on.
        </p>
      ) : (
        header !== undefined && (
          <Composer
            conversation={conversation}
            draft={header.draft}
            onSent={() => setSends((count) => count + 1)}
          />
        )
      )}
    </>
  )
}
