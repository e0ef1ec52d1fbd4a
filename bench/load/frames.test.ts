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
  messageIdBytes,
  parseDeviceId,
  parseMessageId,
} from '@parley/wire'
import { Outgoing, SendTemplate, frameTag, readEntry, writeAck, writeReceipt } from './frames.ts'

const account = accountIdFromRandom(new Uint8Array(16).fill(7))
const log = inboxOf(account)
const device = parseDeviceId('0123456789abcdef0123456789abcdef')

/** The payload of the one WebSocket message in the bytes. */
function payload(out: Outgoing): Uint8Array {
  const bytes = out.take()
  return bytes.subarray(bytes[1] === 0xfe ? 8 : 6)
}

test('a Send of the load client is decoded as a Send', () => {
  const out = new Outgoing()
  const listHash = new Uint8Array(32).fill(3)
  const to = { log: logIdBytesOf(log), device: deviceIdBytes(device), listHash }
  const body = new Uint8Array(300).fill(9)
  new SendTemplate(to, body).write(out, {
    sequence: 2 ** 47 + 1,
    number: 42,
    stamp: 1_795_000_000_000,
  })
  expect(decodeClientFrame(payload(out))).toEqual({
    kind: 'send',
    log,
    sequence: 2 ** 47 + 1,
    messageId: parseMessageId('0000002a'.padEnd(32, '0')),
    stamp: 1_795_000_000_000,
    deviceList: listHash,
    envelopes: [{ device, type: 'message', ciphertext: body }],
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

test('entries of the server are read by the load client', () => {
  const messageId = parseMessageId('0000002a'.padEnd(32, '0'))
  const ciphertext = new Uint8Array(300)
  const message = encodeServerFrame({
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
      envelope: { device, type: 'message', ciphertext },
    },
  })
  expect(message[0]).toBe(frameTag.entry)
  expect(messageIdBytes(messageId)[3]).toBe(42)
  expect(readEntry(message, 0, message.length)).toMatchObject({
    kind: 'message',
    position: 2 ** 46 + 3,
    sequence: 2 ** 45,
    number: 42,
  })
  const receipt = encodeServerFrame({
    kind: 'entry',
    log,
    position: 9,
    prev: 8,
    content: { kind: 'receipt', reader: account, sendingDevice: device, delivered: 77, read: 5 },
  })
  const seen = readEntry(receipt, 0, receipt.length)
  expect(seen).toMatchObject({ kind: 'receipt', position: 9, sequence: 77 })
})
