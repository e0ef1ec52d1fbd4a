/**
 * What only this window knows: which dialog is open, what the list is narrowed to, where each chat
 * was left.
 */
import { create } from 'zustand'
import type { Conversation } from '../client/queries.ts'
import type { TimelineCursor } from '../client/types.ts'

export type OpenDialog =
  | { kind: 'new-chat' }
  | { kind: 'settings' }
  | { kind: 'shortcuts' }
  | { kind: 'log-out' }
  | { kind: 'safety'; conversation: Conversation }
  | { kind: 'rename'; conversation: Conversation }

interface WindowState {
  dialog: OpenDialog | undefined
  search: string
  unreadOnly: boolean
  /** Between the number and the written-down recovery key the chats wait. */
  enrolling: boolean
  show(dialog: OpenDialog): void
  closeDialog(): void
  setSearch(search: string): void
  setUnreadOnly(unreadOnly: boolean): void
  setEnrolling(enrolling: boolean): void
}

export const useWindowState = create<WindowState>((set) => ({
  dialog: undefined,
  search: '',
  unreadOnly: false,
  enrolling: false,
  show: (dialog) => set({ dialog }),
  closeDialog: () => set({ dialog: undefined }),
  setSearch: (search) => set({ search }),
  setUnreadOnly: (unreadOnly) => set({ unreadOnly }),
  setEnrolling: (enrolling) => set({ enrolling }),
}))

/** A row and how far below the top of the pane it stood. */
export interface ReadingPlace {
  cursor: TimelineCursor
  topPx: number
}

const placesMax = 200
const places = new Map<Conversation, ReadingPlace>()

export function placeOf(conversation: Conversation): ReadingPlace | undefined {
  return places.get(conversation)
}

/** Undefined: at the end, where a chat opens anyway. */
export function keepPlace(conversation: Conversation, place: ReadingPlace | undefined): void {
  places.delete(conversation)
  if (place === undefined) return
  places.set(conversation, place)
  const oldest = places.keys().next().value
  if (places.size > placesMax && oldest !== undefined) places.delete(oldest)
}
