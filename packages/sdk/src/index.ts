/**
 * The public face of @parley/sdk. What depends on where it runs is in index.bun.ts and
 * index.browser.ts.
 */
export { textBytesMax } from '@parley/wire'
export type { AccountId, DeviceId, MessageId } from '@parley/wire'
export { openClient } from './client.ts'
export type { ClientSurroundings } from './core.ts'
export { StoreError } from './platform/ports.ts'
export type {
  Clock,
  RandomBytes,
  Socket,
  SocketHandlers,
  SqlDriver,
  SqlValue,
  Transport,
} from './platform/ports.ts'
export * from './types.ts'
export type { EngineState, RemoteCalls, RemoteClient } from './rpc/remote-types.ts'
