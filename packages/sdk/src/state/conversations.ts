/** The live chat list, and what stands at the top of an open chat. */
import type { AccountId } from '@parley/wire'
import type { PresenceOf } from '../presence.ts'
import { readChat, readChats } from '../store/chats.ts'
import type { ChatState } from '../store/chats.ts'
import { aliasOf, readContact, titleOf } from '../store/contacts.ts'
import type { ContactRow } from '../store/contacts.ts'
import { readMessageByNumber } from '../store/messages.ts'
import type { MessageRow } from '../store/messages.ts'
import type { Store } from '../store/store.ts'
import type { ChatHeader, ChatRow, LiveQuery } from '../types.ts'
import { liveQuery } from './live.ts'

const previewLength = 200

type PresenceQuery = (account: AccountId) => PresenceOf

export function chatsQuery(store: Store, presence: PresenceQuery): LiveQuery<ChatRow[]> {
  return liveQuery(store, ['chats'], () =>
    readChats(store).map((chat) => rowOf(store, chat, presence)),
  )
}

function rowOf(store: Store, chat: ChatState, presence: PresenceQuery): ChatRow {
  const { conversation, stamp, unread, draft } = chat
  const newest = chat.newest === undefined ? undefined : readMessageByNumber(store, chat.newest)
  return {
    conversation,
    ...namesOf(conversation, readContact(store, conversation)),
    preview: previewOf(newest),
    previewMine: newest?.mine ?? false,
    previewStatus: newest?.status,
    stamp,
    unread,
    draft,
    typing: presence(conversation).typing,
  }
}

function namesOf(conversation: AccountId, contact: ContactRow | undefined) {
  if (!contact) return { title: conversation.slice(0, 8), alias: conversation }
  return { title: titleOf(contact), alias: aliasOf(contact) }
}

function previewOf(message: MessageRow | undefined): string {
  switch (message?.kind) {
    case 'text':
      return message.text.slice(0, previewLength)
    case 'waiting':
      return 'Waiting for this message'
    case 'lost':
      return 'This message could not be read'
    case 'unknown':
      return 'Update the app to see this message'
    case 'key-changed':
      return 'The safety number has changed'
    case undefined:
      return ''
  }
}

export function chatQuery(
  store: Store,
  conversation: AccountId,
  presence: PresenceQuery,
): LiveQuery<ChatHeader> {
  return liveQuery(store, [`chat:${conversation}`], () => {
    const contact = readContact(store, conversation)
    const chat = readChat(store, conversation)
    return {
      conversation,
      ...namesOf(conversation, contact),
      phone: contact?.phone || undefined,
      ...presence(conversation),
      draft: chat?.draft ?? '',
      unread: chat?.unread ?? 0,
      keyChanged: contact?.keyChanged ?? false,
      verified: contact?.verified ?? false,
    }
  })
}
