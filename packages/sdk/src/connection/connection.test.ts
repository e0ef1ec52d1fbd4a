import { expect, test } from 'bun:test'
import {
  type ClientFrame,
  closeReasons,
  decodeClientFrame,
  encodeServerFrame,
  inboxOf,
  parseAccountId,
  type ServerFrame,
} from '@parley/wire'
import { Connection } from './connection.ts'
import type { ConnectionHandlers } from './connection.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { type Socket, type SocketHandlers, StoreError, type Transport } from '../platform/ports.ts'
import { ApiFailure, parleyError } from '../problems.ts'
import { createServerClock } from './server-clock.ts'

const startMs = Date.UTC(2026, 10, 22)
const inbox = inboxOf(parseAccountId('6b0f5e1e-7a5f-4f6c-9a52-0c8b4a8e6f01'))

/** The server's end of one socket, driven by the test. */
class ServerEnd implements Socket {
  readonly url: string
  readonly handlers: SocketHandlers
  readonly frames: ClientFrame[] = []
  buffered = 0
  closedWith: number | undefined

  constructor(url: string, handlers: SocketHandlers) {
    this.url = url
    this.handlers = handlers
  }
  send(bytes: Uint8Array): void {
    this.frames.push(decodeClientFrame(bytes))
  }
  bufferedBytes(): number {
    return this.buffered
  }
  close(code: number): void {
    this.closedWith = code
  }
  say(frame: ServerFrame): void {
    this.handlers.message(encodeServerFrame(frame))
  }
  welcome(timeMs: number): void {
    this.say({ kind: 'welcome', time: timeMs, incarnation: 'one', lastSequence: undefined })
  }
  kinds(): string[] {
    return this.frames.map((frame) => frame.kind)
  }
}

interface Harness {
  clock: HandClock
  connection: Connection
  sockets: ServerEnd[]
  calls: string[]
  /** The platform says that the network went or came. */
  network(isOnline: boolean): void
  /** The value of `renew` of each request for a token. */
  renewals: boolean[]
  offsetMs(): number
  last(): ServerEnd
  /** Opens the newest socket and says Welcome. */
  goLive(): Promise<ServerEnd>
}

interface Script {
  token?: () => Promise<string>
  cursors?: ConnectionHandlers['cursors']
  /** Draws of the jitter, as a byte that fills each word; 255 is the longest wait. */
  jitter?: number
}

function harness(script: Script = {}): Harness {
  const clock = new HandClock(startMs)
  const sockets: ServerEnd[] = []
  const calls: string[] = []
  const renewals: boolean[] = []
  let changed = (_isOnline: boolean) => {}
  const transport: Transport = {
    watch(listener) {
      changed = listener
      return () => {
        changed = () => {}
      }
    },
    openSocket(url, handlers) {
      const end = new ServerEnd(url, handlers)
      sockets.push(end)
      return end
    },
    fetch: () => Promise.reject(new Error('not used')),
  }
  const serverClock = createServerClock(clock)
  const connection = new Connection({
    server: 'http://127.0.0.1:8080',
    transport,
    clock,
    random: (length) => new Uint8Array(length).fill(script.jitter ?? 255),
    serverClock,
    accessToken: (renew) => {
      renewals.push(renew)
      return script.token?.() ?? Promise.resolve(`token-${renewals.length}`)
    },
    handlers: {
      cursors: script.cursors ?? (() => [{ log: inbox, position: 4711 }]),
      welcome: () => calls.push('welcome'),
      frame: (frame) => calls.push(frame.kind),
      lost: () => calls.push('lost'),
      writable: () => calls.push('writable'),
      revoked: () => calls.push('revoked'),
    },
  })
  const last = () => {
    const end = sockets.at(-1)
    if (!end) throw new Error('no socket was opened')
    return end
  }
  const goLive = async () => {
    await clock.advance(0)
    last().handlers.open()
    last().welcome(clock.now())
    return last()
  }
  const offsetMs = () => serverClock.offsetMs()
  const network = (isOnline: boolean) => changed(isOnline)
  return { clock, connection, sockets, calls, renewals, offsetMs, network, last, goLive }
}

const statusOf = (connection: Connection) => connection.state.getSnapshot().status
const problemCode = (connection: Connection) => connection.state.getSnapshot().problem?.code

test('says Hello with token and cursors first, and the token is not in the URL', async () => {
  const { clock, connection, last, calls } = harness()
  expect(statusOf(connection)).toBe('stopped')
  connection.start()
  expect(statusOf(connection)).toBe('connecting')
  await clock.advance(0)
  expect(last().url).toBe('ws://127.0.0.1:8080/v1/socket')
  expect(last().frames).toEqual([])
  last().handlers.open()
  const cursors = [{ log: inbox, position: 4711 }]
  expect(last().frames).toEqual([{ kind: 'hello', token: 'token-1', cursors, capabilities: [] }])
  expect(connection.live()).toBe(false)
  expect(connection.send({ kind: 'ping' })).toBe(false)
  last().welcome(clock.now())
  expect(calls).toEqual(['welcome'])
  expect(statusOf(connection)).toBe('catching-up')
  connection.caughtUp()
  expect(statusOf(connection)).toBe('online')
  expect(
    connection.send({ kind: 'typing', peer: parseAccountId(inbox.slice(6)), active: true }),
  ).toBe(true)
  expect(last().kinds()).toEqual(['hello', 'typing'])
})

test('hands frames on in order and keeps Pong to itself', async () => {
  const { connection, calls, goLive } = harness()
  connection.start()
  const socket = await goLive()
  socket.say({ kind: 'accepted', log: inbox, upTo: 5 })
  socket.say({ kind: 'pong' })
  socket.say({ kind: 'caught-up', log: inbox, position: 5, expiredUpTo: 0 })
  expect(calls).toEqual(['welcome', 'accepted', 'caught-up'])
})

test('takes the time of the server as it was half way between Hello and Welcome', async () => {
  const { clock, connection, last, offsetMs } = harness()
  connection.start()
  await clock.advance(0)
  last().handlers.open()
  await clock.advance(400)
  last().welcome(startMs + 10_000)
  expect(offsetMs()).toBe(10_000 + 200 - 400)
})

test('a clock that is more than five minutes off is a problem that does not stop anything', async () => {
  const { clock, connection, last } = harness()
  connection.start()
  await clock.advance(0)
  last().handlers.open()
  last().welcome(clock.now() + 5 * 60_000 + 1)
  expect(statusOf(connection)).toBe('catching-up')
  expect(problemCode(connection)).toBe('clock-off')
})

test('pings every 25 s with a fifth of jitter, and hears from anything that it is alive', async () => {
  for (const [jitter, delayMs] of [
    [0, 20_000],
    [128, 25_050],
  ] as const) {
    const { clock, connection, goLive } = harness({ jitter })
    connection.start()
    const socket = await goLive()
    await clock.advance(delayMs - 100)
    expect(socket.kinds()).toEqual(['hello'])
    await clock.advance(100)
    expect(socket.kinds()).toEqual(['hello', 'ping'])
    socket.say({ kind: 'accepted', log: inbox, upTo: 1 })
    await clock.advance(15_000)
    expect(statusOf(connection)).toBe('catching-up')
    expect(socket.closedWith).toBeUndefined()
  }
})

test('a socket that does not answer a ping within ten seconds is left and made anew', async () => {
  const { clock, connection, sockets, calls, goLive } = harness({ jitter: 0 })
  connection.start()
  const socket = await goLive()
  await clock.advance(29_999)
  expect(calls).toEqual(['welcome'])
  await clock.advance(1)
  expect(calls).toEqual(['welcome', 'lost'])
  expect(socket.closedWith).toBe(1000)
  await clock.advance(100)
  expect(sockets.length).toBe(2)
  socket.handlers.closed(1006)
  socket.say({ kind: 'accepted', log: inbox, upTo: 1 })
  expect(calls).toEqual(['welcome', 'lost'])
})

test('a socket that opens but is never welcomed is left after 15 s', async () => {
  const { clock, connection, sockets } = harness()
  connection.start()
  await clock.advance(14_999)
  expect(sockets.length).toBe(1)
  await clock.advance(1)
  expect(statusOf(connection)).toBe('offline')
  expect(problemCode(connection)).toBe('server-unreachable')
})

test('waits twice as long after each failure, 12 s at most, drawn from the whole range', async () => {
  const { clock, connection, last } = harness()
  connection.start()
  const waits: number[] = []
  for (let tries = 0; tries < 9; tries++) {
    await clock.advance(0)
    last().handlers.closed(1006)
    const { retryAtMs } = connection.state.getSnapshot()
    waits.push((retryAtMs ?? 0) - clock.now())
    await clock.advance(waits.at(-1) ?? 0)
  }
  expect(waits).toEqual([499, 999, 1999, 3999, 7999, 11999, 11999, 11999, 11999])
  const lucky = harness({ jitter: 0 })
  lucky.connection.start()
  await lucky.clock.advance(0)
  lucky.last().handlers.closed(1006)
  expect(lucky.clock.pendingMs()).toContain(50)
})

test('the wait is short again only after a connection that held for 30 s', async () => {
  const { clock, connection, last, goLive } = harness({ jitter: 128 })
  connection.start()
  const nextWait = () => (connection.state.getSnapshot().retryAtMs ?? 0) - clock.now()
  const fail = async () => {
    await clock.advance(0)
    last().handlers.closed(1006)
    const waitMs = nextWait()
    await clock.advance(waitMs)
    return waitMs
  }
  expect(await fail()).toBe(250)
  expect(await fail()).toBe(501)
  const short = await goLive()
  short.handlers.closed(1006)
  expect(nextWait()).toBe(1003)
  await clock.advance(nextWait())
  const long = await goLive()
  await clock.advance(20_000)
  long.say({ kind: 'pong' })
  await clock.advance(10_000)
  long.handlers.closed(1006)
  expect(nextWait()).toBe(250)
})

test('comes back no earlier than Closing asks, and no later than ten minutes', async () => {
  for (const [asked, waited] of [
    [45_000, 45_000],
    [86_400_000, 600_000],
  ] as const) {
    const { clock, connection, sockets, goLive } = harness()
    connection.start()
    const socket = await goLive()
    socket.say({ kind: 'closing', code: closeReasons.draining.code, retryAfterMs: asked })
    socket.handlers.closed(1006)
    await clock.advance(waited - 1)
    expect(sockets.length).toBe(1)
    await clock.advance(1)
    expect(sockets.length).toBe(2)
  }
})

test('an expired token is renewed at once; refused even then, the next try waits', async () => {
  const { clock, connection, sockets, renewals, goLive, last } = harness()
  connection.start()
  const socket = await goLive()
  socket.handlers.closed(closeReasons.tokenExpired.code)
  await clock.advance(0)
  expect(renewals).toEqual([false, true])
  expect(sockets.length).toBe(2)
  last().handlers.open()
  last().handlers.closed(closeReasons.tokenInvalid.code)
  await clock.advance(0)
  expect(sockets.length).toBe(2)
  expect(statusOf(connection)).toBe('offline')
  expect(problemCode(connection)).toBe('token-expired')
  await clock.advance(500)
  expect(renewals).toEqual([false, true, true])
  await goLive()
  expect(problemCode(connection)).toBeUndefined()
  last().handlers.closed(1006)
  await clock.advance(1000)
  expect(renewals).toEqual([false, true, true, false])
})

test('a revoked device stops when it gets no token either, and the engine hears of it', async () => {
  let isRevoked = false
  const token = () =>
    isRevoked ? Promise.reject(new ApiFailure('device-revoked', undefined)) : Promise.resolve('t')
  const { clock, connection, sockets, calls, renewals, goLive } = harness({ token })
  connection.start()
  const socket = await goLive()
  isRevoked = true
  socket.handlers.closed(closeReasons.revoked.code)
  await clock.advance(3_600_000)
  expect(calls).toEqual(['welcome', 'lost', 'revoked'])
  expect(statusOf(connection)).toBe('stopped')
  expect(problemCode(connection)).toBe('revoked')
  expect(sockets.length).toBe(1)
  expect(renewals).toEqual([false, true])
})

test('a login that was ended because a copy used its tokens is replaced by another one', async () => {
  const { clock, connection, sockets, calls, goLive } = harness()
  connection.start()
  const socket = await goLive()
  socket.handlers.closed(closeReasons.revoked.code)
  await goLive()
  expect(calls).toEqual(['welcome', 'lost', 'welcome'])
  expect(sockets.length).toBe(2)
  expect(connection.live()).toBe(true)
  sockets[1]?.handlers.closed(closeReasons.revoked.code)
  await clock.advance(0)
  sockets[2]?.handlers.closed(closeReasons.revoked.code)
  await clock.advance(3_600_000)
  expect(calls).toEqual(['welcome', 'lost', 'welcome', 'lost', 'revoked'])
  expect(sockets.length).toBe(3)
})

test('codes that say stop are obeyed and say why; start tries again', async () => {
  for (const [name, problem] of [
    ['replaced', 'profile-busy'],
    ['unsupported', 'refused'],
  ] as const) {
    const world = harness()
    const { clock, connection, sockets, goLive } = world
    connection.start()
    const socket = await goLive()
    await minuteOf(world, socket)
    socket.handlers.closed(closeReasons[name].code)
    await clock.advance(3_600_000)
    expect(statusOf(connection)).toBe('stopped')
    expect(problemCode(connection)).toBe(problem)
    expect(sockets.length).toBe(1)
    connection.start()
    await goLive()
    expect(problemCode(connection)).toBeUndefined()
  }
})

/** Lives for a minute. */
async function minuteOf({ clock }: Pick<Harness, 'clock'>, socket: Harness['sockets'][number]) {
  for (let second = 0; second < 60; second += 5) {
    await clock.advance(5_000)
    socket.say({ kind: 'pong' })
  }
}

test('[Y48] replaced within a minute after a socket was left may be by its late Hello: comes again', async () => {
  const world = harness({ jitter: 0 })
  const { clock, connection, sockets, goLive } = world
  connection.start()
  await minuteOf(world, await goLive())
  sockets[0]?.handlers.closed(1006)
  await clock.advance(12_000)
  const next = await goLive()
  next.handlers.closed(closeReasons.replaced.code)
  expect(statusOf(connection)).toBe('offline')
  await clock.advance(12_000)
  expect(sockets.length).toBe(3)
  const again = await goLive()
  await minuteOf(world, again)
  again.handlers.closed(closeReasons.replaced.code)
  await clock.advance(3_600_000)
  expect(statusOf(connection)).toBe('stopped')
  expect(sockets.length).toBe(3)
})

test('[Y48] a process that has just started may follow one that left', async () => {
  const world = harness({ jitter: 0 })
  const { clock, connection, sockets, goLive } = world
  connection.start()
  for (let round = 1; round <= 3; round++) {
    const socket = await goLive()
    socket.handlers.closed(closeReasons.replaced.code)
    await clock.advance(12_000)
  }
  // Each Hello is late once: whoever comes again and again is somebody else.
  const last = await goLive()
  last.handlers.closed(closeReasons.replaced.code)
  await clock.advance(3_600_000)
  expect(statusOf(connection)).toBe('stopped')
  expect(sockets.length).toBe(4)
})

// A bit that flipped between client and server stopped the app until somebody started it again.
for (const name of ['badFrame', 'frameTooLarge'] as const) {
  test(`${name} may come of a frame that was broken on its way: the app comes again, and stops when it stays so`, async () => {
    const { clock, connection, sockets, goLive } = harness()
    connection.start()
    for (let round = 1; round <= 4; round++) {
      const socket = await goLive()
      expect(sockets.length).toBe(round)
      socket.handlers.closed(closeReasons[name].code)
      expect(statusOf(connection)).toBe(round < 4 ? 'offline' : 'stopped')
      if (round < 4) await clock.advance(12_000)
    }
    await clock.advance(3_600_000)
    expect(sockets.length).toBe(4)
    expect(statusOf(connection)).toBe('stopped')
    expect(problemCode(connection)).toBe('internal')
  })

  test(`${name} once in a while stops nothing`, async () => {
    const { clock, connection, sockets, goLive } = harness()
    connection.start()
    for (let round = 1; round <= 10; round++) {
      const socket = await goLive()
      expect(sockets.length).toBe(round)
      const isBroken = round % 2 === 0
      socket.handlers.closed(isBroken ? closeReasons[name].code : 1006)
      expect(statusOf(connection)).toBe('offline')
      await clock.advance(12_000)
    }
  })

  test(`${name} after a connection that held for long counts anew`, async () => {
    const { clock, connection, sockets, goLive } = harness()
    connection.start()
    for (let round = 1; round <= 10; round++) {
      const socket = await goLive()
      expect(sockets.length).toBe(round)
      for (let tick = 0; tick < 10; tick++) {
        await clock.advance(5_000)
        socket.say({ kind: 'pong' })
      }
      socket.handlers.closed(closeReasons[name].code)
      expect(statusOf(connection)).toBe('offline')
      await clock.advance(12_000)
    }
  })
}

test('a frame that cannot be decoded breaks the connection and nothing else', async () => {
  const { clock, connection, sockets, calls, goLive } = harness()
  connection.start()
  const socket = await goLive()
  socket.handlers.message(Uint8Array.of(0xff, 0xff, 0xff))
  expect(calls).toEqual(['welcome', 'lost'])
  expect(socket.closedWith).toBe(1000)
  await clock.advance(500)
  expect(sockets.length).toBe(2)
})

test('a server that speaks before Welcome, or welcomes twice, is not listened to', async () => {
  const first = harness()
  first.connection.start()
  await first.clock.advance(0)
  first.last().handlers.open()
  first.last().say({ kind: 'accepted', log: inbox, upTo: 5 })
  expect(first.calls).toEqual([])
  expect(statusOf(first.connection)).toBe('offline')
  const second = harness()
  second.connection.start()
  const socket = await second.goLive()
  socket.welcome(second.clock.now())
  expect(second.calls).toEqual(['welcome', 'lost'])
})

test('[I9] no more than 4 MiB wait in a socket; when they have gone, the engine is told', async () => {
  const { clock, connection, calls, goLive } = harness()
  connection.start()
  const socket = await goLive()
  socket.buffered = 4 * 1024 * 1024
  expect(connection.send({ kind: 'ping' })).toBe(false)
  expect(connection.send({ kind: 'ping' })).toBe(false)
  expect(socket.kinds()).toEqual(['hello'])
  await clock.advance(500)
  expect(calls).toEqual(['welcome'])
  socket.buffered = 1024
  await clock.advance(50)
  expect(calls).toEqual(['welcome', 'writable'])
  expect(connection.send({ kind: 'ping' })).toBe(true)
  await clock.advance(500)
  expect(calls).toEqual(['welcome', 'writable'])
})

test('a nudge tries at once, and asks a live socket for a sign of life', async () => {
  const { clock, connection, sockets, calls, goLive, last } = harness()
  connection.start()
  await clock.advance(0)
  last().handlers.closed(1006)
  connection.nudge()
  await clock.advance(0)
  expect(sockets.length).toBe(2)
  await clock.advance(400)
  expect(sockets.length).toBe(2)
  const socket = await goLive()
  connection.nudge()
  expect(socket.kinds()).toEqual(['hello', 'ping'])
  await clock.advance(10_000)
  expect(calls).toEqual(['welcome', 'lost'])
})

test('when the platform says that the network has gone it is offline at once, and back as soon', async () => {
  const { clock, connection, sockets, calls, goLive, network, last } = harness()
  connection.start()
  await goLive()
  network(false)
  expect(statusOf(connection)).toBe('offline')
  expect(calls).toEqual(['welcome', 'lost'])
  await clock.advance(500)
  last().handlers.closed(1006)
  network(true)
  await clock.advance(0)
  expect(sockets.length).toBe(3)
  const socket = await goLive()
  const stopped = connection.stop()
  socket.handlers.closed(1000)
  await stopped
  network(true)
  network(false)
  await clock.advance(60_000)
  expect(sockets.length).toBe(3)
})

test('reconnect drops the socket and comes back after a wait', async () => {
  const { clock, connection, sockets, calls, goLive } = harness()
  connection.start()
  const socket = await goLive()
  connection.reconnect()
  expect(socket.closedWith).toBe(1000)
  expect(calls).toEqual(['welcome', 'lost'])
  expect(sockets.length).toBe(1)
  await clock.advance(500)
  expect(sockets.length).toBe(2)
  socket.handlers.closed(1000)
  expect(sockets.length).toBe(2)
})

test('stop waits for the socket to close, a second at most, and nothing comes after it', async () => {
  const { clock, connection, sockets, calls, goLive } = harness()
  connection.start()
  const first = await goLive()
  const stopped = connection.stop()
  expect(first.closedWith).toBe(1000)
  expect(statusOf(connection)).toBe('stopped')
  first.handlers.closed(1000)
  await stopped
  connection.start()
  await goLive()
  let isStopped = false
  void connection.stop().then(() => {
    isStopped = true
  })
  await clock.advance(999)
  expect(isStopped).toBe(false)
  await clock.advance(1)
  expect(isStopped).toBe(true)
  await clock.advance(3_600_000)
  expect(calls).toEqual(['welcome', 'lost', 'welcome', 'lost'])
  expect(sockets.length).toBe(2)
  expect(clock.pendingMs()).toEqual([])
})

test('stop while waiting, or while a token is asked for, ends all tries', async () => {
  const waiting = harness()
  waiting.connection.start()
  await waiting.clock.advance(0)
  waiting.last().handlers.closed(1006)
  await waiting.connection.stop()
  await waiting.clock.advance(3_600_000)
  expect(waiting.sockets.length).toBe(1)
  const asking = harness()
  asking.connection.start()
  await asking.connection.stop()
  await asking.clock.advance(3_600_000)
  expect(asking.sockets.length).toBe(0)
})

test('without an account there is nothing to do, and no problem', async () => {
  const token = () => Promise.reject(parleyError('not-registered'))
  const { clock, connection, sockets } = harness({ token })
  connection.start()
  await clock.advance(3_600_000)
  expect(connection.state.getSnapshot()).toEqual({
    status: 'stopped',
    retryAtMs: undefined,
    problem: undefined,
  })
  expect(sockets.length).toBe(0)
})

test('when no token is to be had: tries on, waits as asked, or stops, by the reason', async () => {
  const failing = (error: unknown) => harness({ token: () => Promise.reject(error) })
  const unreachable = failing(parleyError('server-unreachable'))
  unreachable.connection.start()
  await unreachable.clock.advance(0)
  expect(statusOf(unreachable.connection)).toBe('offline')
  expect(problemCode(unreachable.connection)).toBe('server-unreachable')
  await unreachable.clock.advance(60_000)
  expect(unreachable.renewals.length).toBeGreaterThan(5)

  const busy = failing(new ApiFailure('too-many-requests', 120))
  busy.connection.start()
  await busy.clock.advance(119_999)
  expect(busy.renewals.length).toBe(1)
  await busy.clock.advance(1)
  expect(busy.renewals.length).toBe(2)

  const revoked = failing(new ApiFailure('device-revoked', undefined))
  revoked.connection.start()
  await revoked.clock.advance(3_600_000)
  expect(revoked.calls).toEqual(['revoked'])
  expect(revoked.renewals.length).toBe(1)

  const expired = failing(new ApiFailure('token-reused', undefined))
  expired.connection.start()
  await expired.clock.advance(3_600_000)
  expect(statusOf(expired.connection)).toBe('stopped')
  expect(problemCode(expired.connection)).toBe('token-expired')

  const full = failing(new StoreError('full', 'disk'))
  full.connection.start()
  await full.clock.advance(0)
  expect(statusOf(full.connection)).toBe('offline')
  expect(problemCode(full.connection)).toBe('disk-full')
})

test('a store that cannot say the cursors ends the try with its problem, and says no Hello', async () => {
  const cursors = () => {
    throw new StoreError('corrupt', 'broken')
  }
  const { clock, connection, last } = harness({ cursors })
  connection.start()
  await clock.advance(0)
  last().handlers.open()
  expect(last().frames).toEqual([])
  expect(statusOf(connection)).toBe('offline')
  expect(problemCode(connection)).toBe('store-corrupt')
})

test('what the engine reports is shown until it takes it back', async () => {
  const { connection, goLive } = harness()
  connection.start()
  await goLive()
  connection.report({ code: 'disk-full', says: 'full' })
  expect(problemCode(connection)).toBe('disk-full')
  connection.report(undefined)
  expect(problemCode(connection)).toBeUndefined()
})
