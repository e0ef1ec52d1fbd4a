/**
 * What a send has to pass, in which order, and what its sender hears. Rules W10-W19 of
 * docs/spec/wire.md.
 */
import { describe, expect, test } from 'bun:test'
import { entryBytesMax, inboxOf, positionAt, unacceptedSendsMax } from '@parley/wire'
import type { Send } from '@parley/wire'
import type { Identity } from '../accounts/ports.ts'
import { LogUnavailable } from '../backends/log/log.ts'
import { openLimits } from '../limits.ts'
import { openMetrics } from '../metrics.ts'
import type { Clock } from '../clock.ts'
import { GatewayRig, openLateLog } from '../gateway/gateway-rig.contract.ts'
import type { TestClient } from '../gateway/gateway-rig.contract.ts'

async function pair(rig: GatewayRig, devices = 1) {
  const [alice] = rig.account()
  const bob = rig.account(devices)
  const [first] = bob
  if (!alice || !first) throw new Error('no accounts')
  return { alice, bob: first, sender: await rig.enter(alice) }
}

async function sendAndWait(rig: GatewayRig, client: TestClient, send: Send): Promise<void> {
  const answers = () => client.of('accepted').length + client.of('rejected').length
  const before = answers()
  client.send(send)
  await rig.until(() => answers() > before)
}

async function stored(rig: GatewayRig, owner: Identity): Promise<number> {
  await rig.pass(200)
  return (await rig.log.read(inboxOf(owner.account), 0, 10_000)).entries.length
}

/** A log that refuses appends while told to, as one on a full disk does. */
async function openRefusingLog(rig: GatewayRig, disk: { full: boolean }) {
  const log = await openLateLog(rig)
  const append = log.append.bind(log)
  log.append = (id, entry) =>
    disk.full ? Promise.reject(new LogUnavailable('full', 'full')) : append(id, entry)
  return log
}

describe('accepting', () => {
  test('[W10] Accepted comes only after the entry is durable', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const send = rig.send(alice, bob.account)
    sender.send(send)
    await rig.until(() => sender.has('accepted'))
    expect(sender.of('accepted')).toEqual([
      { kind: 'accepted', log: send.log, upTo: send.sequence },
    ])
    expect(await stored(rig, bob)).toBe(1)
  })

  test('[W11] Accepted is cumulative, one for each log and turn', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const [carol] = rig.account()
    if (!carol) throw new Error('no account')
    const sends = Array.from({ length: 100 }, (_, n) =>
      rig.send(alice, n % 2 === 0 ? bob.account : carol.account),
    )
    for (const send of sends) sender.send(send)
    await rig.until(() => rig.counted.get('accepted') === 100)
    await rig.pass(10)
    for (const owner of [bob, carol]) {
      const log = inboxOf(owner.account)
      const marks = sender.of('accepted').filter((each) => each.log === log)
      expect(marks.at(-1)?.upTo).toBe(sends.findLast((send) => send.log === log)?.sequence)
      expect(marks.map(({ upTo }) => upTo)).toEqual(
        marks.map(({ upTo }) => upTo).toSorted((a, b) => a - b),
      )
      expect(await stored(rig, owner)).toBe(50)
    }
  })

  test('[W12] a repeat is accepted before anything else is checked, and stored once', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const send = rig.send(alice, bob.account)
    await sendAndWait(rig, sender, send)
    // What was appended may show late.
    await rig.pass(100)
    rig.list(bob.account, [bob.device])
    const later = await rig.enter(alice)
    const stale = { ...send, stamp: rig.clock.now() + 1e9, deviceList: new Uint8Array(32) }
    for (const client of [later]) {
      await sendAndWait(rig, client, stale)
      expect(client.of('accepted')).toEqual([
        { kind: 'accepted', log: send.log, upTo: send.sequence },
      ])
    }
    expect(await stored(rig, bob)).toBe(1)
  })

  test('[W12] a repeat while the first is on its way is answered once, and stored once', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const send = rig.send(alice, bob.account)
    for (let n = 0; n < 5; n++) sender.send(send)
    await rig.until(() => sender.has('accepted'))
    expect(await stored(rig, bob)).toBe(1)
    expect(sender.has('rejected')).toBe(false)
  })

  test('[W13] a stamp five seconds ahead is taken, one a millisecond further is refused with the time', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const stamp = rig.clock.now() + 5_000
    const ahead = rig.send(alice, bob.account, { stamp: stamp + 1 })
    sender.send(ahead)
    await rig.flush()
    const [refused] = sender.of('rejected')
    expect(refused?.reason).toBe('stamp-ahead')
    expect(Math.abs((refused?.time ?? 0) - rig.clock.now())).toBeLessThan(1_000)
    await sendAndWait(rig, sender, { ...ahead, stamp })
    expect(sender.of('accepted')[0]?.upTo).toBe(ahead.sequence)
  })

  test('[W13] a gateway whose clock is behind goes by the newest position that it has seen', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    rig.clock.skewMs = 30_000
    await sendAndWait(rig, sender, rig.send(alice, bob.account))
    const reader = await rig.enter(bob)
    await rig.until(() => reader.has('entry'))
    rig.clock.skewMs = 0
    await sendAndWait(
      rig,
      sender,
      rig.send(alice, bob.account, { stamp: rig.clock.now() + 30_000 }),
    )
    expect(sender.of('accepted')).toHaveLength(2)
    expect(reader.entries()[0]?.position).toBeGreaterThan(positionAt(rig.clock.now() + 20_000))
  })

  test('[W13] a stamp that is refused while the clock is behind the log is mended by the time of the log', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const first = rig.send(alice, bob.account)
    await sendAndWait(rig, sender, first)
    rig.clock.skewMs = -3_600_000
    await rig.pass(60_000)
    const next = rig.send(alice, bob.account, { stamp: first.stamp + 60_000 })
    await sendAndWait(rig, sender, next)
    const [refused] = sender.of('rejected')
    expect(refused?.reason).toBe('stamp-ahead')
    expect(refused?.time).toBeGreaterThanOrEqual(first.stamp)
    await sendAndWait(rig, sender, { ...next, stamp: first.stamp + 1 })
    expect(sender.of('accepted').at(-1)?.upTo).toBe(next.sequence)
  })

  // A server's clock ran eleven minutes ahead and was set right again. Nobody had been served what
  // was sent meanwhile, or the server was started anew: it refused the chat's next stamps, which
  // follow the ones before, and the messages went to the chat's beginning (I3).
  test('[W13] a gateway goes by what it has accepted, too, when its clock is set back', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    rig.clock.skewMs = 660_000
    const first = rig.send(alice, bob.account)
    await sendAndWait(rig, sender, first)
    rig.clock.skewMs = 0
    const next = rig.send(alice, bob.account, { stamp: first.stamp + 1 })
    await sendAndWait(rig, sender, next)
    expect(sender.of('rejected')).toEqual([])
    expect(sender.of('accepted').at(-1)?.upTo).toBe(next.sequence)
  })

  for (const who of ['the sender', 'the recipient'] as const) {
    test(`[W13] a new gateway on an old log goes by the inboxes of the chat: the newest is of ${who}`, async () => {
      await using rig = await GatewayRig.start()
      const { alice, bob, sender } = await pair(rig)
      const peer = await rig.enter(bob)
      rig.clock.skewMs = 660_000
      const [client, first] =
        who === 'the sender'
          ? [sender, rig.send(alice, bob.account)]
          : [peer, rig.send(bob, alice.account)]
      await sendAndWait(rig, client, first)
      await rig.pass(100)
      rig.clock.skewMs = 0
      rig.restartGateway()
      const [cursor] = await rig.log.heads([inboxOf(alice.account)])
      const again = await rig.enter(alice, cursor)
      const next = rig.send(alice, bob.account, { stamp: first.stamp + 1 })
      await sendAndWait(rig, again, next)
      expect(again.of('rejected')).toEqual([])
    })
  }

  test('[W14] a stale or incomplete set of devices is refused with the lists, never delivered in part', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig, 2)
    const good = rig.send(alice, bob.account)
    const [first, second] = good.envelopes
    if (!first || !second) throw new Error('no envelopes')
    const stranger = rig.envelope(alice.device)
    const wrong: Partial<Send>[] = [
      { deviceList: new Uint8Array(32) },
      { envelopes: [] },
      { envelopes: [first] },
      { envelopes: [first, first] },
      { envelopes: [first, stranger] },
      { envelopes: [first, second, stranger] },
    ]
    for (const change of wrong) await sendAndWait(rig, sender, { ...good, ...change })
    const refusals = sender.of('rejected')
    expect(refusals).toHaveLength(wrong.length)
    for (const refused of refusals) {
      expect(refused.reason).toBe('devices-changed')
      expect(refused.deviceLists).toMatchObject(rig.lists.get(bob.account)?.chain ?? [])
    }
    expect(await stored(rig, bob)).toBe(0)
    await sendAndWait(rig, sender, good)
    expect(await stored(rig, bob)).toBe(1)
  })

  test('[W14] the copy for the own account names all devices but the sending one', async () => {
    await using rig = await GatewayRig.start()
    const [phone, laptop] = rig.account(2)
    if (!phone || !laptop) throw new Error('no account')
    const sender = await rig.enter(phone)
    const copy = rig.send(phone, phone.account)
    expect(copy.envelopes.map(({ device }) => device)).toEqual([laptop.device])
    await sendAndWait(rig, sender, copy)
    expect(sender.has('accepted')).toBe(true)
    const own = { envelopes: [phone, laptop].map(({ device }) => rig.envelope(device)) }
    await sendAndWait(rig, sender, rig.send(phone, phone.account, own))
    expect(sender.of('rejected')[0]?.reason).toBe('devices-changed')
  })

  test('[W15] a log of nobody is unknown, an envelope over the limit too large; neither holds up the next', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const [nobody] = rig.account()
    if (!nobody) throw new Error('no account')
    const lost = rig.send(alice, nobody.account)
    rig.lists.delete(nobody.account)
    await sendAndWait(rig, sender, lost)
    const envelopes = [rig.envelope(bob.device, entryBytesMax)]
    await sendAndWait(rig, sender, rig.send(alice, bob.account, { envelopes }))
    expect(sender.of('rejected').map(({ reason }) => reason)).toEqual(['unknown-log', 'too-large'])
    await sendAndWait(rig, sender, rig.send(alice, bob.account))
    expect(await stored(rig, bob)).toBe(1)
  })

  test('[W15] the largest envelope that is taken is served below the limit of an entry', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const reader = await rig.enter(bob)
    const envelopes = [rig.envelope(bob.device, entryBytesMax - 1_024)]
    await sendAndWait(rig, sender, rig.send(alice, bob.account, { envelopes }))
    await rig.until(() => reader.has('entry'))
    expect(reader.largestFrameBytes).toBeLessThan(entryBytesMax)
  })

  test('[W16] after a refusal that can be mended, later sends wait for the refused number', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    const [carol] = rig.account()
    if (!carol) throw new Error('no account')
    const sends = [1, 2, 3].map(() => rig.send(alice, bob.account))
    const [first, second, third] = sends as [Send, Send, Send]
    sender.send({ ...first, deviceList: new Uint8Array(32) })
    sender.send(second)
    sender.send(third)
    sender.send(rig.send(alice, carol.account))
    await rig.until(() => sender.of('rejected').length === 3 && sender.has('accepted'))
    expect(sender.of('rejected').map(({ reason }) => reason)).toEqual([
      'devices-changed',
      'out-of-order',
      'out-of-order',
    ])
    expect(await stored(rig, bob)).toBe(0)
    expect(await stored(rig, carol)).toBe(1)
    for (const send of sends) sender.send(send)
    await rig.until(() => sender.of('accepted').at(-1)?.upTo === third.sequence)
    expect(await stored(rig, bob)).toBe(3)
  })

  test('[W17] when the log refuses, nothing behind it is stored before it', async () => {
    const disk = { full: false }
    await using rig = await GatewayRig.start({ openLog: (opened) => openRefusingLog(opened, disk) })
    const { alice, bob, sender } = await pair(rig)
    await sendAndWait(rig, sender, rig.send(alice, bob.account))
    disk.full = true
    const sends = Array.from({ length: 5 }, () => rig.send(alice, bob.account))
    for (const send of sends) sender.send(send)
    await rig.until(() => sender.of('rejected').length === 5)
    expect(sender.of('rejected')[0]).toMatchObject({
      reason: 'unavailable',
      sequence: sends[0]?.sequence,
    })
    expect(sender.of('rejected')[0]?.retryAfterMs).toBeGreaterThan(0)
    disk.full = false
    sender.send(sends[4] as Send)
    await rig.until(() => sender.of('rejected').length === 6)
    expect(sender.of('rejected')[5]?.reason).toBe('out-of-order')
    for (const send of sends) sender.send(send)
    await rig.until(() => sender.of('accepted').at(-1)?.upTo === sends[4]?.sequence)
    expect(await stored(rig, bob)).toBe(6)
  })

  test('[W17] when the accounts cannot be asked, a send is to be tried again', async () => {
    await using rig = await GatewayRig.start()
    const { alice, bob, sender } = await pair(rig)
    rig.accountsFail = true
    const send = rig.send(alice, bob.account)
    await sendAndWait(rig, sender, send)
    expect(sender.of('rejected')[0]?.reason).toBe('unavailable')
    rig.accountsFail = false
    await sendAndWait(rig, sender, send)
    expect(sender.has('accepted')).toBe(true)
  })

  test('[W18] sends that wait for their answer are bounded', async () => {
    await using rig = await GatewayRig.start({ limits: { queuedFramesMax: 10_000 } })
    const { alice, bob, sender } = await pair(rig)
    const sends = Array.from({ length: unacceptedSendsMax + 50 }, () =>
      rig.send(alice, bob.account),
    )
    await sendAndWait(rig, sender, sends[0] as Send)
    for (const send of sends.slice(1)) sender.send(send)
    await rig.until(() => sender.of('rejected').length > 0)
    expect(sender.of('rejected')[0]?.reason).toBe('too-fast')
    await rig.pass(1_000)
    const refusedAt = sends.findIndex(
      ({ sequence }) => sequence === sender.of('rejected')[0]?.sequence,
    )
    for (const send of sends.slice(refusedAt)) sender.send(send)
    await rig.until(() => sender.of('accepted').at(-1)?.upTo === sends.at(-1)?.sequence)
    expect(await stored(rig, bob)).toBe(sends.length)
  })

  test('[S10] an account begins sixty conversations at once, then one a second; going on in one costs nothing', async () => {
    const rates = (clock: Clock) => openLimits({ clock, metrics: openMetrics() })
    await using rig = await GatewayRig.start({ rates })
    const { alice, bob, sender } = await pair(rig)
    await sendAndWait(rig, sender, rig.send(alice, bob.account))
    const strangers = Array.from({ length: 60 }, () => rig.account()[0] ?? bob)
    const sends = strangers.map(({ account }) => rig.send(alice, account))
    for (const send of sends) sender.send(send)
    await rig.pass(10)
    expect(sender.of('rejected')).toMatchObject([{ reason: 'too-fast', retryAfterMs: 1_000 }])
    for (let n = 0; n < 100; n++) sender.send(rig.send(alice, bob.account))
    await rig.pass(100)
    expect(sender.of('rejected')).toHaveLength(1)
    await rig.pass(1_000)
    for (const send of sends.slice(-1)) await sendAndWait(rig, sender, send)
    expect(sender.of('rejected')).toHaveLength(1)
  })

  test('[S10] the bytes of an account count over all its connections', async () => {
    const rates = (clock: Clock) => openLimits({ clock, metrics: openMetrics() })
    await using rig = await GatewayRig.start({ rates })
    const { bob } = await pair(rig)
    const mallory = rig.account(2)
    const ciphertext = new Uint8Array(900 * 1_024)
    const refused: number[] = []
    for (const device of mallory) {
      const client = await rig.enter(device)
      for (let n = 0; n < 30; n++) {
        const envelopes = [{ ...rig.envelope(bob.device), ciphertext }]
        await sendAndWait(rig, client, rig.send(device, bob.account, { envelopes }))
        await rig.pass(250)
      }
      refused.push(client.of('rejected').length)
    }
    expect(refused[0]).toBe(0)
    expect(refused[1]).toBeGreaterThan(0)
  })

  test('[W19] sequences grow in a log, with holes; two devices do not disturb each other', async () => {
    await using rig = await GatewayRig.start()
    const [phone, laptop] = rig.account(2)
    const [bob] = rig.account()
    if (!phone || !laptop || !bob) throw new Error('no accounts')
    const one = await rig.enter(phone)
    const other = await rig.enter(laptop)
    for (const [client, identity, sequence] of [
      [one, phone, 1_000],
      [other, laptop, 5],
      [one, phone, 2_000],
      [other, laptop, 900],
    ] as const) {
      await sendAndWait(rig, client, rig.send(identity, bob.account, { sequence }))
    }
    expect(one.of('accepted').map(({ upTo }) => upTo)).toEqual([1_000, 2_000])
    expect(other.of('accepted').map(({ upTo }) => upTo)).toEqual([5, 900])
    expect(await stored(rig, bob)).toBe(4)
  })
})
