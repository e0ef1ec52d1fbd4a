/** Which chats the list shows for what was searched and filtered. */
import type { Conversation } from '../../client/queries.ts'
import type { ChatRow } from '../../client/types.ts'

interface Narrowing {
  search: string
  unreadOnly: boolean
  /** Stays in the list of unread ones while it is read. */
  open: Conversation | undefined
}

export function narrowed(
  chats: readonly ChatRow[],
  { search, unreadOnly, open }: Narrowing,
): readonly ChatRow[] {
  const wanted = plain(search)
  if (wanted === '' && !unreadOnly) return chats
  return chats.filter((chat) => {
    if (unreadOnly && chat.unread === 0 && chat.conversation !== open) return false
    return plain(`${chat.title} ${chat.alias}`).includes(wanted)
  })
}

/** Without case, accents and the blanks in numbers. */
function plain(text: string): string {
  const letters = text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase()
  return letters.replace(/(?<=\d)[\s-]+(?=\d)/g, '').trim()
}
