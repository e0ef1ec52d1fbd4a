/** E9: somebody takes all one-time prekeys of a device, or keeps what they took for weeks. */
import { expect, test } from 'bun:test'
import { readPreKeyMessage } from '@parley/crypto'
import type { Envelope } from '@parley/wire'
import type { Engine } from '../../packages/sdk/src/engine.ts'
import { timelineQuery } from '../../packages/sdk/src/state/timeline.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import {
  eventually,
  textsOf,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { drain } from './draining.ts'
import { HostilePeer } from './hostile-peer.ts'
import { setAcquaintedStage, setStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { SkippingClock } from './skipping-clock.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000

async function engineOfBen({ evil, ben }: Stage, clock: SkippingClock): Promise<Engine> {
  await ben.client[Symbol.asyncDispose]()
  const engine = engineOn(openBunDriver(ben.database), evil.url, clock)
  engine.start()
  await until(engine.connection.state, ({ status }) => status === 'online')
  return engine
}

test('[E9] who is drained is written to all the same, is told, and refills by itself', async () => {
  await using stage = await setStage()
  const { server, evil, ana, ben } = stage
  const bundles = await drain(server, ben, 120)
  expect(bundles.at(-1)?.one_time_prekey).toBeUndefined()
  const kyber = bundles.slice(100).map(({ kyber_prekey: key }) => key.id)
  expect(new Set(kyber).size).toBe(1)
  const told = (await ben.client.diagnose()).find(({ check }) => check === 'prekeys')
  expect(told).toMatchObject({ ok: false, says: expect.stringContaining('100 were given out') })
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toMatch(/^parley_prekeys_last_resort_total 20$/m)
  let first: Envelope | undefined
  evil.alterServerFrame = (frame) => {
    if (frame.kind === 'entry' && frame.content.kind === 'message') first ??= frame.content.envelope
    return [frame]
  }
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'on the last resort')
  await untilTexts(ben.client, ana.account, ['on the last resort'])
  const header = readPreKeyMessage(first?.ciphertext ?? new Uint8Array())
  expect(header).toMatchObject({ oneTimePreKeyId: undefined, kyberPreKeyId: kyber[0] })
  const clock = new SkippingClock()
  const engine = await engineOfBen(stage, clock)
  clock.skip(hourMs)
  await untilUploaded(stage, 1)
  expect(await engine.core.api.preKeyCounts()).toEqual({
    one_time_prekeys: 100,
    one_time_kyber_prekeys: 100,
  })
  await engine.end()
})

test('[E9] below twenty the device refills, at twenty it does not yet', async () => {
  await using stage = await setStage()
  const { server, evil, ben } = stage
  const clock = new SkippingClock()
  const engine = await engineOfBen(stage, clock)
  const looks = () => evil.requests.filter((request) => request === 'GET /v1/prekeys').length
  await drain(server, ben, 80)
  const looked = looks()
  clock.skip(hourMs)
  await eventually(() => looks() > looked)
  expect((await engine.core.api.preKeyCounts()).one_time_prekeys).toBe(20)
  await drain(server, ben, 1)
  clock.skip(hourMs)
  await untilUploaded(stage, 1)
  expect((await engine.core.api.preKeyCounts()).one_time_prekeys).toBe(100)
  await engine.end()
})

test('[E9] signed and last-resort keys are new after a week, and old ones open for a month and no longer', async () => {
  await using stage = await setAcquaintedStage()
  const { server, evil, ana, ben } = stage
  const [bundle] = await drain(server, ben, 1)
  const clock = new SkippingClock()
  const engine = await engineOfBen(stage, clock)
  clock.skip(7 * dayMs + hourMs)
  await untilUploaded(stage, 1)
  const [rotated] = await drain(server, ben, 1)
  expect(rotated?.signed_prekey.id).not.toBe(bundle?.signed_prekey.id)
  // A peer begins sessions with what was taken before, as if it had been on its way.
  await using peer = await HostilePeer.of(ana, server.url)
  const { api } = peer.engine.core
  api.bundles = async () => [{ ...bundle!, one_time_prekey: undefined }]
  await peer.forget(ben.account)
  await engine.stop()
  const before = await peer.write(ben.account, { text: 'within a month' })
  expect(before.envelope?.type).toBe('prekey')
  clock.skip(29 * dayMs)
  engine.start()
  const timeline = timelineQuery(engine.core.store, {
    conversation: ana.account,
    around: undefined,
    limit: 180,
  })
  await until(timeline, ({ items }) => textsOf(items).includes('within a month'))
  await peer.forget(ben.account)
  clock.skip(2 * dayMs)
  const { requests } = evil
  const looked = requests.length
  await eventually(() => requests.length > looked && !holdsSigned(engine, bundle!.signed_prekey.id))
  await peer.write(ben.account, { text: 'after a month' })
  await until(timeline, ({ items }) => items.some(({ body }) => body.kind === 'unreadable'))
  expect(textsOf(timeline.getSnapshot().items)).not.toContain('after a month')
  await engine.end()
})

function holdsSigned({ core }: Engine, id: number): boolean {
  return core.store.one('SELECT 1 FROM signed_prekeys WHERE id = ?', [id]) !== undefined
}

async function untilUploaded({ evil }: Stage, count: number): Promise<void> {
  const uploads = () => evil.requests.filter((request) => request === 'PUT /v1/prekeys').length
  await eventually(() => uploads() >= count)
}
