/**
 * E23: a server that reads every header sees no message key under two ciphertexts, whatever happens
 * to the profile: crashes, restored and copied files, a full disk.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { StoreError } from '../../packages/sdk/src/platform/ports.ts'
import type { SqlDriver } from '../../packages/sdk/src/platform/ports.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { CrashingProfile } from '../../packages/sdk/src/testing/test-crash.ts'
import {
  openOn,
  textsOf,
  timelineOf,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { deviceOf } from './draining.ts'
import { keysUsedTwice } from './message-keys.ts'
import { greetings, setAcquaintedStage, setStage } from './stage.ts'

const crashes = 20

test('[E23] a process that dies at any commit sends nothing under a key that it used', async () => {
  await using stage = await setStage()
  const { evil, ana, ben } = stage
  await ben.client.findContact(ana.phone)
  await ana.client.findContact(ben.phone)
  await ben.client[Symbol.asyncDispose]()
  const profile = new CrashingProfile(ben.database, evil.url)
  for (let point = 1; point <= crashes; point++) {
    const when = point % 2 === 0 ? 'before' : 'after'
    profile.restart({ atCommit: ((point - 1) % 8) + 1, when })
    await profile.client.sendText(ana.account, `message ${point}`).catch(() => undefined)
    const timeline = timelineOf(profile.client, ana.account)
    await profile.until(timeline, ({ items }) => items.every(({ status }) => status !== 'pending'))
    // An answer turns the ratchet, so that a state behind it would show.
    if (point % 4 === 0) await ana.client.sendText(ben.account, `answer ${point}`)
  }
  profile.restart({ atCommit: 0, when: 'after' })
  const { items } = await until(timelineOf(profile.client, ana.account), (page) =>
    page.items.every(({ mine, status }) => !mine || status === 'delivered'),
  )
  expect(textsOf(items).length).toBeGreaterThan(crashes / 2)
  expect(profile.crashes).toBeGreaterThan(crashes / 3)
  expect(keysUsedTwice(evil.sends)).toEqual([])
  profile.end()
})

test('[E23] a backup that was put back encrypts nothing before the server says how far it was, and then as another device', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const before = deviceOf(ben)
  const backup = ben.database.serialize()
  await ben.client.sendText(ana.account, 'after the backup')
  await untilTexts(ana.client, ben.account, [...greetings, 'after the backup'])
  await ben.client[Symbol.asyncDispose]()
  let silent = 2
  evil.alterServerFrame = (frame) => {
    if (frame.kind !== 'welcome' || silent === 0) return [frame]
    silent--
    return [{ ...frame, lastSequence: undefined }]
  }
  await using restored = openOn(openBunDriver(Database.deserialize(backup)), evil.url)
  await restored.sendText(ana.account, 'in its place')
  restored.start()
  await untilTexts(ana.client, ben.account, [...greetings, 'after the backup', 'in its place'])
  expect(silent).toBe(0)
  expect(deviceOf({ ...ben, client: restored })).not.toBe(before)
  expect(keysUsedTwice(evil.sends)).toEqual([])
}, 20_000)

test('[E23, E24] two programs on copies of one profile end as two identities, and share no message key', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const copy = Database.deserialize(ben.database.serialize())
  await using twin = openOn(openBunDriver(copy), evil.url)
  twin.start()
  // The newer connection takes the place of the older, which is told.
  await until(ben.client.connection, ({ status }) => status === 'stopped')
  await twin.sendText(ana.account, 'from the copy')
  await untilTexts(ana.client, ben.account, [...greetings, 'from the copy'])
  await twin.stop()
  await ben.client.sendText(ana.account, 'from the original')
  ben.client.start()
  await untilTexts(ana.client, ben.account, [...greetings, 'from the copy', 'from the original'])
  twin.start()
  await until(twin.account, ({ kind }) => kind === 'revoked')
  const identity = 'SELECT identity_public FROM account'
  const [original, copied] = [ben.database, copy].map((database) => database.query(identity).get())
  expect(original).not.toEqual(copied)
  expect(keysUsedTwice(evil.sends)).toEqual([])
}, 20_000)

/** Every transaction fails at its end while the disk is full. */
function onDisk(database: Database, disk: { isFull: boolean }): SqlDriver {
  const inner = openBunDriver(database)
  return {
    ...inner,
    run: (sql, parameters) => inner.run(sql, parameters),
    all: (sql, parameters) => inner.all(sql, parameters),
    transaction: (body) =>
      inner.transaction(() => {
        const outcome = body()
        if (disk.isFull) throw new StoreError('full', 'no room')
        return outcome
      }),
    erase: () => inner.erase(),
    close: () => inner.close(),
  }
}

test('[E23] what could not be written on a full disk was never sent, and is sent under another key or the same bytes', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  await ben.client[Symbol.asyncDispose]()
  const disk = { isFull: false }
  await using again = openOn(onDisk(ben.database, disk), evil.url)
  await again.sendText(ana.account, 'written in time')
  disk.isFull = true
  const sent = evil.sends.length
  again.start()
  await until(again.connection, ({ problem }) => problem?.code === 'disk-full')
  expect(evil.sends).toHaveLength(sent)
  disk.isFull = false
  await untilTexts(ana.client, ben.account, [...greetings, 'written in time'], 25_000)
  expect(keysUsedTwice(evil.sends)).toEqual([])
}, 40_000)
