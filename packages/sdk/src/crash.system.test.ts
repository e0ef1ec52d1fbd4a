/**
 * I5: a process that dies before or after any commit loses nothing, shows nothing twice, and uses
 * no key twice.
 */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import type { TimelineItem } from './types.ts'
import { CrashingProfile } from './testing/test-crash.ts'
import { register, textsOf, timelineOf, until, untilTexts } from './testing/test-people.ts'

const pointsMax = 24
/** Each commit is died before and after; receiving takes fewer of them. */
const commitOf = (point: number, commitsMax: number) => (((point - 1) >> 1) % commitsMax) + 1
const isDelivered = (item: TimelineItem) => item.status === 'delivered'

test('[I1][I2][I5][I7][Y3][Y4] the sender dies at every commit of sending, and everything committed arrives once', async () => {
  await using server = await startServer()
  const ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client[Symbol.asyncDispose]()
  const profile = new CrashingProfile(ana.database, server.url)
  const written: string[] = []
  for (let point = 1; point <= pointsMax; point++) {
    const when = point % 2 === 0 ? 'before' : 'after'
    profile.restart({ atCommit: commitOf(point, 8), when })
    for (const text of [`${point}a`, `${point}b`]) {
      const id = await profile.client.sendText(ben.account, text).catch(() => undefined)
      if (id !== undefined) written.push(text)
    }
    const timeline = timelineOf(profile.client, ben.account)
    await profile.until(timeline, ({ items }) => items.every(isDelivered))
  }
  profile.restart({ atCommit: 0, when: 'after' })
  const page = await until(
    timelineOf(profile.client, ben.account),
    ({ items }) => items.every(isDelivered),
    20_000,
  )
  const texts = textsOf(page.items)
  for (const text of written) expect(texts).toContain(text)
  await untilTexts(ben.client, ana.account, texts)
  expect(new Set(texts).size).toBe(texts.length)
  expect(new Set(profile.messageKeys).size).toBe(profile.messageKeys.length)
  expect(profile.crashes).toBeGreaterThan(pointsMax / 2)
  profile.end()
}, 60_000)

test('[I1][I2][I3][I5][Y12][Y14] the receiver dies at every commit of receiving, and shows everything once, in order', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ben.client[Symbol.asyncDispose]()
  const profile = new CrashingProfile(ben.database, server.url)
  const written: string[] = []
  for (let point = 1; point <= pointsMax; point++) {
    const when = point % 2 === 0 ? 'before' : 'after'
    for (const text of [`${point}a`, `${point}b`]) {
      await ana.client.sendText(ben.account, text)
      written.push(text)
    }
    profile.restart({ atCommit: commitOf(point, 3), when })
    const timeline = timelineOf(profile.client, ana.account)
    await profile.until(timeline, ({ items }) => textsOf(items).length === written.length)
  }
  profile.restart({ atCommit: 0, when: 'after' })
  await untilTexts(profile.client, ana.account, written)
  await until(timelineOf(ana.client, ben.account), ({ items }) => items.every(isDelivered))
  const messages = profile.client.events(1_000).filter((event) => event.type === 'message')
  expect(messages.map((event) => event.text)).toEqual(written)
  expect(profile.crashes).toBeGreaterThan(pointsMax / 2)
  profile.end()
}, 60_000)
