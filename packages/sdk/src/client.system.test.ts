/** Two people on the real server: the path of a message from end to end. */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import type { SqlDriver } from './platform/ports.ts'
import { openBunDriver } from './store/sqlite.bun.ts'
import {
  openOn,
  register,
  textsOf,
  timelineOf,
  until,
  untilStatus,
  untilTexts,
} from './testing/test-people.ts'

test('[Y2] a message goes from clock to one tick, two ticks and blue, and is answered', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  const contact = await ana.client.findContact(ben.phone)
  expect(contact.account).toBe(ben.account)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  await untilStatus(ana.client, ben.account, 'delivered')
  const [item] = timelineOf(ben.client, ana.account).getSnapshot().items
  if (!item) throw new Error('nothing came')
  await ben.client.markRead(ana.account, item)
  await untilStatus(ana.client, ben.account, 'read')
  await ben.client.sendText(ana.account, 'hi')
  await untilTexts(ana.client, ben.account, ['hello', 'hi'])
  await untilStatus(ben.client, ana.account, 'delivered')
  const [chat] = await until(ana.client.chats(), (chats) => chats[0]?.unread === 1)
  expect(chat).toMatchObject({ title: 'Ben', preview: 'hi', previewMine: false })
})

test('[I1][I2][I3] many messages written while the other is away come in order, once', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ben.client.stop()
  const texts = Array.from({ length: 180 }, (_, index) => `message ${index}`)
  for (const text of texts) await ana.client.sendText(ben.account, text)
  await untilStatus(ana.client, ben.account, 'accepted')
  ben.client.start()
  await untilTexts(ben.client, ana.account, texts)
  await untilStatus(ana.client, ben.account, 'delivered')
})

test('[Y14] what waited is committed and acknowledged many at a time: the disk is waited for seldom', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ben.client[Symbol.asyncDispose]()
  const texts = Array.from({ length: 180 }, (_, index) => `message ${index}`)
  for (const text of texts) await ana.client.sendText(ben.account, text)
  await untilStatus(ana.client, ben.account, 'accepted')
  let commits = 0
  const driver = openBunDriver(ben.database)
  const transaction = <T>(body: () => T): T => {
    commits++
    return driver.transaction(body)
  }
  const counting: SqlDriver = {
    run: (sql, parameters) => driver.run(sql, parameters),
    all: (sql, parameters) => driver.all(sql, parameters),
    transaction,
    erase: () => driver.erase(),
    close: () => driver.close(),
  }
  await using again = openOn(counting, server.url)
  again.start()
  await untilTexts(again, ana.account, texts)
  expect(commits).toBeLessThan(60)
})

test('[I1][Y6] what is queued without a server survives a restart of the program and goes out after it', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.stop()
  await ana.client.sendText(ben.account, 'one')
  await ana.client.sendText(ben.account, 'two')
  const { items } = timelineOf(ana.client, ben.account).getSnapshot()
  expect(items.map((item) => item.status)).toEqual(['pending', 'pending'])
  await ana.client[Symbol.asyncDispose]()
  await using again = openOn(openBunDriver(ana.database), server.url)
  again.start()
  await untilTexts(ben.client, ana.account, ['one', 'two'])
  await untilStatus(again, ben.account, 'delivered')
})

test('[I1][Y4] a server that restarts in the middle costs nothing', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, '0')
  await untilTexts(ben.client, ana.account, ['0'])
  const texts = Array.from({ length: 60 }, (_, index) => String(index))
  const restarting = (async () => {
    await server.restart()
  })()
  for (const text of texts.slice(1)) await ana.client.sendText(ben.account, text)
  await restarting
  await untilTexts(ben.client, ana.account, texts)
  await untilStatus(ana.client, ben.account, 'delivered')
}, 30_000)

test('both begin at the same moment, each with a session of its own, and everything is read', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ben.client.findContact(ana.phone)
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      ana.client.sendText(ben.account, `a${round}`),
      ben.client.sendText(ana.account, `b${round}`),
    ])
  }
  const sorted = (texts: string[]) => [...texts].sort().join()
  const wanted = 'a0,a1,a2,a3,a4,b0,b1,b2,b3,b4'
  const [atAna, atBen] = await Promise.all([
    until(timelineOf(ana.client, ben.account), (page) => sorted(textsOf(page.items)) === wanted),
    until(timelineOf(ben.client, ana.account), (page) => sorted(textsOf(page.items)) === wanted),
  ])
  await untilStatus(ana.client, ben.account, 'delivered')
  await untilStatus(ben.client, ana.account, 'delivered')
  const order = (page: typeof atAna) => textsOf(page.items).join()
  expect(order(timelineOf(ana.client, ben.account).getSnapshot())).toBe(
    order(timelineOf(ben.client, ana.account).getSnapshot()),
  )
  expect(atBen.items.length).toBe(10)
})
