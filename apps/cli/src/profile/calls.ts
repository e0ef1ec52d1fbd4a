/**
 * What commands ask of the engine, as one table: the process that owns the profile answers from it,
 * for itself and for the processes that work through it.
 */
import type { Client, Contact, TimelineCursor, TimelineItem, TimelineQuery } from '@parley/sdk'

export type AccountId = Contact['account']
export type MessageId = TimelineItem['id']

export const profileCalls = {
  account: (client: Client) => client.account.getSnapshot(),
  connection: (client: Client) => client.connection.getSnapshot(),
  findContact: (client: Client, alias: string) => client.findContact(alias),
  contacts: (client: Client) => client.contacts(),
  setContactName: (client: Client, account: AccountId, name: string) =>
    client.setContactName(account, name),
  chats: (client: Client) => client.chats().getSnapshot(),
  chat: (client: Client, conversation: AccountId) => client.chat(conversation).getSnapshot(),
  timeline: (client: Client, query: TimelineQuery) => client.timeline(query).getSnapshot(),
  message: (client: Client, id: MessageId) => client.message(id),
  sendText: (client: Client, conversation: AccountId, text: string, id: MessageId) =>
    client.sendText(conversation, text, id),
  markRead: (client: Client, conversation: AccountId, upTo: TimelineCursor) =>
    client.markRead(conversation, upTo),
  safetyNumber: (client: Client, conversation: AccountId) => client.safetyNumber(conversation),
  acceptKey: (client: Client, conversation: AccountId) => client.acceptKey(conversation),
  setVerified: (client: Client, conversation: AccountId, verified: boolean, compared: string) =>
    client.setVerified(conversation, verified, compared),
  events: (client: Client, limit: number) => client.events(limit),
  eventsDone: (client: Client, number: number) => client.eventsDone(number),
  diagnose: (client: Client) => client.diagnose(),
}

type Calls = typeof profileCalls
export type CallName = keyof Calls
export type CallInput<Name extends CallName> =
  Parameters<Calls[Name]> extends [Client, ...infer Input] ? Input : never
export type CallValue<Name extends CallName> = Awaited<ReturnType<Calls[Name]>>

export function isCallName(name: string): name is CallName {
  return Object.hasOwn(profileCalls, name)
}

/** What can be watched for changes. */
export type Watched = 'account' | 'connection' | 'chats' | 'events' | `timeline:${AccountId}`

/** Returns the function that ends it. */
export function watch(client: Client, watched: Watched, listener: () => void): () => void {
  switch (watched) {
    case 'account':
      return client.account.subscribe(listener)
    case 'connection':
      return client.connection.subscribe(listener)
    case 'chats':
      return client.chats().subscribe(listener)
    case 'events':
      return client.eventsChanged(listener)
    default: {
      const conversation = watched.slice('timeline:'.length) as AccountId
      return client.timeline({ conversation, around: undefined, limit: 1 }).subscribe(listener)
    }
  }
}

/** The engine, in this process or behind a socket. */
export interface Link {
  call(name: CallName, input: readonly unknown[]): Promise<unknown>
  watch(watched: Watched, listener: () => void): () => void
  close(): Promise<void>
}

/** The process that owned the profile has ended; what was asked may have been done. */
export class OwnerGone extends Error {
  override readonly name = 'OwnerGone'
}
