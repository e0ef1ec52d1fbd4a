/** Prekeys, expiry and clocks, on the real server with the engine's parts in reach. */
import { expect, test } from 'bun:test'
import { encryptMessage } from '@parley/crypto'
import { startServer } from '@parley/testkit'
import { composeText } from '../sending/compose.ts'
import { localIdentity, ownAccount, surroundings } from '../core.ts'
import { deviceListOf } from '../trust/devices.ts'
import type { Engine } from '../engine.ts'
import { beginSessions, Ratchets } from '../trust/sessions.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readMessageById } from '../store/messages.ts'
import { deleteAllSessions, readSession } from '../store/sessions.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { engineOn, SkewedClock } from '../testing/test-engine.ts'
import { openOn, register, textsOf, timelineOf, until, untilTexts } from '../testing/test-people.ts'
import type { Person } from '../testing/test-people.ts'
import { timelineQuery } from '../state/timeline.ts'
import { keepPreKeys, sweep } from './upkeep.ts'

type Server = Awaited<ReturnType<typeof startServer>>

/** The person's engine in place of their client. */
async function engineOf(person: Person, server: Server, clock?: SkewedClock): Promise<Engine> {
  await person.client[Symbol.asyncDispose]()
  return engineOn(openBunDriver(person.database), server.url, clock)
}

test('[E9] prekeys are refilled when the server is low, and rotated after a week', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  const clock = new SkewedClock()
  const engine = await engineOf(ben, server, clock)
  const { core } = engine
  const account = ownAccount(core)
  const taker = await engineOf(ana, server)
  for (let taken = 0; taken < 85; taken++) {
    await taker.core.api.bundles(account.account, [account.device])
  }
  const signed = () =>
    core.store.all<{ id: number; replaced_at: number | null }>('SELECT * FROM signed_prekeys')
  expect((await core.api.preKeyCounts()).one_time_prekeys).toBe(15)
  await keepPreKeys(core, false)
  expect((await core.api.preKeyCounts()).one_time_prekeys).toBe(100)
  const before = signed().length
  await keepPreKeys(core, false)
  expect(signed().length).toBe(before)
  clock.skewMs = 8 * 86_400_000
  await keepPreKeys(core, false)
  expect(signed().length).toBe(before + 1)
  expect(signed().filter((row) => row.replaced_at === null).length).toBe(1)
  clock.skewMs = 40 * 86_400_000
  sweep(core)
  expect(signed().length).toBe(1)
  clock.skewMs = 0
  await keepPreKeys(core, false)
  expect(signed().filter((row) => row.replaced_at === null)).toHaveLength(1)
  expect(signed().length).toBe(2)
  await Promise.all([engine.end(), taker.end()])
}, 20_000)

test('[E8] a first message that is replayed after the session was lost opens nothing', async () => {
  await using server = await startServer()
  const ana = await engineOf(await register(server, 'Ana'), server)
  const ben = await engineOf(await register(server, 'Ben'), server)
  const benAccount = ownAccount(ben.core)
  const anaAccount = ownAccount(ana.core)
  const list = await deviceListOf(ana.core, benAccount.account)
  await deviceListOf(ben.core, anaAccount.account)
  const device = list?.list.devices[0]
  const own = readDeviceList(ana.core.store, anaAccount.account)?.list.devices[0]
  if (!list || !device || !own) throw new Error('no list')
  await beginSessions(ana.core, { list, devices: [device], renew: false })
  const remote = { account: benAccount.account, device: device.id }
  const stored = readSession(ana.core.store, remote)
  if (!stored) throw new Error('no session')
  const envelope = await encryptMessage({
    local: localIdentity(anaAccount),
    remote: { account: benAccount.account, device: device.number },
    ...surroundings(ana.core),
    record: stored.record,
    plaintext: new Uint8Array(80),
  })
  const open = async () => {
    const ratchets = new Ratchets(ben.core)
    await ratchets.open(anaAccount.account, own, envelope, () => {})
    ben.core.store.transaction(() => ratchets.write())
  }
  await open()
  await expect(open()).rejects.toMatchObject({ code: 'duplicate' })
  ben.core.store.transaction(() => deleteAllSessions(ben.core.store))
  await expect(open()).rejects.toMatchObject({ code: 'missing-prekey' })
  await Promise.all([ana.end(), ben.end()])
})

test('[I1][Y9] what was not delivered within 90 days has failed, and can be sent again', async () => {
  await using server = await startServer()
  await using ben = await register(server, 'Ben')
  const ana = await register(server, 'Ana')
  await ana.client.findContact(ben.phone)
  const clock = new SkewedClock()
  const engine = await engineOf(ana, server, clock)
  const id = composeText(engine.core, ben.account, 'too late', undefined)
  clock.skewMs = 91 * 86_400_000
  sweep(engine.core)
  expect(readMessageById(engine.core.store, id)).toMatchObject({
    status: 'failed',
    failure: { code: 'expired' },
  })
  await engine.end()
  await using client = openOn(openBunDriver(ana.database), server.url)
  client.start()
  await client.retry(id)
  await untilTexts(ben.client, ana.account, ['too late'])
})

test('[Y5] a stamp that is refused is made again by the clock of the server', async () => {
  await using server = await startServer()
  await using ben = await register(server, 'Ben')
  const ana = await register(server, 'Ana')
  await ana.client.findContact(ben.phone)
  const clock = new SkewedClock()
  const engine = await engineOf(ana, server, clock)
  engine.start()
  await until(engine.connection.state, ({ status }) => status === 'online')
  const startedMs = clock.now()
  clock.skewMs = 3_600_000
  for (const text of ['one', 'two', 'three']) {
    composeText(engine.core, ben.account, text, undefined)
    engine.outbox.wake(ben.account)
  }
  await untilTexts(ben.client, ana.account, ['one', 'two', 'three'])
  const { items } = timelineOf(ben.client, ana.account).getSnapshot()
  for (const item of items) expect(Math.abs(item.stamp - startedMs)).toBeLessThan(60_000)
  const query = { conversation: ben.account, around: undefined, limit: 180 }
  const own = timelineQuery(engine.core.store, query).getSnapshot()
  expect(textsOf(own.items)).toEqual(['one', 'two', 'three'])
  expect(own.items.map((item) => item.stamp)).toEqual(items.map((item) => item.stamp))
  await engine.end()
}, 20_000)

test('[Y5][Y7] more than the window, and more than the rate that the server allows, goes through in order', async () => {
  await using server = await startServer({ limited: true })
  await using ben = await register(server, 'Ben')
  await using ana = await register(server, 'Ana')
  await ana.client.findContact(ben.phone)
  await ana.client.stop()
  const texts = Array.from({ length: 600 }, (_, index) => String(index))
  for (const text of texts) await ana.client.sendText(ben.account, text)
  ana.client.start()
  const timeline = timelineOf(ben.client, ana.account)
  await until(timeline, ({ items }) => textsOf(items).at(-1) === '599', 60_000)
  const all = ben.client
    .events(1_000)
    .flatMap((event) => (event.type === 'message' ? event.text : []))
  expect(all).toEqual(texts)
}, 90_000)
