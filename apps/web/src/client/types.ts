/** The SDK's types that screens speak of, so that only this folder imports the SDK. */
import type { LiveQuery } from '@parley/sdk'
import type { openTab } from '@parley/sdk/browser'

export type {
  AccountState,
  ChatHeader,
  ChatRow,
  ClientProblem,
  ConnectionState,
  Contact,
  LiveQuery,
  RegistrationStep,
  TimelineCursor,
  TimelineItem,
  TimelinePage,
} from '@parley/sdk'

export type RemoteClient = ReturnType<typeof openTab>
export type EngineState = RemoteClient['engine'] extends LiveQuery<infer State> ? State : never
