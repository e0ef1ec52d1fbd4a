/**
 * A run against a server that does one thing wrong is void. The server is a relay whose fault is
 * planted; everything else is what measures the real ones.
 */
import { expect, test } from 'bun:test'
import type { Peer } from '../peers/peer.ts'
import { loadPairs } from './pairs.ts'
import { headBytes, kindAt, messageKind, numberAt, senderAt } from './relay-frames.ts'
import { relayProtocol } from './relay-protocol.ts'
import { openWatch } from './watch.ts'

type Sockets = ReadonlyMap<number, Bun.ServerWebSocket<{ user: number }>>

/** What it does with a frame. */
type Fault = (frame: Buffer, sockets: Sockets) => void

const faultyNumber = 40
/** A busy machine takes its time. */
const timeoutMs = 60_000

function forward(frame: Buffer, sockets: Sockets): void {
  sockets.get(frame.readUInt32BE(0))?.sendBinary(frame)
}

function startFaultyRelay(fault: Fault): Peer {
  const sockets = new Map<number, Bun.ServerWebSocket<{ user: number }>>()
  const server = Bun.serve<{ user: number }>({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, upgrading) {
      const user = Number(new URL(request.url).searchParams.get('user'))
      if (!upgrading.upgrade(request, { data: { user } })) return new Response('', { status: 400 })
    },
    websocket: {
      open: (socket) => void sockets.set(socket.data.user, socket),
      message(_, frame) {
        if (typeof frame === 'string') return
        fault(frame, sockets)
      },
    },
  })
  const port = server.port ?? 0
  return {
    name: 'faulty',
    durable: false,
    stores: false,
    port,
    protocol: relayProtocol(port),
    cpuSeconds: () => 0,
    residentKib: () => 0,
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

async function errorsWith(fault: Fault, drainS: number): Promise<number> {
  await using peer = startFaultyRelay(fault)
  const watch = openWatch(new AbortController().signal, { write() {} })
  const sizes = { users: 4, w: 8, ratePerS: 0, warmS: 0, measureS: 0, drainS }
  return (await loadPairs(peer, sizes, watch)).errors
}

const isMessage = (frame: Buffer) => frame[kindAt] === messageKind

/** Holds the message back until the next one from the same sender has gone. */
function laterThanTheNext(): Fault {
  let held: Buffer | undefined
  return (frame, sockets) => {
    if (frame.readUInt32BE(numberAt) === faultyNumber && isMessage(frame)) {
      held = Buffer.from(frame)
      return
    }
    forward(frame, sockets)
    if (!held || !isMessage(frame)) return
    if (frame.readUInt32BE(senderAt) !== held.readUInt32BE(senderAt)) return
    forward(held, sockets)
    held = undefined
  }
}

/** A fault of the one message with a certain number. */
const ofOne =
  (fault: Fault): Fault =>
  (frame, sockets) =>
    (frame.readUInt32BE(numberAt) === faultyNumber ? fault : forward)(frame, sockets)

const faults: Record<string, Fault> = {
  'loses a message'() {},
  'loses a receipt'(frame, sockets) {
    if (isMessage(frame)) forward(frame, sockets)
  },
  'brings a message twice'(frame, sockets) {
    forward(frame, sockets)
    forward(frame, sockets)
  },
  'brings a message to somebody else'(frame, sockets) {
    const other = frame.readUInt32BE(0) ^ 2
    frame.writeUInt32BE(other)
    forward(frame, sockets)
  },
  'changes the sender'(frame, sockets) {
    frame.writeUInt32BE(3 - frame.readUInt32BE(senderAt), senderAt)
    forward(frame, sockets)
  },
  'changes a body'(frame, sockets) {
    if (isMessage(frame)) frame[headBytes + 9] = 0
    forward(frame, sockets)
  },
  'invents a message'(frame, sockets) {
    forward(frame, sockets)
    frame.writeUInt32BE(99_999_999, numberAt)
    forward(frame, sockets)
  },
  'closes a connection'(frame, sockets) {
    forward(frame, sockets)
    sockets.get(frame.readUInt32BE(senderAt))?.terminate()
  },
}

test(
  'a run against a server that does all right has no errors',
  async () => {
    expect(await errorsWith(forward, 30)).toBe(0)
  },
  timeoutMs,
)

for (const [name, fault] of Object.entries(faults)) {
  test(
    `a run is void when the server ${name}`,
    async () => {
      expect(await errorsWith(ofOne(fault), 0.1)).toBeGreaterThan(0)
    },
    timeoutMs,
  )
}

test(
  'a run is void when the server brings a message after a later one',
  async () => {
    expect(await errorsWith(laterThanTheNext(), 0.1)).toBeGreaterThan(0)
  },
  timeoutMs,
)
