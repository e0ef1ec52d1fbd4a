/**
 * Clients that are slow on purpose (F1, F2), all at once against one server: half requests, half
 * frames, no Hello, no acknowledgement, no reading. Takes as long as the server's patience, a minute,
 * and next to no work.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { logIdAt } from '../../packages/wire/src/ids.ts'
import { RawSocket, webSocketFrame } from './raw-socket.ts'
import { clientFrame, codeOf, fillInbox, helloOf, TargetServer } from './target-server.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(180_000)

let target: TargetServer
let nextPerson = 0

beforeAll(async () => {
  target = await TargetServer.start({ people: 60, flags: ['--trust-proxy'] })
})

afterAll(async () => {
  await target[Symbol.asyncDispose]()
})

/** F1. */
const headersMsMax = 15_000
const bodyMsMax = 75_000
/** W3, W8: the time, and how often the server looks. */
const helloMsMax = 10_000 + 5_000
const silenceMsMax = 60_000 + 5_000
/** Of a machine that has much else to do. */
const latenessMs = 10_000
const dripMs = 1_000

const somebody = () => nextPerson++

/** Milliseconds until the server has ended the connection. */
async function patience(socket: RawSocket): Promise<number> {
  const startedMs = performance.now()
  await socket.closed()
  return performance.now() - startedMs
}

async function httpSocket(bytes: string): Promise<RawSocket> {
  const socket = await RawSocket.open(target.url)
  await socket.write(bytes)
  return socket
}

const headers = 'POST /v1/registrations HTTP/1.1\r\nhost: chat.example.org\r\n'
const body = `${headers}content-type: application/json\r\ncontent-length: 10000\r\n\r\n`

test.concurrent('[F1] connections that say nothing, or drip headers, are closed in fifteen seconds', async () => {
  const sockets = await Promise.all([
    ...Array.from({ length: 50 }, () => httpSocket('')),
    ...Array.from({ length: 50 }, () => httpSocket(headers)),
    ...Array.from({ length: 50 }, () => httpSocket('GET /v1/soc')),
  ])
  for (const socket of sockets.filter((_, index) => index % 2 === 0)) socket.drip('x', dripMs)
  const waits = await Promise.all(sockets.map(patience))
  expect(Math.max(...waits)).toBeLessThan(headersMsMax + latenessMs)
})

test.concurrent('[F1] bodies that do not come, or drip, are given up after a minute', async () => {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => httpSocket(body)))
  for (const socket of sockets.filter((_, index) => index % 2 === 0)) socket.drip(' ', dripMs)
  const waits = await Promise.all(sockets.map(patience))
  expect(Math.max(...waits)).toBeLessThan(bodyMsMax + latenessMs)
})

test.concurrent('[F1][F2] half a Hello is none, and half a frame is silence', async () => {
  const half = webSocketFrame(Buffer.alloc(1_000_000), { announcedBytes: 2_000_000 })
  const strangers = await Promise.all(
    Array.from({ length: 10 }, () => RawSocket.upgraded(target.url)),
  )
  const known = await Promise.all(Array.from({ length: 10 }, () => target.enter(somebody())))
  for (const socket of [...strangers, ...known]) {
    await socket.write(half)
    socket.drip('x', dripMs)
  }
  await target.serves()
  target.expectBounded(strangers.length + known.length)
  const startedMs = performance.now()
  const helloCodes = await Promise.all(strangers.map((socket) => socket.closed()))
  expect(new Set(helloCodes)).toEqual(new Set([codeOf('helloTimeout')]))
  expect(performance.now() - startedMs).toBeLessThan(helloMsMax + latenessMs)
  const silentCodes = await Promise.all(known.map((socket) => socket.closed()))
  expect(new Set(silentCodes)).toEqual(new Set([codeOf('silent')]))
  expect(performance.now() - startedMs).toBeLessThan(silenceMsMax + latenessMs)
})

test.concurrent('[F1][F2] who never acknowledges gets the window and no more, and is closed', async () => {
  const silent = somebody()
  {
    await using from = await target.enter(somebody())
    await fillInbox(from, target.person(silent), { count: 1_300, bytes: 100, atOnce: 100 })
  }
  await using socket = await RawSocket.upgraded(target.url)
  await socket.write(helloOf(target.person(silent)))
  expect(await socket.closed()).toBe(codeOf('slowReader'))
  const positions = socket.frames.flatMap((frame) => (frame.kind === 'entry' ? frame.position : []))
  expect(new Set(positions).size).toBe(1_024)
})

test.concurrent('[F1] who acknowledges the future is closed at once', async () => {
  const prophet = somebody()
  const log = logIdAt(target.person(prophet).log, 0)
  await using socket = await target.enter(prophet)
  await socket.write(clientFrame({ kind: 'ack', log, position: Number.MAX_SAFE_INTEGER }))
  expect(await socket.closed()).toBe(codeOf('badFrame'))
})

test.concurrent('[F1][F2] ten who never read hold the bytes of ten, and are closed', async () => {
  await using own = await TargetServer.start({ people: 30 })
  const deaf = Array.from({ length: 10 }, (_, index) => index)
  for (const reader of deaf) {
    for (const writer of [10 + reader, 20 + reader]) {
      await using from = await own.enter(writer)
      await fillInbox(from, own.person(reader), { count: 24, bytes: 512 * 1024, atOnce: 6 })
    }
  }
  own.beginHere()
  const sockets = await Promise.all(
    deaf.map(async (reader) => {
      const socket = await RawSocket.upgraded(own.url)
      socket.pause()
      await socket.write(helloOf(own.person(reader)))
      return socket
    }),
  )
  await own.untilFigure('parley_connections_closed_total{reason="slowReader"}', sockets.length)
  own.expectBounded(sockets.length)
  await own.serves()
  for (const socket of sockets) await socket[Symbol.asyncDispose]()
})

test.concurrent('[F1][W9] sockets that say nothing are bounded by address, and closed in time', async () => {
  const from = (address: string) => RawSocket.upgraded(target.url, [`x-forwarded-for: ${address}`])
  const waiting = await Promise.all(Array.from({ length: 64 }, () => from('203.0.113.9')))
  await using refused = await from('203.0.113.9')
  expect(await refused.closed()).toBe(codeOf('overloaded'))
  await using elsewhere = await from('203.0.113.10')
  await elsewhere.write(helloOf(target.person(somebody())))
  await elsewhere.until(() => elsewhere.frames.some(({ kind }) => kind === 'welcome'))
  for (const socket of waiting) expect(await socket.closed()).toBe(codeOf('helloTimeout'))
  await using again = await from('203.0.113.9')
  await again.write(helloOf(target.person(somebody())))
  await again.until(() => again.frames.some(({ kind }) => kind === 'welcome'))
})
