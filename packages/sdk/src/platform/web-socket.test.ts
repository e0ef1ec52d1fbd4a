/** The standard WebSocket behind the port, against a server that does what it should not. */
import { afterAll, expect, test } from 'bun:test'
import { entryBytesMax, subprotocol } from '@parley/wire'
import type { Socket } from './ports.ts'
import { openWebSocket } from './web-socket.ts'

const server = Bun.serve<{ path: string }>({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, running) {
    const path = new URL(request.url).pathname
    const protocol = request.headers.get('sec-websocket-protocol') ?? ''
    const headers = { 'sec-websocket-protocol': protocol }
    if (path === '/refuse' || !running.upgrade(request, { data: { path }, headers })) {
      return new Response('no', { status: protocol === subprotocol ? 403 : 400 })
    }
    return undefined
  },
  websocket: {
    open(socket) {
      if (socket.data.path === '/text') socket.send('hello')
      if (socket.data.path === '/large') socket.sendBinary(new Uint8Array(entryBytesMax + 1))
      if (socket.data.path === '/largest') socket.sendBinary(new Uint8Array(entryBytesMax))
      if (socket.data.path === '/close') socket.close(4001, 'slow')
    },
    message(socket, message) {
      socket.send(message)
    },
  },
})
afterAll(() => server.stop(true))

interface Heard {
  messages: Uint8Array[]
  codes: number[]
  opened: number
}

/** Resolves when `done` says so after an event. */
function heard(path: string, done: (heard: Heard, socket: Socket) => boolean): Promise<Heard> {
  const so: Heard = { messages: [], codes: [], opened: 0 }
  return new Promise((resolve) => {
    const look = () => {
      if (done(so, socket)) resolve(so)
    }
    const socket = openWebSocket(`ws://127.0.0.1:${server.port}${path}`, {
      open() {
        so.opened += 1
        look()
      },
      message(bytes) {
        so.messages.push(bytes)
        look()
      },
      closed(code) {
        so.codes.push(code)
        look()
      },
    })
  })
}

const isClosed = ({ codes }: Heard) => codes.length > 0

test('opens with the subprotocol, carries bytes both ways, and is closed with the code of the server', async () => {
  let isSent = false
  const echoed = await heard('/echo', ({ messages, opened }, socket) => {
    if (opened === 1 && !isSent) {
      isSent = true
      socket.send(Uint8Array.of(1, 2, 3))
    }
    if (messages.length > 0) socket.close(1000)
    return messages.length > 0
  })
  expect(echoed.messages).toEqual([Uint8Array.of(1, 2, 3)])
  expect((await heard('/close', isClosed)).codes).toEqual([4001])
})

test('a connection that is refused, or not there, is closed once and never opened', async () => {
  expect(await heard('/refuse', isClosed)).toMatchObject({ opened: 0, messages: [] })
  const codes: number[] = []
  await new Promise<void>((resolve) => {
    openWebSocket('ws://127.0.0.1:1/', {
      open() {},
      message() {},
      closed(code) {
        codes.push(code)
        resolve()
      },
    })
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(codes).toHaveLength(1)
})

test('an address that is none is closed too, not thrown', async () => {
  const code = await new Promise((resolve) => {
    const handlers = { open() {}, message() {}, closed: resolve }
    openWebSocket('no address', handlers).send(Uint8Array.of(1))
  })
  expect(code).toBe(1006)
})

test('[I9] text, and a message larger than an entry can be, break the connection unread', async () => {
  expect(await heard('/text', isClosed)).toMatchObject({ codes: [1003], messages: [] })
  expect(await heard('/large', isClosed)).toMatchObject({ codes: [1009], messages: [] })
  const largest = await heard('/largest', ({ messages }) => messages.length > 0)
  expect(largest.messages[0]).toHaveLength(entryBytesMax)
})
