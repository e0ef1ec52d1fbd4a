/** The SDK's types that screens speak of, so that only this folder imports the SDK. */
export type {
  AccountState,
  ChatHeader,
  ChatRow,
  ClientProblem,
  ConnectionState,
  Contact,
  EngineState,
  LiveQuery,
  MessageStatus,
  ProblemCode,
  RegistrationStep,
  RemoteClient,
  TimelineCursor,
  TimelineItem,
  TimelinePage,
} from '@parley/sdk'
