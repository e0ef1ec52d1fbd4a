/** The live chat list, and what stands at the top of an open chat. */
import type { AccountId } from '@parley/wire'
import type { PresenceOf } from './presence.ts'
import { readChat, readChatLines } from '../store/chats.ts'
import type { ChatLine } from '../store/chats.ts'
import { aliasOf, readContact, titleOf } from '../store/contacts.ts'
import type { ContactNames } from '../store/contacts.ts'
import type { MessageKind } from '../store/messages.ts'
import type { Store } from '../store/store.ts'
import type { ChatHeader, ChatRow, LiveQuery } from '../types.ts'
import { liveQuery } from './live.ts'

const previewLength = 200

type PresenceQuery = (account: AccountId) => PresenceOf

export function chatsQuery(store: Store, presence: PresenceQuery): LiveQuery<ChatRow[]> {
  return liveQuery(store, ['chats'], () =>
    readChatLines(store, previewLength).map((line) => rowOf(line, presence)),
  )
}

function rowOf(line: ChatLine, presence: PresenceQuery): ChatRow {
  const { conversation, stamp, unread, draft } = line
  return {
    conversation,
    ...namesOf({
      account: conversation,
      ownName: line.own_name ?? '',
      profileName: line.profile_name ?? '',
      phone: line.phone ?? '',
    }),
    preview: previewOf(line.kind, line.text ?? ''),
    previewMine: line.mine === 1,
    previewStatus: line.status ?? undefined,
    stamp,
    unread,
    draft,
    typing: presence(conversation).typing,
  }
}

function namesOf(names: ContactNames): { title: string; alias: string } {
  return { title: titleOf(names), alias: aliasOf(names) }
}

function previewOf(kind: MessageKind | null, text: string): string {
  switch (kind) {
    case 'text':
      return text
    case 'waiting':
      return 'Waiting for this message'
    case 'lost':
      return 'This message could not be read'
    case 'unknown':
      return 'Update the app to see this message'
    case 'key-changed':
      return 'The safety number has changed'
    case null:
      return ''
  }
}

function unknownPerson(account: AccountId): ContactNames {
  return { account, ownName: '', profileName: '', phone: '' }
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
      ...namesOf(contact ?? unknownPerson(conversation)),
      phone: contact?.phone || undefined,
      ...presence(conversation),
      draft: chat?.draft ?? '',
      unread: chat?.unread ?? 0,
      keyChanged: contact?.keyChanged ?? false,
      verified: contact?.verified ?? false,
    }
  })
}
