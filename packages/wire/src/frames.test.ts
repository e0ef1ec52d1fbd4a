/**
 * Frames as bytes: what our codec writes the generated protobuf code reads, and the other way
 * round; and whatever comes from outside is a frame or a WireError.
 */
import { describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { decodeClientFrame, encodeClientFrame } from './client-frames.ts'
import { decodeEntryBody, encodeEntryBody, encodeEntryFor } from './entry-body.ts'
import { contentFor } from './frames.ts'
import type { ClientFrame, Entry, Envelope, Receipt, ServerFrame, StoredContent } from './frames.ts'
import { accountIdBytes, accountIdOf, deviceIdBytes, deviceIdOf } from './ids.ts'
import { inboxOf, logIdBytesOf, messageIdBytes, messageIdOf } from './ids.ts'
import { controlFrameBytesMax, sendBytesMax } from './limits.ts'
import {
  ClientFrameSchema,
  EntryBodySchema,
  EnvelopeType,
  RejectCode,
  ServerFrameSchema,
} from './protobuf.fixture.ts'
import { decodeServerFrame, encodeServerFrame } from './server-frames.ts'
import { WireError } from './wire-error.ts'

/** Mulberry32: reproducible bytes for this file. */
function randomOf(seed: number) {
  let state = seed
  const word = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (bound: number) => word() % bound
  const bytes = (length: number) => Uint8Array.from({ length }, () => below(256))
  /** Every length of a varint comes up. */
  const number = () => Math.floor(2 ** below(53)) + below(3) - 1
  return { below, bytes, number }
}

function samples(seed: number) {
  const { below, bytes, number } = randomOf(seed)
  const account = () => accountIdOf(bytes(16))
  const device = () => deviceIdOf(bytes(16))
  const log = () => inboxOf(account())
  const many = <T>(make: () => T) => Array.from({ length: below(4) }, make)
  const envelope = (): Envelope => ({
    device: device(),
    type: below(2) === 0 ? 'prekey' : 'message',
    ciphertext: bytes(below(200)),
  })
  const receipt = (): Receipt => {
    return { peer: account(), peerDevice: device(), delivered: number(), read: number() }
  }
  const head = () => ({
    kind: 'message' as const,
    sender: account(),
    senderDevice: device(),
    sequence: number(),
    messageId: messageIdOf(bytes(16)),
    stamp: number(),
  })
  const receiptContent = () => ({
    kind: 'receipt' as const,
    reader: account(),
    sendingDevice: device(),
    delivered: number(),
    read: number(),
  })
  const devicesContent = () => ({ kind: 'devices' as const, version: number() })
  const entry = (content: Entry['content']): Entry => {
    return { kind: 'entry', log: log(), position: number(), prev: number(), content }
  }
  const client: ClientFrame[] = [
    {
      kind: 'hello',
      token: 'ein Tökén '.repeat(below(9)),
      cursors: many(() => ({ log: log(), position: number() })),
      capabilities: many(() => `c${below(9)}`),
    },
    {
      kind: 'send',
      log: log(),
      sequence: number() + 1,
      messageId: messageIdOf(bytes(16)),
      stamp: number(),
      deviceList: bytes(32),
      envelopes: many(envelope),
    },
    { kind: 'ack', log: log(), position: number() },
    { kind: 'receipt', ...receipt() },
    { kind: 'fetch', log: log(), after: number(), limit: below(2 ** 32) },
    { kind: 'typing', peer: account(), active: below(2) === 0 },
    { kind: 'subscribe', accounts: many(account) },
    { kind: 'ping' },
  ]
  const server: ServerFrame[] = [
    {
      kind: 'welcome',
      time: number(),
      incarnation: 'né'.repeat(below(3)),
      lastSequence: below(3) === 0 ? undefined : below(2) * number(),
    },
    { kind: 'accepted', log: log(), upTo: number() },
    {
      kind: 'rejected',
      log: log(),
      sequence: number(),
      reason: 'devices-changed',
      time: number(),
      deviceLists: many(() => ({ body: bytes(9), signer: bytes(16), signature: bytes(64) })),
      retryAfterMs: below(2 ** 31),
    },
    entry({ ...head(), envelope: below(2) === 0 ? envelope() : undefined }),
    entry(receiptContent()),
    entry(devicesContent()),
    { kind: 'caught-up', log: log(), position: number(), expiredUpTo: number() },
    { kind: 'receipts', confirmed: many(receipt) },
    { kind: 'presence', account: account(), online: below(2) === 0, lastSeen: number() },
    { kind: 'typing', peer: account(), active: below(2) === 0 },
    { kind: 'closing', code: 4000 + below(999), retryAfterMs: below(9999) },
    { kind: 'pong' },
  ]
  const stored: StoredContent[] = [
    { ...head(), envelopes: [envelope(), ...many(envelope)] },
    receiptContent(),
    devicesContent(),
  ]
  return { client, server, stored, log: log() }
}

const seeds = Array.from({ length: 60 }, (_, seed) => seed)

describe('frames', () => {
  test('what is encoded decodes to the same', () => {
    for (const seed of seeds) {
      const { client, server, stored } = samples(seed)
      for (const frame of client) expect(decodeClientFrame(encodeClientFrame(frame))).toEqual(frame)
      for (const frame of server) expect(decodeServerFrame(encodeServerFrame(frame))).toEqual(frame)
      for (const content of stored) {
        expect(decodeEntryBody(encodeEntryBody(content))).toEqual(content)
      }
    }
  })

  test('the generated protobuf code writes the very same bytes', () => {
    for (const seed of seeds) {
      const { client, server, stored } = samples(seed)
      for (const frame of client) {
        const bytes = encodeClientFrame(frame)
        const message = fromBinary(ClientFrameSchema, bytes)
        expect(message.$unknown).toBeUndefined()
        expect<Uint8Array>(toBinary(ClientFrameSchema, message)).toEqual(bytes)
      }
      for (const frame of server) {
        const bytes = encodeServerFrame(frame)
        expect<Uint8Array>(
          toBinary(ServerFrameSchema, fromBinary(ServerFrameSchema, bytes)),
        ).toEqual(bytes)
      }
      for (const content of stored) {
        const bytes = encodeEntryBody(content)
        expect<Uint8Array>(toBinary(EntryBodySchema, fromBinary(EntryBodySchema, bytes))).toEqual(
          bytes,
        )
      }
    }
  })

  test('each field is where the protobuf definition has it', () => {
    const { client, server } = samples(7)
    const send = client[1]
    if (send?.kind !== 'send') throw new Error('not a send')
    const envelope = { device: send.envelopes[0]?.device ?? deviceIdOf(new Uint8Array(16)) }
    const message = create(ClientFrameSchema, {
      frame: {
        case: 'send',
        value: {
          log: logIdBytesOf(send.log),
          sequence: 71n,
          messageId: messageIdBytes(send.messageId),
          stamp: 72n,
          deviceList: send.deviceList,
          envelopes: [
            {
              device: deviceIdBytes(envelope.device),
              type: EnvelopeType.PREKEY,
              ciphertext: new Uint8Array([1, 2]),
            },
          ],
        },
      },
    })
    expect(decodeClientFrame(toBinary(ClientFrameSchema, message))).toEqual({
      ...send,
      sequence: 71,
      stamp: 72,
      envelopes: [{ device: envelope.device, type: 'prekey', ciphertext: new Uint8Array([1, 2]) }],
    })
    const rejected = server[2]
    if (rejected?.kind !== 'rejected') throw new Error('not a refusal')
    const refusal = create(ServerFrameSchema, {
      frame: {
        case: 'rejected',
        value: {
          log: logIdBytesOf(rejected.log),
          sequence: 5n,
          code: RejectCode.STAMP_AHEAD,
          time: 6n,
          retryAfterMs: 7,
        },
      },
    })
    expect(decodeServerFrame(toBinary(ServerFrameSchema, refusal))).toEqual({
      kind: 'rejected',
      log: rejected.log,
      sequence: 5,
      reason: 'stamp-ahead',
      time: 6,
      deviceLists: [],
      retryAfterMs: 7,
    })
  })

  test('fields of a later version are passed over', () => {
    const unknown = [
      [0xf8, 0x07, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // varint
      [0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8], // 64 bits
      [0xfa, 0x07, 3, 1, 2, 3], // bytes
      [0xfd, 0x07, 1, 2, 3, 4], // 32 bits
    ].flat()
    const { client, server } = samples(3)
    for (const frame of client) {
      const bytes = new Uint8Array([...unknown, ...encodeClientFrame(frame), ...unknown])
      expect(decodeClientFrame(bytes)).toEqual(frame)
    }
    for (const frame of server) {
      const bytes = new Uint8Array([...unknown, ...encodeServerFrame(frame), ...unknown])
      expect(decodeServerFrame(bytes)).toEqual(frame)
    }
  })

  test('[W4] bytes cut anywhere, changed anywhere or made up are a frame or a WireError', () => {
    const { below, bytes } = randomOf(99)
    const decoders = [decodeClientFrame, decodeServerFrame, decodeEntryBody]
    let refused = 0
    const attempt = (input: Uint8Array) => {
      for (const decode of decoders) {
        try {
          decode(input)
        } catch (error) {
          if (!(error instanceof WireError)) throw error
          refused++
        }
      }
    }
    for (const seed of seeds.slice(0, 10)) {
      const { client, server, stored } = samples(seed)
      const all = [
        ...client.map(encodeClientFrame),
        ...server.map(encodeServerFrame),
        ...stored.map(encodeEntryBody),
      ]
      for (const good of all) {
        for (let end = 0; end < good.length; end += 1 + below(5)) attempt(good.subarray(0, end))
        for (let n = 0; n < 20; n++) {
          const bad = good.slice()
          bad[below(bad.length)] = below(256)
          attempt(bad)
        }
      }
    }
    for (let n = 0; n < 2_000; n++) attempt(bytes(below(120)))
    expect(refused).toBeGreaterThan(6_000)
  })

  test('[W4] what is missing, too short or out of range is refused', () => {
    const send = samples(1).client[1]
    if (send?.kind !== 'send') throw new Error('not a send')
    const bad: [string, Uint8Array][] = [
      ['nothing', new Uint8Array()],
      ['no fields', new Uint8Array([18, 0])],
      ['a log of an unknown kind', new Uint8Array([26, 19, 10, 17, 9, ...new Uint8Array(16)])],
      ['a short log', new Uint8Array([26, 18, 10, 16, 1, ...new Uint8Array(15)])],
      ['a length over the end', new Uint8Array([26, 200, 1, 10])],
      ['a length without end', new Uint8Array([26, 255, 255, 255, 255, 255, 255, 255, 255, 255])],
      ['a frame that is a number', new Uint8Array([24, 1])],
      ['sequence 0', encodeClientFrame({ ...send, sequence: 0 })],
      ['a short hash', encodeClientFrame({ ...send, deviceList: new Uint8Array(31) })],
    ]
    for (const [what, bytes] of bad) expect(() => decodeClientFrame(bytes), what).toThrow(WireError)
    const tooBig = create(ClientFrameSchema, {
      frame: { case: 'ack', value: { log: logIdBytesOf(send.log), position: 2n ** 53n } },
    })
    expect(() => decodeClientFrame(toBinary(ClientFrameSchema, tooBig))).toThrow(WireError)
  })

  test('numbers that the wire does not hold are not encoded', () => {
    const log = samples(1).log
    for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => encodeClientFrame({ kind: 'ack', log, position })).toThrow(RangeError)
    }
  })

  test('[W5] only a Send may be large, and no frame larger than its limit', () => {
    const { client } = samples(1)
    const send = client[1]
    if (send?.kind !== 'send') throw new Error('not a send')
    const device = deviceIdOf(new Uint8Array(16))
    const sized = (length: number) => {
      const ciphertext = new Uint8Array(length)
      return encodeClientFrame({ ...send, envelopes: [{ device, type: 'message', ciphertext }] })
    }
    const overhead = sized(sendBytesMax - 1_000).length - (sendBytesMax - 1_000)
    const largest = sized(sendBytesMax - overhead)
    expect(largest).toHaveLength(sendBytesMax)
    expect(decodeClientFrame(largest).kind).toBe('send')
    expect(() => decodeClientFrame(sized(sendBytesMax - overhead + 1))).toThrow(WireError)
    const hello = (length: number) =>
      encodeClientFrame({
        kind: 'hello',
        token: 'x'.repeat(length),
        cursors: [],
        capabilities: [],
      })
    expect(decodeClientFrame(hello(controlFrameBytesMax - 10)).kind).toBe('hello')
    expect(() => decodeClientFrame(hello(controlFrameBytesMax))).toThrow(WireError)
  })
})

describe('stored entries as they are served', () => {
  test('the frame made by copying is the one made from the typed values', () => {
    for (const seed of seeds) {
      const { stored, log } = samples(seed)
      for (const content of stored) {
        const body = encodeEntryBody(content)
        const devices = content.kind === 'message' ? content.envelopes.map((e) => e.device) : []
        for (const device of [...devices, deviceIdOf(new Uint8Array(16).fill(seed))]) {
          const { bytes, kind } = encodeEntryFor(device, { log, position: 90, prev: 80, body })
          const served = contentFor(device, content)
          expect(decodeServerFrame(bytes)).toEqual({
            kind: 'entry',
            log,
            position: 90,
            prev: 80,
            content: served,
          })
          expect(kind).toBe(content.kind)
        }
      }
    }
  })

  test("[W23] another device's ciphertext is not in the frame (S13)", () => {
    const { bytes } = randomOf(5)
    const devices = [0, 1, 2].map(() => deviceIdOf(bytes(16)))
    const secrets = devices.map(() => bytes(40))
    const message = samples(2).stored[0]
    if (message?.kind !== 'message') throw new Error('not a message')
    const envelopes = devices.map((device, index) => {
      return { device, type: 'message' as const, ciphertext: secrets[index] ?? bytes(1) }
    })
    const body = encodeEntryBody({ ...message, envelopes })
    for (const [index, device] of devices.entries()) {
      const frame = encodeEntryFor(device, { log: samples(2).log, position: 2, prev: 1, body })
      const found = secrets.map((secret) => Buffer.from(frame.bytes).includes(secret))
      expect(found).toEqual(devices.map((_, other) => other === index))
    }
  })

  test('a field that a later version put behind the envelopes takes no envelope along', () => {
    const { bytes } = randomOf(6)
    const [own, other] = [deviceIdOf(bytes(16)), deviceIdOf(bytes(16))]
    const secret = bytes(40)
    const message = samples(2).stored[0]
    if (message?.kind !== 'message') throw new Error('not a message')
    const envelopes = [{ device: other, type: 'message' as const, ciphertext: secret }]
    const content = encodeEntryBody({ ...message, envelopes })
    const inner = fromBinary(EntryBodySchema, content)
    if (inner.content.case !== 'message') throw new Error('not a message')
    inner.content.value.$unknown = [{ no: 9, wireType: 2, data: new Uint8Array([2, 7, 7]) }]
    const body = toBinary(EntryBodySchema, inner)
    const frame = encodeEntryFor(own, { log: samples(2).log, position: 2, prev: 1, body })
    expect(Buffer.from(frame.bytes).includes(secret)).toBe(false)
    expect(decodeServerFrame(frame.bytes)).toMatchObject({ content: { envelope: undefined } })
  })

  test('a body that is none throws a WireError', () => {
    const log = samples(2).log
    const device = deviceIdOf(new Uint8Array(16))
    for (const body of [new Uint8Array(), new Uint8Array([250, 7, 0]), new Uint8Array([10, 99])]) {
      expect(() => encodeEntryFor(device, { log, position: 2, prev: 1, body })).toThrow(WireError)
    }
  })
})

test('the bytes of an account are those of its UUID', () => {
  const id = accountIdOf(new Uint8Array(16).fill(0xab))
  expect(id).toBe('abababab-abab-abab-abab-abababababab' as typeof id)
  expect(accountIdBytes(id)).toEqual(new Uint8Array(16).fill(0xab))
})
