/**
 * Frames as typed values: the only place where protobuf messages of the connection are made and parsed. Bad bytes throw a WireError.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  accountIdBytes,
  accountIdOf,
  deviceIdBytes,
  deviceIdOf,
  logIdBytesOf,
  logIdOf,
  messageIdBytes,
  messageIdOf,
} from './ids.ts'
import type { AccountId, DeviceId, LogId, MessageId } from './ids.ts'
import { rejectReasonOf, rejectReasons } from './errors.ts'
import type { RejectReason } from './errors.ts'
import {
  ClientFrameSchema,
  EntryBodySchema,
  EntrySchema,
  EnvelopeType,
  ServerFrameSchema,
} from './protobuf.ts'
import type * as pb from './protobuf.ts'
import { sendBytesMax, controlFrameBytesMax } from './limits.ts'
import { WireError } from './wire-error.ts'

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

const deviceListHashBytes = 32

/** A value that fits a JavaScript number exactly. */
function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WireError('a number is out of range')
  return Number(value)
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof WireError) throw error
    throw new WireError(`${what} cannot be decoded`)
  }
}

function envelopeOf(message: pb.Envelope): Envelope {
  if (message.type !== EnvelopeType.PREKEY && message.type !== EnvelopeType.MESSAGE) {
    throw new WireError('unknown type of envelope')
  }
  const type = message.type === EnvelopeType.PREKEY ? 'prekey' : 'message'
  return { device: deviceIdOf(message.device), type, ciphertext: message.ciphertext }
}

function envelopeInit(envelope: Envelope) {
  return {
    device: deviceIdBytes(envelope.device),
    type: envelope.type === 'prekey' ? EnvelopeType.PREKEY : EnvelopeType.MESSAGE,
    ciphertext: envelope.ciphertext,
  }
}

function receiptOf(message: pb.Receipt): Receipt {
  return {
    peer: accountIdOf(message.peer),
    peerDevice: deviceIdOf(message.peerDevice),
    delivered: safe(message.delivered),
    read: safe(message.read),
  }
}

function receiptInit(receipt: Receipt) {
  return {
    peer: accountIdBytes(receipt.peer),
    peerDevice: deviceIdBytes(receipt.peerDevice),
    delivered: BigInt(receipt.delivered),
    read: BigInt(receipt.read),
  }
}

function sendOf(message: pb.Send): Send {
  if (message.deviceList.length !== deviceListHashBytes) throw new WireError('device list hash')
  return {
    kind: 'send',
    log: logIdOf(message.log),
    sequence: safe(message.sequence),
    messageId: messageIdOf(message.messageId),
    stamp: safe(message.stamp),
    deviceList: message.deviceList,
    envelopes: message.envelopes.map(envelopeOf),
  }
}

/** Throws a WireError when the bytes are too many, or not a frame that this version knows. */
export function decodeClientFrame(bytes: Uint8Array): ClientFrame {
  return parsed('the frame', () => {
    if (bytes.length > sendBytesMax) throw new WireError('the frame is too large')
    const { frame } = fromBinary(ClientFrameSchema, bytes)
    if (frame.case !== 'send' && bytes.length > controlFrameBytesMax) {
      throw new WireError('the frame is too large')
    }
    return clientFrameOf(frame)
  })
}

function clientFrameOf(frame: pb.ClientFrame['frame']): ClientFrame {
  switch (frame.case) {
    case 'hello':
      return {
        kind: 'hello',
        token: frame.value.token,
        cursors: frame.value.cursors.map((cursor) => ({
          log: logIdOf(cursor.log),
          position: safe(cursor.position),
        })),
        capabilities: frame.value.capabilities,
      }
    case 'send':
      return sendOf(frame.value)
    case 'ack':
      return {
        kind: 'ack',
        log: logIdOf(frame.value.log),
        position: safe(frame.value.position),
      }
    case 'receipt':
      return { kind: 'receipt', ...receiptOf(frame.value) }
    case 'fetch':
      return {
        kind: 'fetch',
        log: logIdOf(frame.value.log),
        after: safe(frame.value.after),
        limit: frame.value.limit,
      }
    case 'typing':
      return { kind: 'typing', peer: accountIdOf(frame.value.peer), active: frame.value.active }
    case 'subscribe':
      return { kind: 'subscribe', accounts: frame.value.accounts.map(accountIdOf) }
    case 'ping':
      return { kind: 'ping' }
    case undefined:
      throw new WireError('an unknown kind of frame')
  }
}

export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame: clientInit(frame) }))
}

function clientInit(frame: ClientFrame): MessageInitShape<typeof ClientFrameSchema>['frame'] {
  switch (frame.kind) {
    case 'hello': {
      const cursors = frame.cursors.map((cursor) => ({
        log: logIdBytesOf(cursor.log),
        position: BigInt(cursor.position),
      }))
      const { token, capabilities } = frame
      return { case: 'hello' as const, value: { token, cursors, capabilities } }
    }
    case 'send':
      return {
        case: 'send' as const,
        value: {
          log: logIdBytesOf(frame.log),
          sequence: BigInt(frame.sequence),
          messageId: messageIdBytes(frame.messageId),
          stamp: BigInt(frame.stamp),
          deviceList: frame.deviceList,
          envelopes: frame.envelopes.map(envelopeInit),
        },
      }
    case 'ack': {
      const value = { log: logIdBytesOf(frame.log), position: BigInt(frame.position) }
      return { case: 'ack' as const, value }
    }
    case 'receipt':
      return { case: 'receipt' as const, value: receiptInit(frame) }
    case 'fetch': {
      const { limit } = frame
      const value = { log: logIdBytesOf(frame.log), after: BigInt(frame.after), limit }
      return { case: 'fetch' as const, value }
    }
    case 'typing': {
      const value = { peer: accountIdBytes(frame.peer), active: frame.active }
      return { case: 'typing' as const, value }
    }
    case 'subscribe':
      return { case: 'subscribe' as const, value: { accounts: frame.accounts.map(accountIdBytes) } }
    case 'ping':
      return { case: 'ping' as const, value: {} }
  }
}

function messageHeadOf(message: pb.MessageEntry | pb.StoredMessage) {
  return {
    kind: 'message' as const,
    sender: accountIdOf(message.sender),
    senderDevice: deviceIdOf(message.senderDevice),
    sequence: safe(message.sequence),
    messageId: messageIdOf(message.messageId),
    stamp: safe(message.stamp),
  }
}

function receiptContentOf(message: pb.ReceiptEntry): ReceiptContent {
  return {
    kind: 'receipt',
    reader: accountIdOf(message.reader),
    sendingDevice: deviceIdOf(message.sendingDevice),
    delivered: safe(message.delivered),
    read: safe(message.read),
  }
}

function entryContentOf(content: pb.Entry['content']): EntryContent {
  switch (content.case) {
    case 'message': {
      const { envelope } = content.value
      return { ...messageHeadOf(content.value), envelope: envelope && envelopeOf(envelope) }
    }
    case 'receipt':
      return receiptContentOf(content.value)
    case 'devices':
      return { kind: 'devices', version: safe(content.value.version) }
    case undefined:
      throw new WireError('an unknown kind of entry')
  }
}

/** Throws a WireError; a client treats that as a broken connection. */
export function decodeServerFrame(bytes: Uint8Array): ServerFrame {
  return parsed('the frame', () => serverFrameOf(fromBinary(ServerFrameSchema, bytes).frame))
}

function serverFrameOf(frame: pb.ServerFrame['frame']): ServerFrame {
  switch (frame.case) {
    case 'welcome': {
      const { time, incarnation, lastSequence } = frame.value
      return {
        kind: 'welcome',
        time: safe(time),
        incarnation,
        lastSequence: lastSequence === undefined ? undefined : safe(lastSequence),
      }
    }
    case 'accepted':
      return { kind: 'accepted', log: logIdOf(frame.value.log), upTo: safe(frame.value.upTo) }
    case 'rejected':
      return {
        kind: 'rejected',
        log: logIdOf(frame.value.log),
        sequence: safe(frame.value.sequence),
        reason: rejectReasonOf(frame.value.code),
        time: safe(frame.value.time),
        deviceLists: frame.value.deviceLists,
        retryAfterMs: frame.value.retryAfterMs,
      }
    case 'entry':
      return {
        kind: 'entry',
        log: logIdOf(frame.value.log),
        position: safe(frame.value.position),
        prev: safe(frame.value.prev),
        content: entryContentOf(frame.value.content),
      }
    case 'caughtUp':
      return {
        kind: 'caught-up',
        log: logIdOf(frame.value.log),
        position: safe(frame.value.position),
        expiredUpTo: safe(frame.value.expiredUpTo),
      }
    case 'receipts':
      return { kind: 'receipts', confirmed: frame.value.confirmed.map(receiptOf) }
    case 'presence': {
      const { account, online, lastSeen } = frame.value
      return { kind: 'presence', account: accountIdOf(account), online, lastSeen: safe(lastSeen) }
    }
    case 'typing':
      return { kind: 'typing', peer: accountIdOf(frame.value.peer), active: frame.value.active }
    case 'closing':
      return {
        kind: 'closing',
        code: frame.value.code,
        retryAfterMs: frame.value.retryAfterMs,
      }
    case 'pong':
      return { kind: 'pong' }
    case undefined:
      throw new WireError('an unknown kind of frame')
  }
}

export function encodeServerFrame(frame: ServerFrame): Uint8Array {
  return toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame: serverInit(frame) }))
}

function messageInit(content: Omit<MessageContent, 'kind' | 'envelope'>) {
  return {
    sender: accountIdBytes(content.sender),
    senderDevice: deviceIdBytes(content.senderDevice),
    sequence: BigInt(content.sequence),
    messageId: messageIdBytes(content.messageId),
    stamp: BigInt(content.stamp),
  }
}

function receiptEntryInit(content: ReceiptContent) {
  return {
    reader: accountIdBytes(content.reader),
    sendingDevice: deviceIdBytes(content.sendingDevice),
    delivered: BigInt(content.delivered),
    read: BigInt(content.read),
  }
}

function entryInit(entry: Entry): MessageInitShape<typeof EntrySchema> {
  const head = {
    log: logIdBytesOf(entry.log),
    position: BigInt(entry.position),
    prev: BigInt(entry.prev),
  }
  const { content } = entry
  switch (content.kind) {
    case 'message': {
      const envelope = content.envelope && envelopeInit(content.envelope)
      const value = { ...messageInit(content), ...(envelope && { envelope }) }
      return { ...head, content: { case: 'message' as const, value } }
    }
    case 'receipt':
      return { ...head, content: { case: 'receipt' as const, value: receiptEntryInit(content) } }
    case 'devices': {
      const value = { version: BigInt(content.version) }
      return { ...head, content: { case: 'devices' as const, value } }
    }
  }
}

function serverInit(frame: ServerFrame): MessageInitShape<typeof ServerFrameSchema>['frame'] {
  switch (frame.kind) {
    case 'welcome': {
      const { time, incarnation, lastSequence } = frame
      const last = lastSequence === undefined ? {} : { lastSequence: BigInt(lastSequence) }
      return { case: 'welcome' as const, value: { time: BigInt(time), incarnation, ...last } }
    }
    case 'accepted': {
      const value = { log: logIdBytesOf(frame.log), upTo: BigInt(frame.upTo) }
      return { case: 'accepted' as const, value }
    }
    case 'rejected':
      return {
        case: 'rejected' as const,
        value: {
          log: logIdBytesOf(frame.log),
          sequence: BigInt(frame.sequence),
          code: rejectReasons[frame.reason].code,
          time: BigInt(frame.time),
          deviceLists: frame.deviceLists,
          retryAfterMs: frame.retryAfterMs,
        },
      }
    case 'entry':
      return { case: 'entry' as const, value: entryInit(frame) }
    case 'caught-up':
      return {
        case: 'caughtUp' as const,
        value: {
          log: logIdBytesOf(frame.log),
          position: BigInt(frame.position),
          expiredUpTo: BigInt(frame.expiredUpTo),
        },
      }
    case 'receipts':
      return { case: 'receipts' as const, value: { confirmed: frame.confirmed.map(receiptInit) } }
    case 'presence': {
      const { account, online, lastSeen } = frame
      const value = { account: accountIdBytes(account), online, lastSeen: BigInt(lastSeen) }
      return { case: 'presence' as const, value }
    }
    case 'typing': {
      const value = { peer: accountIdBytes(frame.peer), active: frame.active }
      return { case: 'typing' as const, value }
    }
    case 'closing': {
      const { code, retryAfterMs } = frame
      return { case: 'closing' as const, value: { code, retryAfterMs } }
    }
    case 'pong':
      return { case: 'pong' as const, value: {} }
  }
}

export function encodeEntryBody(content: StoredContent): Uint8Array {
  return toBinary(EntryBodySchema, create(EntryBodySchema, { content: bodyInit(content) }))
}

function bodyInit(content: StoredContent): MessageInitShape<typeof EntryBodySchema>['content'] {
  switch (content.kind) {
    case 'message': {
      const envelopes = content.envelopes.map(envelopeInit)
      return { case: 'message' as const, value: { ...messageInit(content), envelopes } }
    }
    case 'receipt':
      return { case: 'receipt' as const, value: receiptEntryInit(content) }
    case 'devices':
      return { case: 'devices' as const, value: { version: BigInt(content.version) } }
  }
}

export function decodeEntryBody(bytes: Uint8Array): StoredContent {
  return parsed('the entry', () => {
    const { content } = fromBinary(EntryBodySchema, bytes)
    switch (content.case) {
      case 'message': {
        const envelopes = content.value.envelopes.map(envelopeOf)
        return { ...messageHeadOf(content.value), envelopes }
      }
      case 'receipt':
        return receiptContentOf(content.value)
      case 'devices':
        return { kind: 'devices' as const, version: safe(content.value.version) }
      case undefined:
        throw new WireError('an unknown kind of entry')
    }
  })
}

/** What one device is served of a stored entry: only its own envelope. */
export function contentFor(device: DeviceId, stored: StoredContent): EntryContent {
  if (stored.kind !== 'message') return stored
  const { envelopes, ...message } = stored
  return { ...message, envelope: envelopes.find((envelope) => envelope.device === device) }
}
