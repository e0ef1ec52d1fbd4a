/**
 * The live queries that screens use, by name. Undefined means that the local database has not
 * answered yet.
 */
import { useState } from 'react'
import { useClient, useLive } from './client-context.ts'
import type {
  AccountState,
  ChatHeader,
  ChatRow,
  ConnectionState,
  EngineState,
  TimelineCursor,
  TimelinePage,
} from './types.ts'

/** A conversation's id as the screens handle it: the part of the address after /c/. */
export type Conversation = ChatRow['conversation']

export function useEngine(): EngineState {
  return useLive(useClient().engine)
}

export function useAccount(): AccountState | undefined {
  return useLive(useClient().account)
}

export function useConnection(): ConnectionState | undefined {
  return useLive(useClient().connection)
}

export function useChats(): ChatRow[] | undefined {
  return useLive(useClient().chats())
}

export function useChat(conversation: Conversation): ChatHeader | undefined {
  return useLive(useClient().chat(conversation))
}

export interface TimelineWindow {
  /** Undefined: the newest. */
  around: TimelineCursor | undefined
  limit: number
}

export interface TimelineView {
  page: TimelinePage | undefined
  /** False while the page is still the one of the window before. */
  isCurrent: boolean
}

/** The page of a window; while another window is being read, the last page stays. */
export function useTimeline(conversation: Conversation, window: TimelineWindow): TimelineView {
  const page = useLive(useClient().timeline({ conversation, ...window }))
  const [last, setLast] = useState(page)
  if (page !== undefined && page !== last) setLast(page)
  return { page: page ?? last, isCurrent: page !== undefined }
}
