/** The unread count in the window's title, and as a badge on the installed app's icon. */
import { useEffect } from 'react'
import type { ChatRow } from '../../client/types.ts'

export function useUnreadCount(chats: readonly ChatRow[] | undefined): void {
  const unread = (chats ?? []).reduce((sum, chat) => sum + chat.unread, 0)
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : 'Parley'
    if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => undefined)
  }, [unread])
}
