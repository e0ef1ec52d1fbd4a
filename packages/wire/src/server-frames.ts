/**
 * Frames from server to client as bytes, and back. Field numbers are those of
 * proto/parley/v1/frames.proto.
 */
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { readEntryFrame, writeEntryFrame } from './entry-body.ts'
import { rejectReasonOf, rejectReasons } from './errors.ts'
import type { Receipt, ServerFrame, SignedDeviceList } from './frames.ts'
import type { AccountId, LogId } from './ids.ts'
import { parsed, required } from './parse.ts'
import {
  readLogAndNumbers,
  readReceipt,
  readSignedList,
  readTyping,
  skipAll,
  writeLogAndNumbers,
  writeReceipt,
  writeSignedList,
  writeTyping,
} from './shared-fields.ts'

type FrameOf<Kind extends ServerFrame['kind']> = Extract<ServerFrame, { kind: Kind }>

const fieldOf = {
  welcome: 1,
  accepted: 2,
  rejected: 3,
  entry: 4,
  'caught-up': 5,
  receipts: 6,
  presence: 7,
  typing: 8,
  closing: 9,
  pong: 10,
} as const satisfies Record<ServerFrame['kind'], number>

const writer = new ByteWriter()

/** Throws a WireError; a client treats that as a broken connection. */
export function decodeServerFrame(bytes: Uint8Array): ServerFrame {
  return parsed('the frame', () => {
    const reader = new ByteReader(bytes)
    let frame: ServerFrame | undefined
    while (reader.next()) {
      const read = readers[reader.field]
      if (read) frame = read(reader.nested())
      else reader.skip()
    }
    return required(frame, 'a known kind of frame')
  })
}

const readers: Readonly<Record<number, (reader: ByteReader) => ServerFrame>> = {
  [fieldOf.welcome]: readWelcome,
  [fieldOf.accepted](reader) {
    const { log, first } = readLogAndNumbers(reader)
    return { kind: 'accepted', log, upTo: first }
  },
  [fieldOf.rejected]: readRejected,
  [fieldOf.entry]: readEntryFrame,
  [fieldOf['caught-up']](reader) {
    const { log, first, second } = readLogAndNumbers(reader)
    return { kind: 'caught-up', log, position: first, expiredUpTo: second }
  },
  [fieldOf.receipts](reader) {
    const confirmed: Receipt[] = []
    while (reader.next()) {
      if (reader.field === 1) confirmed.push(readReceipt(reader.nested()))
      else reader.skip()
    }
    return { kind: 'receipts', confirmed }
  },
  [fieldOf.presence]: readPresence,
  [fieldOf.typing]: (reader) => ({ kind: 'typing', ...readTyping(reader) }),
  [fieldOf.closing]: readClosing,
  [fieldOf.pong](reader) {
    skipAll(reader)
    return { kind: 'pong' }
  },
}

function readWelcome(reader: ByteReader): FrameOf<'welcome'> {
  let time = 0
  let incarnation = ''
  let lastSequence: number | undefined
  while (reader.next()) {
    if (reader.field === 1) time = reader.uint()
    else if (reader.field === 2) incarnation = reader.text()
    else if (reader.field === 3) lastSequence = reader.uint()
    else reader.skip()
  }
  return { kind: 'welcome', time, incarnation, lastSequence }
}

function readRejected(reader: ByteReader): FrameOf<'rejected'> {
  let log: LogId | undefined
  let code = 0
  const numbers = { sequence: 0, time: 0, retryAfterMs: 0 }
  const deviceLists: SignedDeviceList[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        log = reader.log()
        break
      case 2:
        numbers.sequence = reader.uint()
        break
      case 3:
        code = reader.uint()
        break
      case 4:
        numbers.time = reader.uint()
        break
      case 5:
        deviceLists.push(readSignedList(reader.nested()))
        break
      case 6:
        numbers.retryAfterMs = reader.uint32()
        break
      default:
        reader.skip()
    }
  }
  const reason = rejectReasonOf(code)
  return { kind: 'rejected', log: required(log, 'the log'), ...numbers, reason, deviceLists }
}

function readPresence(reader: ByteReader): FrameOf<'presence'> {
  let account: AccountId | undefined
  let online = false
  let lastSeen = 0
  while (reader.next()) {
    if (reader.field === 1) account = reader.account()
    else if (reader.field === 2) online = reader.bool()
    else if (reader.field === 3) lastSeen = reader.uint()
    else reader.skip()
  }
  return { kind: 'presence', account: required(account, 'the account'), online, lastSeen }
}

function readClosing(reader: ByteReader): FrameOf<'closing'> {
  let code = 0
  let retryAfterMs = 0
  while (reader.next()) {
    if (reader.field === 1) code = reader.uint32()
    else if (reader.field === 2) retryAfterMs = reader.uint32()
    else reader.skip()
  }
  return { kind: 'closing', code, retryAfterMs }
}

export function encodeServerFrame(frame: ServerFrame): Uint8Array {
  writer.begin()
  writeFrame(frame)
  return writer.finish()
}

function writeFrame(frame: ServerFrame): void {
  const field = fieldOf[frame.kind]
  const mark = writer.mark()
  switch (frame.kind) {
    case 'welcome':
      if (frame.lastSequence !== undefined) writer.uintAlways(3, frame.lastSequence)
      writer.text(2, frame.incarnation)
      writer.uint(1, frame.time)
      return writer.nested(field, mark)
    case 'accepted':
      return writeLogAndNumbers(writer, field, { log: frame.log, first: frame.upTo, second: 0 })
    case 'rejected':
      return writeRejected(frame)
    case 'entry':
      return writeEntryFrame(writer, frame)
    case 'caught-up': {
      const { log, position, expiredUpTo } = frame
      return writeLogAndNumbers(writer, field, { log, first: position, second: expiredUpTo })
    }
    case 'receipts':
      for (const receipt of frame.confirmed.toReversed()) writeReceipt(writer, 1, receipt)
      return writer.nested(field, mark)
    case 'presence':
      writer.uint(3, frame.lastSeen)
      writer.bool(2, frame.online)
      writer.account(1, frame.account)
      return writer.nested(field, mark)
    case 'typing':
      return writeTyping(writer, field, frame)
    case 'closing':
      writer.uint(2, frame.retryAfterMs)
      writer.uint(1, frame.code)
      return writer.nested(field, mark)
    case 'pong':
      return writer.nested(field, mark)
  }
}

function writeRejected(frame: FrameOf<'rejected'>): void {
  const mark = writer.mark()
  writer.uint(6, frame.retryAfterMs)
  for (const list of frame.deviceLists.toReversed()) writeSignedList(writer, 5, list)
  writer.uint(4, frame.time)
  writer.uint(3, rejectReasons[frame.reason].code)
  writer.uint(2, frame.sequence)
  writer.log(1, frame.log)
  writer.nested(fieldOf.rejected, mark)
}
