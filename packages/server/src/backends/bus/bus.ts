/**
 * The port of the bus: carries news between roles, and may lose, repeat and reorder it. A lost
 * message costs a read of the log, never data. Rules B1-B4: docs/spec/bus.md.
 */
import type { AccountId, DeviceId, LogId } from '@parley/wire'
import type { LogEntry } from '../log/log.ts'

/** What news is about: an account, by its inbox; who watches an account; or every gateway. */
export type Topic = LogId | 'gateways' | `presence:${AccountId}`

export type BusMessage =
  /** A new entry of the account's inbox, with the position before it. */
  | { kind: 'entry'; entry: LogEntry }
  /** Somebody types to this account. */
  | { kind: 'typing'; from: AccountId; active: boolean }
  | { kind: 'presence'; account: AccountId; online: boolean; lastSeen: number }
  /** The account's device list changed: forget what is cached. */
  | { kind: 'devices-changed'; account: AccountId }
  /** The device is no longer on its account, or was logged out: close its connection (S7). */
  | { kind: 'revoked'; device: DeviceId }

/** An object and not two functions, since a gateway has many thousand of them. */
export interface BusListener {
  onNews(message: BusMessage): void
  /** B3: news may have been lost, read the heads of the followed logs again. */
  onBroken(): void
}

export interface Bus {
  /**
   * B1 reaches whoever is subscribed, at most once each, if nothing breaks; never waits for them.
   */
  publish(topic: Topic, message: BusMessage): void
  /** B2 after this resolves, what is published is heard. A listener takes a topic once. */
  subscribe(topic: Topic, listener: BusListener): Promise<void>
  /** B4 nothing is heard from here on; harmless for who does not listen. */
  unsubscribe(topic: Topic, listener: BusListener): void
}
