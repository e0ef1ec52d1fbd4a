/**
 * The frames of the connection as typed values, and what the server stores of them. How they look
 * as bytes: client-frames.ts, server-frames.ts, entry-body.ts.
 */
import type { RejectReason } from './errors.ts'
import type { AccountId, DeviceId, LogId, MessageId } from './ids.ts'

export interface Envelope {
  device: DeviceId
  type: 'prekey' | 'message'
  ciphertext: Uint8Array
}
export interface SignedDeviceList {
  body: Uint8Array
  signer: Uint8Array
  signature: Uint8Array
}
export interface Cursor {
  log: LogId
  position: number
}
export interface Send {
  kind: 'send'
  log: LogId
  sequence: number
  messageId: MessageId
  /** Milliseconds since the Unix epoch. */
  stamp: number
  /** SHA-256 of the list that the envelopes were made for. */
  deviceList: Uint8Array
  envelopes: Envelope[]
}
export interface Receipt {
  peer: AccountId
  peerDevice: DeviceId
  /** Send sequences of the peer's device; 0 when there is none yet. */
  delivered: number
  read: number
}
export type ClientFrame =
  | { kind: 'hello'; token: string; cursors: Cursor[]; capabilities: string[] }
  | Send
  | { kind: 'ack'; log: LogId; position: number }
  | ({ kind: 'receipt' } & Receipt)
  | { kind: 'fetch'; log: LogId; after: number; limit: number }
  | { kind: 'typing'; peer: AccountId; active: boolean }
  | { kind: 'subscribe'; accounts: AccountId[] }
  | { kind: 'ping' }

export interface MessageContent {
  kind: 'message'
  sender: AccountId
  senderDevice: DeviceId
  sequence: number
  messageId: MessageId
  stamp: number
  envelope: Envelope | undefined
}
export interface ReceiptContent {
  kind: 'receipt'
  reader: AccountId
  sendingDevice: DeviceId
  delivered: number
  read: number
}
export interface DevicesContent {
  kind: 'devices'
  version: number
}
export type EntryContent = MessageContent | ReceiptContent | DevicesContent
export interface Entry {
  kind: 'entry'
  log: LogId
  position: number
  prev: number
  content: EntryContent
}
export type ServerFrame =
  | { kind: 'welcome'; time: number; incarnation: string; lastSequence: number | undefined }
  | { kind: 'accepted'; log: LogId; upTo: number }
  | {
      kind: 'rejected'
      log: LogId
      sequence: number
      reason: RejectReason
      time: number
      deviceLists: SignedDeviceList[]
      retryAfterMs: number
    }
  | Entry
  | { kind: 'caught-up'; log: LogId; position: number; expiredUpTo: number }
  | { kind: 'receipts'; confirmed: Receipt[] }
  | { kind: 'presence'; account: AccountId; online: boolean; lastSeen: number }
  | { kind: 'typing'; peer: AccountId; active: boolean }
  | { kind: 'closing'; code: number; retryAfterMs: number }
  | { kind: 'pong' }

/** What the server stores: as MessageContent, with the envelopes of all devices. */
export type StoredContent =
  | (Omit<MessageContent, 'envelope'> & { envelopes: Envelope[] })
  | ReceiptContent
  | DevicesContent

/** What one device is served of a stored entry: only its own envelope. */
export function contentFor(device: DeviceId, stored: StoredContent): EntryContent {
  if (stored.kind !== 'message') return stored
  const { envelopes, ...message } = stored
  return { ...message, envelope: envelopes.find((envelope) => envelope.device === device) }
}
