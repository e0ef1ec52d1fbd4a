/** The load client's hand-written frames say exactly what the wire package says. */
import { expect, test } from 'bun:test'
import {
  accountIdBytes,
  accountIdFromRandom,
  decodeClientFrame,
  deviceIdBytes,
  encodeServerFrame,
  inboxOf,
  logIdBytesOf,
  parseDeviceId,
  parseMessageId,
} from '@parley/wire'
import { readEntry, readPlace } from './frame-reading.ts'
import { SendTemplate, bodyFiller, frameTag, writeAck, writeReceipt } from './frames.ts'
import { Outgoing } from './outgoing.ts'

const account = accountIdFromRandom(new Uint8Array(16).fill(7))
const log = inboxOf(account)
const device = parseDeviceId('0123456789abcdef0123456789abcdef')
const messageId = parseMessageId('0000002a'.padEnd(32, '0'))
const body = Buffer.concat([Uint8Array.of(0, 0, 0, 42, 0, 0, 0, 5), bodyFiller])

/** The payload of the one WebSocket message in the bytes. */
function payload(out: Outgoing): Uint8Array {
  const bytes = out.take()
  return bytes.subarray(bytes[1] === 0xfe ? 8 : 6)
}

test('a Send of the load client is decoded as a Send', () => {
  const out = new Outgoing()
  const listHash = new Uint8Array(32).fill(3)
  const to = { log: logIdBytesOf(log), device: deviceIdBytes(device), listHash }
  new SendTemplate(5, to).write(out, {
    sequence: 2 ** 47 + 1,
    number: 42,
    stamp: 1_795_000_000_000,
  })
  expect(decodeClientFrame(payload(out))).toEqual({
    kind: 'send',
    log,
    sequence: 2 ** 47 + 1,
    messageId,
    stamp: 1_795_000_000_000,
    deviceList: listHash,
    envelopes: [{ device, type: 'message', ciphertext: new Uint8Array(body) }],
  })
})

test('an Ack and a Receipt of the load client are decoded as such', () => {
  const out = new Outgoing()
  writeAck(out, logIdBytesOf(log), 2 ** 46)
  expect(decodeClientFrame(payload(out))).toEqual({ kind: 'ack', log, position: 2 ** 46 })
  const peer = accountIdBytes(account)
  writeReceipt(out, { peer, peerDevice: deviceIdBytes(device), delivered: 2 ** 45 + 5 })
  const receipt = {
    kind: 'receipt',
    peer: account,
    peerDevice: device,
    delivered: 2 ** 45 + 5,
    read: 0,
  }
  expect(decodeClientFrame(payload(out))).toMatchObject(receipt)
})

function textAt(bytes: Uint8Array, [from, to]: readonly [number, number]): string {
  return Buffer.from(bytes.subarray(from, to)).toString('hex')
}

test('a message of the server is read by the load client', () => {
  const frame = encodeServerFrame({
    kind: 'entry',
    log,
    position: 2 ** 46 + 3,
    prev: 2 ** 46,
    content: {
      kind: 'message',
      sender: account,
      senderDevice: device,
      sequence: 2 ** 45,
      messageId,
      stamp: 1_795_000_000_000,
      envelope: { device, type: 'message', ciphertext: body },
    },
  })
  expect(frame[0]).toBe(frameTag.entry)
  const bytes = Uint8Array.of(1, 2, 3, ...frame)
  const seen = readEntry(bytes, 3, bytes.length)
  expect(seen).toMatchObject({
    kind: 'message',
    position: 2 ** 46 + 3,
    prev: 2 ** 46,
    sequence: 2 ** 45,
    number: 42,
  })
  expect(textAt(bytes, seen.log)).toBe(Buffer.from(logIdBytesOf(log)).toString('hex'))
  expect(textAt(bytes, seen.account)).toBe(Buffer.from(accountIdBytes(account)).toString('hex'))
  expect(textAt(bytes, seen.senderDevice)).toBe(device)
  expect(textAt(bytes, seen.ciphertext)).toBe(body.toString('hex'))
})

test('a receipt of the server is read by the load client', () => {
  const bytes = encodeServerFrame({
    kind: 'entry',
    log,
    position: 9,
    prev: 8,
    content: { kind: 'receipt', reader: account, sendingDevice: device, delivered: 77, read: 5 },
  })
  const seen = readEntry(bytes, 0, bytes.length)
  expect(seen).toMatchObject({ kind: 'receipt', position: 9, prev: 8, sequence: 77 })
  expect(textAt(bytes, seen.account)).toBe(Buffer.from(accountIdBytes(account)).toString('hex'))
})

test('Accepted and CaughtUp of the server are read by the load client', () => {
  const accepted = encodeServerFrame({ kind: 'accepted', log, upTo: 2 ** 46 + 1 })
  expect(accepted[0]).toBe(frameTag.accepted)
  const seen = readPlace(accepted, 0, accepted.length)
  expect(seen.upTo).toBe(2 ** 46 + 1)
  expect(textAt(accepted, seen.log)).toBe(Buffer.from(logIdBytesOf(log)).toString('hex'))
  const frame = { kind: 'caught-up' as const, log, position: 2 ** 44, expiredUpTo: 3 }
  const caughtUp = encodeServerFrame(frame)
  expect(caughtUp[0]).toBe(frameTag.caughtUp)
  expect(readPlace(caughtUp, 0, caughtUp.length).upTo).toBe(2 ** 44)
})
