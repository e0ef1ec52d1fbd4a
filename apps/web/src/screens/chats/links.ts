/** Addresses of the app: /c/ and an account id is a chat, and the link that people hand out. */
import type { Conversation } from '../../client/queries.ts'

const chatPath = /^\/c\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/?$/

export function conversationIn(path: string): Conversation | undefined {
  return chatPath.exec(path.toLowerCase())?.[1] as Conversation | undefined
}

export function pathOf(conversation: Conversation): string {
  return `/c/${conversation}`
}
