/** What the connections of one gateway share. */
import type { ClientFrame, CloseReasonName, DeviceId, RejectReason } from '@parley/wire'
import type { Logger } from 'pino'
import type { Authenticator, DeviceDirectory } from '../accounts/ports.ts'
import type { Bus } from '../backends/bus/bus.ts'
import type { Log } from '../backends/log/log.ts'
import type { Clock, RandomBytes } from '../clock.ts'
import type { AcceptDeps } from '../messages/accept.ts'
import type { Receipts } from '../messages/receipts.ts'
import type { Presence } from '../presence/presence.ts'
import type { BucketSize } from './bucket.ts'
import type { Connection } from './connection.ts'
import type { Subscription } from './subscription.ts'

/** What the gateway tells about itself, for metrics. */
export interface GatewayEvents {
  opened(): void
  /** `peer`: the other side closed, or the network did. */
  closed(reason: CloseReasonName | 'peer'): void
  frame(kind: ClientFrame['kind']): void
  accepted(waitedMs: number): void
  rejected(reason: RejectReason): void
  served(way: 'live' | 'read', entries: number): void
}

export interface GatewayLimits {
  /** Each frame costs one unit, and one more for each KiB. */
  units: BucketSize
  /** Frames that wait while an earlier one of the connection is handled. */
  queuedFramesMax: number
  queuedBytesMax: number
  /** Entries are held back while more bytes than this wait for the network. */
  bufferedBytesHigh: number
  /** The connection is closed when more than this wait. */
  bufferedBytesMax: number
  /** Connections of one address that have not said Hello; a company may share an address. */
  helloPendingPerAddressMax: number
}

export interface Host {
  readonly log: Log
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  readonly authenticator: Authenticator
  readonly directory: DeviceDirectory
  readonly presence: Presence
  readonly receipts: Receipts
  readonly accepting: AcceptDeps
  readonly events: GatewayEvents
  readonly limits: GatewayLimits
  readonly random: RandomBytes
  readonly incarnation: string
  readonly draining: boolean
  /** The newest position that was seen in any log. */
  newestPosition: number
  /** The device's one live connection; an older one is closed. */
  register(device: DeviceId, connection: Connection): void
  /** The connection is gone. */
  forget(connection: Connection): void
  /** The subscription's cursor has to be stored soon. */
  cursorMoved(subscription: Subscription): void
  /** News may have been lost: the heads of all followed logs are read again soon. */
  checkHeads(): void
}
