/**
 * Frames from client to server as bytes, and back. Field numbers are those of
 * proto/parley/v1/frames.proto.
 */
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { ClientFrame, Cursor, Envelope, Send } from './frames.ts'
import type { AccountId, LogId, MessageId } from './ids.ts'
import { controlFrameBytesMax, sendBytesMax } from './limits.ts'
import { parsed, required } from './parse.ts'
import {
  readEnvelope,
  readLogAndNumbers,
  readReceipt,
  readTyping,
  skipAll,
  writeEnvelope,
  writeLogAndNumbers,
  writeReceipt,
  writeTyping,
} from './shared-fields.ts'
import { WireError } from './wire-error.ts'

const fieldOf = {
  hello: 1,
  send: 2,
  ack: 3,
  receipt: 4,
  fetch: 5,
  typing: 6,
  subscribe: 7,
  ping: 8,
} as const satisfies Record<ClientFrame['kind'], number>

const deviceListHashBytes = 32
const encoder = new TextEncoder()
const writer = new ByteWriter()

/** Throws a WireError when the bytes are too many, or not a frame that this version knows. */
export function decodeClientFrame(bytes: Uint8Array): ClientFrame {
  if (bytes.length > sendBytesMax) throw new WireError('the frame is too large')
  const frame = parsed('the frame', () => readFrame(new ByteReader(bytes)))
  if (frame.kind !== 'send' && bytes.length > controlFrameBytesMax) {
    throw new WireError('the frame is too large')
  }
  return frame
}

function readFrame(reader: ByteReader): ClientFrame {
  let frame: ClientFrame | undefined
  while (reader.next()) {
    const read = readers[reader.field]
    if (read) frame = read(reader.nested())
    else reader.skip()
  }
  return required(frame, 'a known kind of frame')
}

const readers: Readonly<Record<number, (reader: ByteReader) => ClientFrame>> = {
  [fieldOf.hello]: readHello,
  [fieldOf.send]: readSend,
  [fieldOf.ack](reader) {
    const { log, first } = readLogAndNumbers(reader)
    return { kind: 'ack', log, position: first }
  },
  [fieldOf.receipt](reader) {
    const { peer, peerDevice, delivered, read } = readReceipt(reader)
    return { kind: 'receipt', peer, peerDevice, delivered, read }
  },
  [fieldOf.fetch](reader) {
    const { log, first, second } = readLogAndNumbers(reader)
    return { kind: 'fetch', log, after: first, limit: second % 2 ** 32 }
  },
  [fieldOf.typing]: (reader) => ({ kind: 'typing', ...readTyping(reader) }),
  [fieldOf.subscribe](reader) {
    const accounts: AccountId[] = []
    while (reader.next()) {
      if (reader.field === 1) accounts.push(reader.account())
      else reader.skip()
    }
    return { kind: 'subscribe', accounts }
  },
  [fieldOf.ping](reader) {
    skipAll(reader)
    return { kind: 'ping' }
  },
}

function readHello(reader: ByteReader): ClientFrame {
  let token = ''
  const cursors: Cursor[] = []
  const capabilities: string[] = []
  while (reader.next()) {
    if (reader.field === 1) token = reader.text()
    else if (reader.field === 2) {
      const { log, first } = readLogAndNumbers(reader.nested())
      cursors.push({ log, position: first })
    } else if (reader.field === 3) capabilities.push(reader.text())
    else reader.skip()
  }
  return { kind: 'hello', token, cursors, capabilities }
}

function readSend(reader: ByteReader): Send {
  let log: LogId | undefined
  let messageId: MessageId | undefined
  let deviceList: Uint8Array | undefined
  let sequence = 0
  let stamp = 0
  const envelopes: Envelope[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        log = reader.log()
        break
      case 2:
        sequence = reader.uint()
        break
      case 3:
        messageId = reader.message()
        break
      case 4:
        stamp = reader.uint()
        break
      case 5:
        deviceList = reader.view()
        break
      case 6:
        envelopes.push(readEnvelope(reader.nested()))
        break
      default:
        reader.skip()
    }
  }
  if (deviceList?.length !== deviceListHashBytes) throw new WireError('device list hash')
  if (sequence === 0) throw new WireError('the sequence is missing')
  return {
    kind: 'send',
    log: required(log, 'the log'),
    sequence,
    messageId: required(messageId, 'the message id'),
    stamp,
    deviceList,
    envelopes,
  }
}

export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  writer.begin()
  writeFrame(frame)
  return writer.finish()
}

function writeFrame(frame: ClientFrame): void {
  const field = fieldOf[frame.kind]
  switch (frame.kind) {
    case 'hello':
      return writeHello(frame)
    case 'send':
      return writeSend(frame)
    case 'ack':
      return writeLogAndNumbers(writer, field, { log: frame.log, first: frame.position, second: 0 })
    case 'receipt':
      return writeReceipt(writer, field, frame)
    case 'fetch': {
      const { log, after, limit } = frame
      return writeLogAndNumbers(writer, field, { log, first: after, second: limit })
    }
    case 'typing':
      return writeTyping(writer, field, frame)
    case 'subscribe': {
      const mark = writer.mark()
      for (const account of frame.accounts.toReversed()) writer.account(1, account)
      return writer.nested(field, mark)
    }
    case 'ping':
      return writer.nested(field, writer.mark())
  }
}

function writeHello(hello: Extract<ClientFrame, { kind: 'hello' }>): void {
  const mark = writer.mark()
  for (const name of hello.capabilities.toReversed()) {
    writer.viewAlways(3, encoder.encode(name))
  }
  for (const { log, position } of hello.cursors.toReversed()) {
    writeLogAndNumbers(writer, 2, { log, first: position, second: 0 })
  }
  writer.text(1, hello.token)
  writer.nested(fieldOf.hello, mark)
}

function writeSend(send: Send): void {
  const mark = writer.mark()
  for (let index = send.envelopes.length - 1; index >= 0; index--) {
    writeEnvelope(writer, 6, send.envelopes[index] as Envelope)
  }
  writer.view(5, send.deviceList)
  writer.uint(4, send.stamp)
  writer.id(3, send.messageId)
  writer.uint(2, send.sequence)
  writer.log(1, send.log)
  writer.nested(fieldOf.send, mark)
}
