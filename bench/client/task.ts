/** What program.ts is asked for, and what it answers. */
import type { AccountId } from '@parley/wire'

export interface Task {
  kind: 'catch-up' | 'first-screen' | 'encrypt-to-accepted' | 'entry-to-displayed'
  folder: string
  server: string
  /** Unread messages, or chats, that there are in the end; else messages to measure. */
  expected: number
  /** With whom it talks. */
  peer: AccountId
}

/** Of all, or of one message. */
export interface Figures {
  wallMs: number
  cpuMs: number
}

/** Messages that are not counted, while code is compiled. */
export const warmUp = 40
