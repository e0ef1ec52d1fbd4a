/**
 * Frames as no client sends them, over real sockets against a server of its own (F1, F2): each ends
 * with its documented close code, and others are served meanwhile within the stated memory.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { type ClientFrame, closeReasons, encodeClientFrame } from '@parley/wire'
import { type ProvisionedUser, SimRandom } from '@parley/testkit'
import { accountIdAt, deviceIdAt, logIdAt } from '../../packages/wire/src/ids.ts'
import { opcodes, RawSocket, webSocketFrame } from './raw-socket.ts'
import { clientFrame, codeOf, helloOf, messageTo, TargetServer } from './target-server.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(180_000)

let target: TargetServer
let nextPerson = 0

beforeAll(async () => {
  target = await TargetServer.start({ people: 200 })
})

afterAll(async () => {
  await target[Symbol.asyncDispose]()
})

const mib = 1024 * 1024
const million = 1_000_000
const perWrite = 10_000

function somebody(): number {
  return nextPerson++
}

const binary = (bytes: readonly number[] | Uint8Array) => webSocketFrame(Uint8Array.from(bytes))
const ping = clientFrame({ kind: 'ping' })

/** A message within the frame, as deep as told: each holds the next in a field that nobody knows. */
function nested(depth: number): Uint8Array {
  let inner = Buffer.alloc(0)
  for (let level = 0; level < depth; level++) {
    const head = [0xfa, 0x01]
    for (let left = inner.length; ; left = Math.floor(left / 128)) {
      if (left < 128) {
        head.push(left)
        break
      }
      head.push((left % 128) | 128)
    }
    inner = Buffer.concat([Buffer.from(head), inner])
  }
  return inner
}

/** After the Hello of somebody who may be there. */
const badFrames: Readonly<Record<string, readonly [Buffer, number]>> = {
  'no byte': [binary([]), codeOf('badFrame')],
  'one byte': [binary([1]), codeOf('badFrame')],
  text: [webSocketFrame(Buffer.from('hello'), { opcode: opcodes.text }), codeOf('badFrame')],
  'a frame of a later version alone': [binary([0xfa, 0x01, 0]), codeOf('badFrame')],
  'groups as old protobufs have them': [
    binary(Array<number>(60_000).fill(0x0b)),
    codeOf('badFrame'),
  ],
  'messages nested ten thousand deep': [binary(nested(10_000)), codeOf('badFrame')],
  'a length beyond the end': [binary([0x42, 0xff, 0xff, 0xff, 0x0f]), codeOf('badFrame')],
  'a number that does not end': [binary(Array<number>(40).fill(0xff)), codeOf('badFrame')],
  'a Hello once more': [helloOf({ token: 'x' } as ProvisionedUser), codeOf('badFrame')],
  'a Fetch of 100 KiB': [
    binary([
      ...encodeClientFrame({ kind: 'ping' }),
      0xfa,
      0x01,
      0x80,
      0xa0,
      0x06,
      ...Buffer.alloc(102_400),
    ]),
    codeOf('badFrame'),
  ],
  'more than 2 MiB': [binary(Buffer.alloc(2 * mib + 1)), 1009],
  'a gibibyte, announced': [webSocketFrame(Buffer.alloc(9), { announcedBytes: 1024 * mib }), 1009],
  'a frame without its mask': [webSocketFrame(Buffer.from([0x42, 0]), { unmasked: true }), 1002],
  'an opcode that is none': [webSocketFrame(Buffer.from([0x42, 0]), { opcode: 3 }), 1002],
  'a continuation of nothing': [
    webSocketFrame(Buffer.from([1]), { opcode: opcodes.continuation }),
    1002,
  ],
  'a ping of 200 bytes': [webSocketFrame(Buffer.alloc(200), { opcode: opcodes.ping }), 1002],
}

for (const [what, [bytes, closeCode]] of Object.entries(badFrames)) {
  test(`[F1] ${what} closes with ${closeCode}`, async () => {
    await using socket = await target.enter(somebody())
    await socket.write(bytes)
    expect(await socket.closed()).toBe(closeCode)
    await target.serves()
  })
}

test('[F1] before the Hello everything else closes with badFrame, and a token that is none with its code', async () => {
  const { token } = target.person(somebody())
  const random = new SimRandom(3)
  const hello = (text: string) => helloOf({ token: text } as ProvisionedUser)
  const tokens = [
    '',
    'x',
    '..',
    `${token}x`,
    token.slice(1),
    'a'.repeat(60_000),
    '\u0000',
    '🦊'.repeat(500),
  ]
  const attempts: [Buffer, number][] = [
    [ping, codeOf('badFrame')],
    [binary(random.bytes(1_000)), codeOf('badFrame')],
    ...tokens.map((text): [Buffer, number] => [hello(text), codeOf('tokenInvalid')]),
  ]
  for (const [bytes, closeCode] of attempts) {
    await using socket = await RawSocket.upgraded(target.url)
    await socket.write(bytes)
    expect(await socket.closed()).toBe(closeCode)
  }
})

test('[S15] a token in the URL lets nobody in', async () => {
  const { token } = target.person(somebody())
  for (const name of ['token', 'access_token', 'authorization']) {
    const account = await fetch(`${target.url}/v1/account?${name}=${token}`)
    expect(account.status).toBe(401)
    await using socket = await RawSocket.upgraded(target.url, [], `?${name}=${token}`)
    await socket.write(ping)
    expect(await socket.closed()).toBe(codeOf('badFrame'))
  }
})

test('[F1] a thousand frames with bytes changed anywhere close with a code of the table or are answered (seed 7)', async () => {
  const random = new SimRandom(7)
  const [user, peer] = [target.person(somebody()), target.person(somebody())]
  const log = logIdAt(user.log, 0)
  const account = accountIdAt(peer.account, 0)
  const seeds = [
    { kind: 'hello', token: user.token, cursors: [{ log, position: 0 }], capabilities: ['x'] },
    messageTo(peer, { sequence: 1, bytes: 100 }),
    { kind: 'ack', log, position: 0 },
    { kind: 'fetch', log, after: 0, limit: 5 },
    { kind: 'subscribe', accounts: [account] },
    { kind: 'typing', peer: account, active: true },
    {
      kind: 'receipt',
      peer: account,
      peerDevice: deviceIdAt(peer.device, 0),
      delivered: 1,
      read: 0,
    },
  ].map((frame) => encodeClientFrame(frame as ClientFrame))
  const known = new Set<number | undefined>(Object.values(closeReasons).map((each) => each.code))
  let closings = 0
  for (let round = 0; round < 100; round++) {
    await using socket = await RawSocket.upgraded(target.url)
    await socket.write(helloOf(user))
    for (let sent = 0; sent < 10; sent++) {
      const bytes = Uint8Array.from(random.pick(seeds))
      for (let change = random.between(1, 4); change > 0; change--) {
        bytes[random.below(bytes.length)] = random.below(256)
      }
      await socket.write(webSocketFrame(bytes))
    }
    await socket.write(ping)
    await socket.until(() => socket.ended || socket.frames.some(({ kind }) => kind === 'pong'))
    if (!socket.ended) continue
    closings++
    expect(known).toContain(await socket.closed())
  }
  expect(closings).toBeGreaterThan(10)
  await target.serves()
})

/** A million of the same bytes, as long as the server takes them. */
async function pour(socket: RawSocket, bytes: Buffer): Promise<void> {
  const block = Buffer.concat(Array<Buffer>(perWrite).fill(bytes))
  for (let sent = 0; sent < million && !socket.ended; sent += perWrite) await socket.write(block)
}

test('[F1][F2] a million one-byte frames end at the first one', async () => {
  await using socket = await target.enter(somebody())
  await pour(socket, binary([1]))
  expect(await socket.closed()).toBe(codeOf('badFrame'))
  await target.serves()
  target.expectBounded(1)
})

test('[F1][F2] a million pings end when the budget is used up', async () => {
  await using socket = await target.enter(somebody())
  await pour(socket, ping)
  expect(await socket.closed()).toBe(codeOf('overloaded'))
  await target.serves()
  target.expectBounded(1)
})

test('[F1][F2] a frame in a million fragments of one byte is put together and not understood', async () => {
  await using socket = await target.enter(somebody())
  await socket.write(webSocketFrame(Uint8Array.of(0x42), { unfinished: true }))
  const fragment = webSocketFrame(Uint8Array.of(1), {
    opcode: opcodes.continuation,
    unfinished: true,
  })
  await pour(socket, fragment)
  await target.serves()
  target.expectBounded(1)
  await socket.write(webSocketFrame(Uint8Array.of(1), { opcode: opcodes.continuation }))
  expect(await socket.closed()).toBe(codeOf('badFrame'))
})

test('[F1][F2] a flood of pings of the transport ends, read or unread', async () => {
  const transportPing = webSocketFrame(Buffer.alloc(125), { opcode: opcodes.ping })
  const sockets = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const socket =
        index < 10 ? await target.enter(somebody()) : await RawSocket.upgraded(target.url)
      if (index % 2 === 0) socket.pause()
      await pour(socket, transportPing)
      return socket
    }),
  )
  await target.serves()
  target.expectBounded(2)
  for (const socket of sockets) expect(await socket.closed()).toBe(codeOf('overloaded'))
})

test('[F2] after all that the memory is what it was, the connections are gone, and no mistake was written', async () => {
  await target.serves()
  target.expectBounded(0)
  expect(await target.figure('parley_connections')).toBeLessThan(5)
  expect(target.complaints()).toBe('')
})
