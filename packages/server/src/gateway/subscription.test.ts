/**
 * What a device is served: backlog, caught up, live, gaps, windows, slow readers. Rules W20-W29 of
 * docs/spec/wire.md.
 */
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  closeReasons,
  encodeEntryBody,
  inboxOf,
  messageIdOf,
  unackedEntriesMax,
} from '@parley/wire'
import type { Entry, LogId } from '@parley/wire'
import type { Identity } from '../accounts/ports.ts'
import { LossyBus } from '../backends/bus/bus-lossy.contract.ts'
import { openSteppedLog } from '../backends/log/log-sqlite.fixture.ts'
import { GatewayRig, openLateLog } from './gateway-rig.contract.ts'
import type { RigOptions, TestClient } from './gateway-rig.contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-gateway-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let files = 0

const openFileLog: RigOptions['openLog'] = (rig) =>
  openSteppedLog(folder, rig, { path: join(folder, `${files++}.sqlite`) })

function one(identities: Identity[]): Identity {
  const [identity] = identities
  if (!identity) throw new Error('no account')
  return identity
}

/** Puts entries into an inbox, one behind the other. */
async function fill(rig: GatewayRig, owner: Identity, count: number, bytes = 10): Promise<void> {
  const log = inboxOf(owner.account)
  const bodies = Array.from({ length: count }, (_, n) =>
    encodeEntryBody({
      kind: 'message',
      sender: owner.account,
      senderDevice: owner.device,
      sequence: n + 1,
      messageId: messageIdOf(rig.random.bytes(16)),
      stamp: rig.clock.now(),
      envelopes: [rig.envelope(owner.device, bytes)],
    }),
  )
  await rig.finish(
    Promise.all(bodies.map((body) => rig.log.append(log, { origin: undefined, body }))),
  )
  await rig.pass(200)
}

/** Each names the one before it, and the first the start. */
function expectChain(entries: readonly Entry[], start = 0): void {
  let before = start
  for (const { prev, position } of entries) {
    expect(prev).toBe(before)
    expect(position).toBeGreaterThan(prev)
    before = position
  }
}

const lastOf = (client: TestClient) => client.entries().at(-1)?.position ?? 0

for (const [name, openLog] of [
  ['log-memory, which shows entries late', openLateLog],
  ['log-sqlite', openFileLog],
] as const) {
  describe(`serving from ${name}`, () => {
    const start = (options: Partial<RigOptions> = {}) => GatewayRig.start({ openLog, ...options })

    test('[W20] the backlog comes in order, then CaughtUp, then what is new', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      await fill(rig, alice, 300)
      const client = await rig.enter(alice)
      await rig.until(() => client.has('caught-up'))
      expect(client.entries()).toHaveLength(300)
      expect(client.frames.at(-1)).toEqual({
        kind: 'caught-up',
        log: inboxOf(alice.account),
        position: lastOf(client),
        expiredUpTo: 0,
      })
      await fill(rig, alice, 5)
      expect(client.entries()).toHaveLength(305)
      expectChain(client.entries())
      expect(client.of('caught-up')).toHaveLength(1)
      expect(rig.counted.get('served live')).toBe(5)
    })

    test('[W20] entries that come while the backlog is read are neither lost nor doubled', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      await fill(rig, alice, 300)
      const client = rig.connect()
      client.hello(alice)
      const filling = fill(rig, alice, 100)
      await filling
      await rig.until(() => client.has('caught-up'))
      await rig.pass(500)
      expect(client.entries()).toHaveLength(400)
      expectChain(client.entries())
    })

    test('[W21] serving goes on from the cursor of the Hello', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      await fill(rig, alice, 20)
      const first = await rig.enter(alice)
      await rig.until(() => first.has('caught-up'))
      const cursor = first.entries()[11]?.position ?? 0
      const second = await rig.enter(alice, cursor)
      await rig.until(() => second.has('caught-up'))
      expect(second.entries()).toHaveLength(8)
      expectChain(second.entries(), cursor)
    })

    test('[W21] a cursor ahead of the log, as after a restore, counts as its end', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      await fill(rig, alice, 3)
      const client = await rig.enter(alice, Number.MAX_SAFE_INTEGER)
      await rig.until(() => client.has('caught-up'))
      expect(client.entries()).toHaveLength(0)
      await fill(rig, alice, 2)
      expect(client.entries()).toHaveLength(2)
    })

    test('[W22] a device without a cursor starts where its account stands, else at the oldest', async () => {
      await using rig = await start()
      const [phone, laptop] = rig.account(2)
      if (!phone || !laptop) throw new Error('no account')
      await fill(rig, phone, 10)
      const first = await rig.enter(phone)
      await rig.until(() => first.has('caught-up'))
      expect(first.entries()).toHaveLength(10)
      const mark = first.entries()[6]?.position ?? 0
      first.ack(inboxOf(phone.account), mark)
      await rig.pass(2_000)
      const second = await rig.enter(laptop)
      await rig.until(() => second.has('caught-up'))
      expect(second.entries()).toHaveLength(3)
      expectChain(second.entries(), mark)
    })

    test('[S13][W23] a device is served its own envelope only, and an empty entry where there is none', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const [phone, laptop] = rig.account(2)
      if (!phone || !laptop) throw new Error('no account')
      const clients = [await rig.enter(phone), await rig.enter(laptop)]
      const sender = await rig.enter(alice)
      const send = rig.send(alice, phone.account)
      sender.send(send)
      await rig.until(() => clients.every((client) => client.has('entry')))
      for (const [index, client] of clients.entries()) {
        expect(client.entries()[0]?.content).toMatchObject({ envelope: send.envelopes[index] })
      }
      rig.list(phone.account, [phone.device])
      sender.send(rig.send(alice, phone.account))
      await rig.until(() => clients.every((client) => client.entries().length === 2))
      expect(clients[1]?.entries()[1]?.content).toMatchObject({ envelope: undefined })
      for (const client of clients) expectChain(client.entries())
    })

    test('[W24] who does not acknowledge gets no more than the window; the rest comes with the acks', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const count = unackedEntriesMax * 2 + 100
      await fill(rig, alice, count)
      const client = await rig.enter(alice)
      await rig.pass(1_000)
      expect(client.entries()).toHaveLength(unackedEntriesMax)
      expect(client.has('caught-up')).toBe(false)
      while (client.entries().length < count) {
        client.ack(inboxOf(alice.account), lastOf(client))
        await rig.pass(1_000)
      }
      expectChain(client.entries())
      expect(client.has('caught-up')).toBe(true)
    })

    test('[W25] what is not acknowledged is sent again, and in the end the connection is closed', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      await fill(rig, alice, 3)
      const client = await rig.enter(alice)
      await rig.pass(4_000)
      expect(client.entries()).toHaveLength(3)
      await rig.pass(3_000)
      const positions = client.entries().map(({ position }) => position)
      expect(positions.slice(3)).toEqual(positions.slice(0, 3))
      await rig.pass(30_000)
      expect(client.closedWith).toBe(closeReasons.slowReader.code)
      expect(client.entries().length).toBeLessThanOrEqual(12)
    })

    test('[W25] who acknowledges is sent nothing twice', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const client = await rig.enter(alice)
      for (let n = 0; n < 10; n++) {
        await fill(rig, alice, 1)
        client.ack(inboxOf(alice.account), lastOf(client))
        await rig.pass(4_000)
        client.send({ kind: 'ping' })
      }
      await rig.pass(20_000)
      expect(client.entries()).toHaveLength(10)
      expect(client.closedWith).toBeUndefined()
    })

    test('[S13][W26] a cursor is stored, only as far as the device acknowledged, and never goes back', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const log = inboxOf(alice.account)
      await fill(rig, alice, 5)
      const client = await rig.enter(alice)
      await rig.until(() => client.has('caught-up'))
      const positions = client.entries().map(({ position }) => position)
      client.ack(log, positions[3] ?? 0)
      client.ack(log, positions[1] ?? 0)
      await rig.pass(2_000)
      expect((await rig.log.cursors(log)).get(alice.device)).toBe(positions[3])
    })

    test('[W26] an acknowledgement of what was never served closes the connection', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const log = inboxOf(alice.account)
      await fill(rig, alice, 2)
      const client = await rig.enter(alice)
      await rig.until(() => client.has('caught-up'))
      client.ack(log, lastOf(client) + 1)
      expect(client.closedWith).toBe(closeReasons.badFrame.code)
      await rig.pass(2_000)
      expect((await rig.log.cursors(log)).get(alice.device) ?? 0).toBe(0)
    })

    test('[W27] Fetch serves a gap, at most so many, and CaughtUp when nothing more is there', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const log = inboxOf(alice.account)
      await fill(rig, alice, 10)
      const client = await rig.enter(alice)
      await rig.until(() => client.has('caught-up'))
      const served = client.entries()
      client.frames.length = 0
      client.send({ kind: 'fetch', log, after: served[2]?.position ?? 0, limit: 4 })
      await rig.pass(10)
      expect(client.frames).toEqual(served.slice(3, 7))
      client.frames.length = 0
      client.send({ kind: 'fetch', log, after: served[7]?.position ?? 0, limit: 4 })
      await rig.pass(10)
      const caughtUp = { kind: 'caught-up' as const, log, position: lastOf(client), expiredUpTo: 0 }
      expect(client.frames).toEqual([...served.slice(8), caughtUp])
    })

    test("[S13][W28] somebody else's inbox is neither served nor acknowledged", async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const mallory = one(rig.account())
      const log: LogId = inboxOf(alice.account)
      await fill(rig, alice, 3)
      const client = await rig.enter(mallory)
      await rig.until(() => client.has('caught-up'))
      client.send({ kind: 'fetch', log, after: 0, limit: 10 })
      client.ack(log, 1)
      await rig.pass(2_000)
      expect(client.entries()).toEqual([])
      const refusals = client.of('rejected')
      expect(refusals.map(({ reason, sequence }) => ({ reason, sequence }))).toEqual([
        { reason: 'unknown-log', sequence: 0 },
        { reason: 'unknown-log', sequence: 0 },
      ])
      expect((await rig.log.cursors(log)).size).toBe(0)
    })

    test('[W29] a device older than the log is told up to where entries have expired', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const log = inboxOf(alice.account)
      await fill(rig, alice, 10)
      const { entries } = await rig.log.read(log, 0, 10)
      const expired = entries[5]?.position ?? 0
      await rig.finish(rig.log.trim(expired + 1))
      const client = await rig.enter(alice, entries[1]?.position)
      await rig.until(() => client.has('caught-up'))
      expect(client.entries()).toHaveLength(4)
      expect(client.of('caught-up')[0]?.expiredUpTo).toBe(expired)
    })

    // A device that sees a gap before CaughtUp waits for it. With more than a window behind the gap
    // it never came: nothing was acknowledged, and the device was closed as a slow reader for ever.
    test('[L7][W29] what follows the expired entries is served as next, also when it is more than a window', async () => {
      await using rig = await start()
      const alice = one(rig.account())
      const log = inboxOf(alice.account)
      await fill(rig, alice, unackedEntriesMax + 20)
      const { entries } = await rig.log.read(log, 0, 10)
      const cursor = entries[1]?.position ?? 0
      await rig.finish(rig.log.trim((entries[5]?.position ?? 0) + 1))
      const client = await rig.enter(alice, cursor)
      await rig.until(() => client.entries().length >= unackedEntriesMax)
      expect(client.entries()[0]).toMatchObject({ prev: cursor, position: entries[6]?.position })
      expectChain(client.entries(), cursor)
      client.send({ kind: 'fetch', log, after: cursor, limit: 3 })
      await rig.until(() => client.entries().length >= unackedEntriesMax + 3)
      expect(client.entries()[unackedEntriesMax]?.prev).toBe(cursor)
    })

    for (const seed of [1, 2, 3]) {
      test(`[W20] a bus that loses, repeats and reorders costs no entry (seed ${seed})`, async () => {
        let lossy: LossyBus | undefined
        await using rig = await start({
          wrapBus: (bus, random) => {
            for (let n = 0; n < seed; n++) random.word()
            lossy = new LossyBus(bus, random, { lose: 0.3, repeat: 0.3, reorder: 0.3 })
            return lossy
          },
        })
        const alice = one(rig.account())
        const client = await rig.enter(alice)
        for (let round = 0; round < 20; round++) {
          await fill(rig, alice, rig.random.between(1, 5))
          client.ack(inboxOf(alice.account), lastOf(client))
        }
        lossy?.tellBroken()
        await rig.pass(1_000)
        const stored = await rig.log.read(inboxOf(alice.account), 0, 1_000)
        expect(client.entries().map(({ position }) => position)).toEqual(
          stored.entries.map(({ position }) => position),
        )
        expectChain(client.entries())
      })
    }

    test('[W20] news that was the last and got lost is found within a minute', async () => {
      let lossy: LossyBus | undefined
      await using rig = await start({
        wrapBus: (bus, random) => {
          lossy = new LossyBus(bus, random, { lose: 1, repeat: 0, reorder: 0 })
          return lossy
        },
      })
      const alice = one(rig.account())
      const client = await rig.enter(alice)
      await fill(rig, alice, 1)
      await rig.pass(1_000)
      expect(client.entries()).toHaveLength(0)
      for (let n = 0; n < 5; n++) {
        await rig.pass(14_000)
        client.send({ kind: 'ping' })
        client.ack(inboxOf(alice.account), lastOf(client))
      }
      // Once, and again because it was not acknowledged within five seconds.
      expect(new Set(client.entries().map(({ position }) => position)).size).toBe(1)
    })

    test('[W25] what the network does not carry is held back, and comes when it flows again', async () => {
      await using rig = await start({ limits: { bufferedBytesHigh: 20_000 } })
      const alice = one(rig.account())
      await fill(rig, alice, 600, 1_000)
      const client = rig.connect()
      client.stalled = true
      client.hello(alice)
      await rig.pass(2_000)
      expect(client.bufferedBytes).toBeLessThan(200_000)
      expect(client.entries().length).toBeLessThan(600)
      client.flow()
      await rig.pass(1_000)
      expect(client.entries()).toHaveLength(600)
      expectChain(client.entries())
    })

    test('[W25] a network that never carries anything ends in slowReader, with bounded bytes', async () => {
      await using rig = await start({ limits: { bufferedBytesHigh: 20_000 } })
      const alice = one(rig.account())
      const client = rig.connect()
      client.stalled = true
      client.hello(alice)
      for (let round = 0; round < 60 && client.closedWith === undefined; round++) {
        await fill(rig, alice, 20, 1_000)
        await rig.pass(1_000)
      }
      expect(client.closedWith).toBe(closeReasons.slowReader.code)
      expect(client.bufferedBytes).toBeLessThan(300_000)
    })
  })
}
