/** Where a connection stands, and what is shown of it. */
import { closeReasons } from '@parley/wire'
import type { FrameSocket } from './frame-socket.ts'
import { problemOf } from '../problems.ts'
import type { ClientProblem, ConnectionState } from '../types.ts'

export type Phase =
  | { kind: 'stopped' }
  | { kind: 'waiting'; retryAtMs: number; cancel: () => void }
  | { kind: 'authorizing' }
  | { kind: 'opening'; socket: FrameSocket }
  | { kind: 'live'; socket: FrameSocket; sinceMs: number; caughtUp: boolean }

export function statusOf(phase: Phase): ConnectionState['status'] {
  switch (phase.kind) {
    case 'stopped':
      return 'stopped'
    case 'waiting':
      return 'offline'
    case 'authorizing':
    case 'opening':
      return 'connecting'
    case 'live':
      return phase.caughtUp ? 'online' : 'catching-up'
  }
}

export function stopProblem(code: number): ClientProblem {
  if (code === closeReasons.replaced.code) {
    return problemOf(
      'profile-busy',
      'This device connected from another place, so this one stopped. Close the other one, then connect again.',
    )
  }
  if (code === closeReasons.unsupported.code) {
    return problemOf('refused', 'The server does not serve this version. Update the app.')
  }
  return problemOf('internal')
}
