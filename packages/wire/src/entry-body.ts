/**
 * What the server stores of an entry, and the Entry frames that it serves. StoredMessage and
 * MessageEntry have the same field numbers, so an entry is served by copying bytes: all but other
 * devices' envelopes.
 */
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type {
  DevicesContent,
  Entry,
  EntryContent,
  Envelope,
  MessageContent,
  ReceiptContent,
  StoredContent,
} from './frames.ts'
import { isDeviceAt } from './ids.ts'
import type { AccountId, DeviceId, LogId, MessageId } from './ids.ts'
import { parsed, required } from './parse.ts'
import { readEnvelope, readReceipt, writeEnvelope } from './shared-fields.ts'
import { WireError } from './wire-error.ts'

const bodyField = { message: 1, receipt: 2, devices: 3 } as const
const entryField = { message: 4, receipt: 5, devices: 6 } as const
const kindOfBody = [undefined, 'message', 'receipt', 'devices'] as const
/** In StoredMessage and in MessageEntry. */
const envelopeField = 6
/** In ServerFrame. */
const entryFrameField = 4
const writer = new ByteWriter()

type StoredMessage = Extract<StoredContent, { kind: 'message' }>
type MessageHead = Omit<MessageContent, 'kind' | 'envelope'>

/** What the log knows of an entry. */
export interface StoredEntry {
  log: LogId
  position: number
  prev: number
  /** As encodeEntryBody made it. */
  body: Uint8Array
}

export function encodeEntryBody(content: StoredContent): Uint8Array {
  writer.begin()
  if (content.kind === 'message') {
    writeMessage(writer, bodyField.message, { message: content, envelopes: content.envelopes })
  } else {
    writeOther(writer, bodyField[content.kind], content)
  }
  return writer.finish()
}

/** Throws a WireError. */
export function decodeEntryBody(bytes: Uint8Array): StoredContent {
  return parsed('the entry', () => {
    const reader = new ByteReader(bytes)
    let content: StoredContent | undefined
    while (reader.next()) {
      if (reader.field === bodyField.message) content = readMessage(reader.nested())
      else if (reader.field === bodyField.receipt) content = readReceiptEntry(reader.nested())
      else if (reader.field === bodyField.devices) content = readDevices(reader.nested())
      else reader.skip()
    }
    return required(content, 'a known kind of entry')
  })
}

/**
 * The Entry frame for one device, with its own envelope only, and what kind of entry it is. Throws
 * a WireError when the body is not one.
 */
export function encodeEntryFor(
  device: DeviceId,
  entry: StoredEntry,
): { bytes: Uint8Array; kind: EntryContent['kind'] } {
  return parsed('the entry', () => {
    const reader = new ByteReader(entry.body)
    const kind = reader.next() ? kindOfBody[reader.field] : undefined
    if (kind === undefined) throw new WireError('an unknown kind of entry')
    const content = reader.nested()
    writer.begin()
    if (kind === 'message') writeOwnFields(device, content)
    else writer.raw(entry.body.subarray(content.at, content.end))
    writer.nested(entryField[kind], 0)
    writeHead(writer, entry)
    writer.nested(entryFrameField, 0)
    return { bytes: writer.finish(), kind }
  })
}

/**
 * What stands before the envelopes, as it is, and of those the device's own. What a later version
 * may put behind them is not served.
 */
function writeOwnFields(device: DeviceId, message: ByteReader): void {
  const start = message.at
  let headEnd: number | undefined
  let own: ByteReader | undefined
  while (own === undefined) {
    const fieldStart = message.at
    if (!message.next()) break
    if (message.field !== envelopeField) {
      message.skip()
      continue
    }
    headEnd ??= fieldStart
    const envelope = message.nested()
    if (isFor(device, envelope)) own = envelope
  }
  if (own) {
    writer.raw(message.bytes.subarray(own.at, own.end))
    writer.nested(envelopeField, 0)
  }
  writer.raw(message.bytes.subarray(start, headEnd ?? message.at))
}

/** The writer of envelopes puts the device first: tag, length, id. */
function isFor(device: DeviceId, { bytes, at, end }: ByteReader): boolean {
  return (
    end - at >= 18 && bytes[at] === 10 && bytes[at + 1] === 16 && isDeviceAt(device, bytes, at + 2)
  )
}

/** Writes an Entry as a field of a ServerFrame. */
export function writeEntryFrame(target: ByteWriter, entry: Entry): void {
  const mark = target.mark()
  const { content } = entry
  if (content.kind === 'message') {
    const envelopes = content.envelope ? [content.envelope] : []
    writeMessage(target, entryField.message, { message: content, envelopes })
  } else {
    writeOther(target, entryField[content.kind], content)
  }
  writeHead(target, entry)
  target.nested(entryFrameField, mark)
}

export function readEntryFrame(reader: ByteReader): Entry {
  let log: LogId | undefined
  let position = 0
  let prev = 0
  let content: EntryContent | undefined
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        log = reader.log()
        break
      case 2:
        position = reader.uint()
        break
      case 3:
        prev = reader.uint()
        break
      case entryField.message:
        content = servedMessage(readMessage(reader.nested()))
        break
      case entryField.receipt:
        content = readReceiptEntry(reader.nested())
        break
      case entryField.devices:
        content = readDevices(reader.nested())
        break
      default:
        reader.skip()
    }
  }
  const known = required(content, 'a known kind of entry')
  return { kind: 'entry', log: required(log, 'the log'), position, prev, content: known }
}

function servedMessage({ envelopes, ...message }: StoredMessage): MessageContent {
  return { ...message, envelope: envelopes[0] }
}

function writeHead(target: ByteWriter, { log, position, prev }: Omit<StoredEntry, 'body'>): void {
  target.uint(3, prev)
  target.uint(2, position)
  target.log(1, log)
}

function writeMessage(
  target: ByteWriter,
  field: number,
  { message, envelopes }: { message: MessageHead; envelopes: readonly Envelope[] },
): void {
  const mark = target.mark()
  for (let index = envelopes.length - 1; index >= 0; index--) {
    writeEnvelope(target, envelopeField, envelopes[index] as Envelope)
  }
  target.uint(5, message.stamp)
  target.id(4, message.messageId)
  target.uint(3, message.sequence)
  target.id(2, message.senderDevice)
  target.account(1, message.sender)
  target.nested(field, mark)
}

function readMessage(reader: ByteReader): StoredMessage {
  let sender: AccountId | undefined
  let senderDevice: DeviceId | undefined
  let messageId: MessageId | undefined
  let sequence = 0
  let stamp = 0
  const envelopes: Envelope[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        sender = reader.account()
        break
      case 2:
        senderDevice = reader.device()
        break
      case 3:
        sequence = reader.uint()
        break
      case 4:
        messageId = reader.message()
        break
      case 5:
        stamp = reader.uint()
        break
      case envelopeField:
        envelopes.push(readEnvelope(reader.nested()))
        break
      default:
        reader.skip()
    }
  }
  return {
    kind: 'message',
    sender: required(sender, 'the sender'),
    senderDevice: required(senderDevice, 'the sending device'),
    sequence,
    messageId: required(messageId, 'the message id'),
    stamp,
    envelopes,
  }
}

function writeOther(target: ByteWriter, field: number, content: ReceiptContent | DevicesContent) {
  const mark = target.mark()
  if (content.kind === 'receipt') {
    target.uint(4, content.read)
    target.uint(3, content.delivered)
    target.id(2, content.sendingDevice)
    target.account(1, content.reader)
  } else {
    target.uint(1, content.version)
  }
  target.nested(field, mark)
}

/** Field by field a Receipt, whose peer is here the reader. */
function readReceiptEntry(reader: ByteReader): ReceiptContent {
  const { peer, peerDevice, delivered, read } = readReceipt(reader)
  return { kind: 'receipt', reader: peer, sendingDevice: peerDevice, delivered, read }
}

function readDevices(reader: ByteReader): DevicesContent {
  let version = 0
  while (reader.next()) {
    if (reader.field === 1) version = reader.uint()
    else reader.skip()
  }
  return { kind: 'devices', version }
}
