/**
 * Connections of the gateway: hello, sizes and rates, keepalive, replacement, revocation, drain.
 * Rules W1-W9 and W30-W39 of docs/spec/wire.md.
 */
import { describe, expect, test } from 'bun:test'
import {
  closeReasons,
  cursorsPerHelloMax,
  encodeClientFrame,
  encodeEntryBody,
  inboxOf,
} from '@parley/wire'
import type { ClientFrame, CloseReasonName } from '@parley/wire'
import { GatewayRig, tokenOf } from './gateway-rig.contract.ts'
import type { TestClient } from './gateway-rig.contract.ts'

function expectClosed(client: TestClient, reason: CloseReasonName): void {
  const { code } = closeReasons[reason]
  expect(client.closedWith).toBe(code)
  expect(client.of('closing').at(-1)?.code).toBe(code)
}

describe('hello', () => {
  test('[W1] the first frame is Hello; Welcome tells time, incarnation and last sequence', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    const [bob] = rig.account()
    if (!alice || !bob) throw new Error('no accounts')
    const first = await rig.enter(alice)
    const send = rig.send(alice, bob.account)
    first.send(send)
    await rig.until(() => first.has('accepted'))
    await rig.pass(100)
    const second = await rig.enter(alice)
    expect(second.frames[0]).toEqual({
      kind: 'welcome',
      time: rig.clock.now(),
      incarnation: 'first',
      lastSequence: send.sequence,
    })
  })

  test('[W1] nothing is done for anybody before the Hello', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    const [bob] = rig.account()
    if (!alice || !bob) throw new Error('no accounts')
    const log = inboxOf(alice.account)
    const frames: ClientFrame[] = [
      rig.send(alice, bob.account),
      { kind: 'ack', log, position: 0 },
      { kind: 'fetch', log, after: 0, limit: 1 },
      { kind: 'receipt', peer: bob.account, peerDevice: bob.device, delivered: 1, read: 0 },
      { kind: 'typing', peer: bob.account, active: true },
      { kind: 'subscribe', accounts: [bob.account] },
      { kind: 'ping' },
    ]
    for (const frame of frames) {
      const client = rig.connect()
      client.send(frame)
      expectClosed(client, 'badFrame')
    }
    await rig.pass(500)
    expect((await rig.log.read(inboxOf(bob.account), 0, 10)).entries).toEqual([])
  })

  test('[W1] what comes right behind the Hello waits for it', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    const [bob] = rig.account()
    if (!alice || !bob) throw new Error('no accounts')
    const client = rig.connect()
    client.hello(alice)
    client.send(rig.send(alice, bob.account))
    client.send({ kind: 'ping' })
    await rig.until(() => client.has('accepted') && client.has('pong'))
    expect(client.frames[0]?.kind).toBe('welcome')
  })

  test('[W2] a refused token closes with what the client has to do', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    for (const [refused, reason] of [
      ['token-expired', 'tokenExpired'],
      ['token-invalid', 'tokenInvalid'],
      ['device-revoked', 'revoked'],
    ] as const) {
      rig.tokens.set(tokenOf(alice), { refused })
      const client = rig.connect()
      client.hello(alice)
      await rig.until(() => client.closedWith !== undefined)
      expectClosed(client, reason)
      expect(client.has('welcome')).toBe(false)
    }
  })

  test('[W2] when the accounts cannot be asked, the client is told to come again', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    rig.accountsFail = true
    const client = rig.connect()
    client.hello(alice)
    await rig.until(() => client.closedWith !== undefined)
    expectClosed(client, 'unavailable')
  })

  test('[W3] who says no Hello is closed after its time', async () => {
    await using rig = await GatewayRig.start()
    const client = rig.connect()
    await rig.pass(9_000)
    expect(client.closedWith).toBeUndefined()
    await rig.pass(7_000)
    expectClosed(client, 'helloTimeout')
    expect(rig.gateway.connections()).toBe(0)
  })

  test('[W1] a second Hello, or one with too many cursors, is a bad frame', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const client = await rig.enter(alice)
    client.hello(alice)
    expectClosed(client, 'badFrame')
    const greedy = rig.connect()
    const cursor = { log: inboxOf(alice.account), position: 0 }
    const cursors = Array.from({ length: cursorsPerHelloMax + 1 }, () => cursor)
    const hello = { kind: 'hello' as const, token: tokenOf(alice), cursors, capabilities: [] }
    // So many do not even fit a frame of that kind.
    greedy.sendBytes(encodeClientFrame(hello))
    expectClosed(greedy, 'badFrame')
  })
})

describe('what comes in', () => {
  test('[W4] bytes that are no frame close the connection, whatever they are', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const good = encodeClientFrame(rig.send(alice, alice.account))
    const garbage = [new Uint8Array(), rig.random.bytes(1), good.subarray(0, good.length - 1)]
    for (let n = 0; n < 300; n++) garbage.push(rig.random.bytes(rig.random.between(1, 200)))
    for (const bytes of garbage) {
      const client = rig.connect()
      client.sendBytes(bytes)
      expectClosed(client, 'badFrame')
    }
    expect(rig.gateway.connections()).toBe(0)
  })

  test('[W5] a frame over the limit is not decoded', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const client = await rig.enter(alice)
    client.sendBytes(new Uint8Array(2 * 1024 * 1024 + 1))
    expectClosed(client, 'frameTooLarge')
  })

  test('[W6] a flood of sends is refused with a time to wait, and goes on after it', async () => {
    await using rig = await GatewayRig.start({ limits: { units: { burst: 30, refillMs: 100 } } })
    const [alice] = rig.account()
    const [bob] = rig.account()
    if (!alice || !bob) throw new Error('no accounts')
    const client = await rig.enter(alice)
    const sends = Array.from({ length: 60 }, () => rig.send(alice, bob.account))
    for (const send of sends) client.send(send)
    await rig.until(() => client.has('accepted') && client.of('rejected').length > 30)
    const refused = client.of('rejected')
    expect(refused[0]?.reason).toBe('too-fast')
    expect(refused[0]?.retryAfterMs).toBeGreaterThan(0)
    for (const later of refused.slice(1))
      expect(['too-fast', 'out-of-order']).toContain(later.reason)
    await rig.pass(10_000)
    const first = sends.find(({ sequence }) => sequence === refused[0]?.sequence)
    if (!first) throw new Error('the refused send is not known')
    client.send(first)
    await rig.until(() => client.of('accepted').at(-1)?.upTo === first.sequence)
  })

  test('[W6] a flood of anything else closes the connection', async () => {
    await using rig = await GatewayRig.start({ limits: { units: { burst: 30, refillMs: 100 } } })
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const client = await rig.enter(alice)
    for (let n = 0; n < 40; n++) client.send({ kind: 'ping' })
    expectClosed(client, 'overloaded')
    expect(client.of('pong').length).toBeLessThan(31)
  })

  test('[W7] frames that wait for an earlier one are bounded', async () => {
    await using rig = await GatewayRig.start({ limits: { queuedFramesMax: 20 } })
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const client = rig.connect()
    client.hello(alice)
    for (let n = 0; n < 21; n++) client.send({ kind: 'ping' })
    expectClosed(client, 'overloaded')
  })
})

describe('who has not said Hello', () => {
  const many = { limits: { helloPendingPerAddressMax: 3 } }

  // Sockets that said nothing were bounded by time only, so that one address could open them all.
  test('[W9] connections of an address that wait for their Hello are bounded', async () => {
    await using rig = await GatewayRig.start(many)
    const waiting = Array.from({ length: 3 }, () => rig.connect('192.0.2.1'))
    expectClosed(rig.connect('192.0.2.1'), 'overloaded')
    const elsewhere = rig.connect('192.0.2.2')
    for (const client of [...waiting, elsewhere]) expect(client.closedWith).toBeUndefined()
  })

  test('[W9] one that is greeted, or gone, makes room for the next', async () => {
    await using rig = await GatewayRig.start(many)
    const [alice] = rig.account()
    if (!alice) throw new Error('no account')
    const [first, second] = Array.from({ length: 3 }, () => rig.connect('192.0.2.1'))
    first?.hello(alice)
    await rig.until(() => first?.has('welcome') ?? false)
    second?.leave()
    const next = [rig.connect('192.0.2.1'), rig.connect('192.0.2.1')]
    for (const client of next) expect(client.closedWith).toBeUndefined()
    expectClosed(rig.connect('192.0.2.1'), 'overloaded')
    // Neither the greeted one nor the refused one counts when it goes.
    first?.leave()
    expectClosed(rig.connect('192.0.2.1'), 'overloaded')
    await rig.pass(16_000)
    expect(rig.connect('192.0.2.1').closedWith).toBeUndefined()
  })

  test('[W9] the machine itself is not counted: a proxy that was not declared is everybody', async () => {
    await using rig = await GatewayRig.start(many)
    const clients = Array.from({ length: 20 }, () => rig.connect('127.0.0.1'))
    for (const client of clients) expect(client.closedWith).toBeUndefined()
  })
})

// They cost nothing of the budget, and who did not read the answers made 16 MiB wait.
test('[W6] a flood of pings of the transport closes the connection', async () => {
  await using rig = await GatewayRig.start()
  const [alice] = rig.account()
  if (!alice) throw new Error('no account')
  const client = await rig.enter(alice)
  for (let n = 0; n < 32; n++) client.transportPing()
  expect(client.closedWith).toBeUndefined()
  client.transportPing()
  expectClosed(client, 'overloaded')
  const polite = await rig.enter(alice)
  for (let n = 0; n < 100; n++) {
    await rig.pass(1_000)
    polite.transportPing()
    polite.send({ kind: 'ping' })
  }
  expect(polite.closedWith).toBeUndefined()
})

describe('the life of a connection', () => {
  test('[W8] Ping is answered; a silent connection is closed, one that pings is not', async () => {
    await using rig = await GatewayRig.start()
    const [alice] = rig.account()
    const [bob] = rig.account()
    if (!alice || !bob) throw new Error('no accounts')
    const pinging = await rig.enter(alice)
    const silent = await rig.enter(bob)
    for (let n = 0; n < 4; n++) {
      await rig.pass(20_000)
      pinging.send({ kind: 'ping' })
    }
    expect(pinging.of('pong')).toHaveLength(4)
    expect(pinging.closedWith).toBeUndefined()
    expectClosed(silent, 'silent')
  })

  test('[W30] the newer connection of a device replaces the older', async () => {
    await using rig = await GatewayRig.start()
    const [phone, laptop] = rig.account(2)
    if (!phone || !laptop) throw new Error('no account')
    const older = await rig.enter(phone)
    const other = await rig.enter(laptop)
    const newer = await rig.enter(phone)
    expectClosed(older, 'replaced')
    expect(other.closedWith).toBeUndefined()
    expect(newer.closedWith).toBeUndefined()
    expect(rig.gateway.connections()).toBe(2)
    // The end of the older one takes nothing from the newer.
    await rig.pass(1_000)
    newer.send({ kind: 'ping' })
    expect(newer.has('pong')).toBe(true)
  })

  test('[W31] a revoked device is closed at once; others of the account are not (S7)', async () => {
    await using rig = await GatewayRig.start()
    const [phone, laptop] = rig.account(2)
    if (!phone || !laptop) throw new Error('no account')
    const revoked = await rig.enter(phone)
    const kept = await rig.enter(laptop)
    rig.bus.publish(inboxOf(phone.account), { kind: 'revoked', device: phone.device })
    await rig.pass(100)
    expectClosed(revoked, 'revoked')
    expect(kept.closedWith).toBeUndefined()
  })

  test('[W31] when that news is lost, the entry about the device list closes it (S7)', async () => {
    await using rig = await GatewayRig.start()
    const [phone, laptop] = rig.account(2)
    if (!phone || !laptop) throw new Error('no account')
    const revoked = await rig.enter(phone)
    const kept = await rig.enter(laptop)
    rig.list(phone.account, [laptop.device])
    const body = encodeEntryBody({ kind: 'devices', version: 2 })
    void rig.log.append(inboxOf(phone.account), { origin: undefined, body })
    await rig.pass(5_000)
    expectClosed(revoked, 'revoked')
    expect(kept.entries()[0]?.content).toEqual({ kind: 'devices', version: 2 })
    expect(kept.closedWith).toBeUndefined()
  })

  test('[W32] a drain says when to come again, answers what was sent, and closes', async () => {
    await using rig = await GatewayRig.start()
    const [bob] = rig.account()
    const senders = Array.from({ length: 20 }, () => rig.account()[0])
    if (!bob) throw new Error('no account')
    const clients: TestClient[] = []
    for (const sender of senders) if (sender) clients.push(await rig.enter(sender))
    for (const [index, client] of clients.entries()) {
      const sender = senders[index]
      if (sender) client.send(rig.send(sender, bob.account))
    }
    const drained = rig.gateway.drain()
    const late = rig.connect()
    expectClosed(late, 'draining')
    await rig.finish(drained)
    const waits = new Set<number>()
    for (const client of clients) {
      expectClosed(client, 'draining')
      expect(client.has('accepted') || client.has('rejected')).toBe(true)
      expect(client.of('closing')).toHaveLength(1)
      waits.add(client.of('closing')[0]?.retryAfterMs ?? 0)
    }
    // Not all at the same moment.
    expect(waits.size).toBeGreaterThan(10)
    expect(rig.gateway.connections()).toBe(0)
  })
})
