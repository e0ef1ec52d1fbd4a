/** What the proxy breaks is what it says, wherever the chunks of a connection end. */
import { expect, test } from 'bun:test'
import {
  accountIdFromRandom,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  inboxOf,
  parseDeviceId,
  parseMessageId,
} from '@parley/wire'
import { FrameWalk } from './frame-walk.ts'
import type { Mutilation } from './frame-walk.ts'

const log = inboxOf(accountIdFromRandom(new Uint8Array(16).fill(7)))
const account = accountIdFromRandom(new Uint8Array(16).fill(8))
const device = parseDeviceId('0123456789abcdef0123456789abcdef')
const messageId = parseMessageId('00112233445566778899aabbccddeeff')
const ciphertext = new Uint8Array(300).fill(9)
const envelope = { device, type: 'message' as const, ciphertext }
const send = encodeClientFrame({
  kind: 'send',
  ...{ log, sequence: 5, messageId, stamp: 7, deviceList: new Uint8Array(32) },
  envelopes: [envelope],
})
const entry = encodeServerFrame({
  kind: 'entry',
  ...{ log, position: 9, prev: 8 },
  content: {
    kind: 'message',
    ...{ sender: account, senderDevice: device, sequence: 5, messageId, stamp: 7, envelope },
  },
})
const ack = encodeClientFrame({ kind: 'ack', log, position: 3 })
const accepted = encodeServerFrame({ kind: 'accepted', log, upTo: 3 })
const upgrade = Buffer.from('GET /v1/socket HTTP/1.1\r\nHost: here\r\n\r\n', 'latin1')

function message(payload: Uint8Array, mask: Uint8Array | undefined): Buffer {
  const flag = mask ? 0x80 : 0
  const length = payload.length
  const head = length < 126 ? [flag | length] : [flag | 126, length >> 8, length & 255]
  const masked = mask ? payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) : payload
  return Buffer.concat([Uint8Array.of(0x82, ...head), mask ?? new Uint8Array(), masked])
}

/** The stream as it comes out, in chunks of that size; it is broken from the start. */
function passed(parts: Buffer[], how: Mutilation | undefined, chunkBytes: number): Buffer {
  const walk = new FrameWalk()
  const stream = Buffer.concat([upgrade, ...parts])
  for (let at = 0; at < stream.length; at += chunkBytes) {
    if (at >= upgrade.length && walk.mutilated === 0 && how) walk.want(how)
    if (at === 0 && how) walk.want(how)
    walk.pass(stream.subarray(at, at + chunkBytes))
  }
  expect(walk.mutilated).toBeGreaterThanOrEqual(how ? 1 : 0)
  return stream.subarray(upgrade.length)
}

const mask = Uint8Array.of(3, 77, 250, 1)
const directions = [
  {
    name: 'up',
    parts: [message(ack, mask), message(send, mask)],
    first: ack.length + 6,
    key: mask,
  },
  {
    name: 'down',
    parts: [message(accepted, undefined), message(entry, undefined)],
    first: accepted.length + 2,
    key: undefined,
  },
]
const chunkSizes = [1, 2, 7, 64, 10_000]

for (const { name, parts, first, key } of directions) {
  const original = Buffer.concat(parts)
  const payloadAt = (stream: Buffer, from: number, headBytes: number) => {
    const start = from + headBytes + (key ? 4 : 0)
    const end = from === 0 ? first : stream.length
    return stream.subarray(start, end).map((byte, at) => byte ^ (key?.[at % 4] ?? 0))
  }
  const decode = name === 'up' ? decodeClientFrame : decodeServerFrame

  test(`${name}: nothing changes unasked`, () => {
    for (const size of chunkSizes) expect(passed(parts, undefined, size)).toEqual(original)
  })

  test(`${name}: a broken header is no header`, () => {
    for (const size of chunkSizes) {
      const [byte = 0] = passed(parts, 'header', size)
      expect(byte & 0x40).toBe(0x40)
    }
  })

  test(`${name}: a broken frame is no frame`, () => {
    for (const size of chunkSizes) {
      const stream = passed(parts, 'frame', size)
      const payload = payloadAt(stream, 0, 2)
      expect(() => decode(payload)).toThrow()
    }
  })

  test(`${name}: a broken ciphertext is another one in the same frame`, () => {
    for (const size of chunkSizes) {
      const stream = passed(parts, 'ciphertext', size)
      expect(stream.subarray(0, first)).toEqual(original.subarray(0, first))
      const frame = decode(payloadAt(stream, first, 4))
      const broken = ciphertext.with(299, 9 ^ 0x10)
      const found =
        frame.kind === 'send'
          ? frame.envelopes[0]
          : frame.kind === 'entry' && frame.content.kind === 'message'
            ? frame.content.envelope
            : undefined
      expect(found).toEqual({ ...envelope, ciphertext: broken })
    }
  })
}
