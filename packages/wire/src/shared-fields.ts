/**
 * Messages that stand in frames of both directions or in stored entries: envelopes, receipts, logs
 * with a position, signed lists.
 */
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { Envelope, Receipt, SignedDeviceList } from './frames.ts'
import type { AccountId, DeviceId, LogId } from './ids.ts'
import { required } from './parse.ts'
import { WireError } from './wire-error.ts'

const envelopeTypes = [undefined, 'prekey', 'message'] as const
const noBytes = new Uint8Array()

export function readEnvelope(reader: ByteReader): Envelope {
  let device: DeviceId | undefined
  let type: Envelope['type'] | undefined
  let ciphertext = noBytes
  while (reader.next()) {
    if (reader.field === 1) device = reader.device()
    else if (reader.field === 2) type = envelopeTypes[reader.uint()]
    else if (reader.field === 3) ciphertext = reader.view() as typeof noBytes
    else reader.skip()
  }
  if (!type) throw new WireError('unknown type of envelope')
  return { device: required(device, 'the device of an envelope'), type, ciphertext }
}

export function writeEnvelope(writer: ByteWriter, field: number, envelope: Envelope): void {
  const mark = writer.mark()
  writer.view(3, envelope.ciphertext)
  writer.uint(2, envelopeTypes.indexOf(envelope.type))
  writer.id(1, envelope.device)
  writer.nested(field, mark)
}

export function readReceipt(reader: ByteReader): Receipt {
  let peer: AccountId | undefined
  let peerDevice: DeviceId | undefined
  let delivered = 0
  let read = 0
  while (reader.next()) {
    if (reader.field === 1) peer = reader.account()
    else if (reader.field === 2) peerDevice = reader.device()
    else if (reader.field === 3) delivered = reader.uint()
    else if (reader.field === 4) read = reader.uint()
    else reader.skip()
  }
  const who = required(peer, 'the peer of a receipt')
  return { peer: who, peerDevice: required(peerDevice, 'the peer device'), delivered, read }
}

export function writeReceipt(writer: ByteWriter, field: number, receipt: Receipt): void {
  const mark = writer.mark()
  writer.uint(4, receipt.read)
  writer.uint(3, receipt.delivered)
  writer.id(2, receipt.peerDevice)
  writer.account(1, receipt.peer)
  writer.nested(field, mark)
}

/** A log and one or two numbers: Cursor, Ack, Fetch, Accepted, CaughtUp. */
export interface LogAndNumbers {
  log: LogId
  first: number
  second: number
}

export function readLogAndNumbers(reader: ByteReader): LogAndNumbers {
  let log: LogId | undefined
  let first = 0
  let second = 0
  while (reader.next()) {
    if (reader.field === 1) log = reader.log()
    else if (reader.field === 2) first = reader.uint()
    else if (reader.field === 3) second = reader.uint()
    else reader.skip()
  }
  return { log: required(log, 'the log'), first, second }
}

export function writeLogAndNumbers(
  writer: ByteWriter,
  field: number,
  { log, first, second }: LogAndNumbers,
): void {
  const mark = writer.mark()
  writer.uint(3, second)
  writer.uint(2, first)
  writer.log(1, log)
  writer.nested(field, mark)
}

export function readTyping(reader: ByteReader): { peer: AccountId; active: boolean } {
  let peer: AccountId | undefined
  let active = false
  while (reader.next()) {
    if (reader.field === 1) peer = reader.account()
    else if (reader.field === 2) active = reader.bool()
    else reader.skip()
  }
  return { peer: required(peer, 'the peer'), active }
}

export function writeTyping(
  writer: ByteWriter,
  field: number,
  { peer, active }: { peer: AccountId; active: boolean },
): void {
  const mark = writer.mark()
  writer.bool(2, active)
  writer.account(1, peer)
  writer.nested(field, mark)
}

export function readSignedList(reader: ByteReader): SignedDeviceList {
  const list: SignedDeviceList = { body: noBytes, signer: noBytes, signature: noBytes }
  while (reader.next()) {
    if (reader.field === 1) list.body = reader.view()
    else if (reader.field === 2) list.signer = reader.view()
    else if (reader.field === 3) list.signature = reader.view()
    else reader.skip()
  }
  return list
}

export function writeSignedList(writer: ByteWriter, field: number, list: SignedDeviceList): void {
  const mark = writer.mark()
  writer.view(3, list.signature)
  writer.view(2, list.signer)
  writer.view(1, list.body)
  writer.nested(field, mark)
}

/** A message without fields. */
export function skipAll(reader: ByteReader): void {
  while (reader.next()) reader.skip()
}
