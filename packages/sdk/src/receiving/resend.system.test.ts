/**
 * E7 on the real server: what cannot be opened is kept, asked for with a fresh session, and
 * replaced in place.
 */
import { expect, test } from 'bun:test'
import { startServer } from '@parley/testkit'
import { systemClock } from '../platform/clock.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { timelineQuery } from '../state/timeline.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { readUnopenedOf } from '../store/unopened.ts'
import { engineOn } from '../testing/test-engine.ts'
import {
  eventually,
  register,
  textsOf,
  timelineOf,
  until,
  untilStatus,
  untilTexts,
} from '../testing/test-people.ts'
import type { Person } from '../testing/test-people.ts'

async function pair(server: Awaited<ReturnType<typeof startServer>>): Promise<[Person, Person]> {
  const ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'first')
  await untilTexts(ben.client, ana.account, ['first'])
  await ben.client.sendText(ana.account, 'second')
  await untilTexts(ana.client, ben.account, ['first', 'second'])
  await untilStatus(ana.client, ben.account, 'delivered')
  return [ana, ben]
}

test('[E7][Y30] a lost session costs nothing: the message is waited for, asked for and replaced in its place', async () => {
  await using server = await startServer()
  const [ana, ben] = await pair(server)
  await using _ana = ana
  await using _ben = ben
  ben.database.run('DELETE FROM sessions')
  const seen: string[] = []
  const timeline = timelineOf(ben.client, ana.account)
  timeline.subscribe(() => {
    const last = timeline.getSnapshot().items.at(-1)
    const name = last?.body.kind === 'unreadable' ? last.body.state : last?.body.kind
    if (name) seen.push(name)
  })
  await ana.client.sendText(ben.account, 'third')
  await untilTexts(ben.client, ana.account, ['first', 'second', 'third'])
  expect(seen).toContain('waiting')
  expect(timeline.getSnapshot().items.length).toBe(3)
  await untilStatus(ana.client, ben.account, 'delivered')
  await ana.client.sendText(ben.account, 'fourth')
  await untilTexts(ben.client, ana.account, ['first', 'second', 'third', 'fourth'])
  await ben.client.sendText(ana.account, 'fifth')
  await untilTexts(ben.client, ana.account, ['first', 'second', 'third', 'fourth', 'fifth'])
  await untilTexts(ana.client, ben.account, ['first', 'second', 'third', 'fourth', 'fifth'])
}, 20_000)

test('[E7][E19][Y33] the delivered mark waits for what could not be opened', async () => {
  await using server = await startServer()
  const [ana, ben] = await pair(server)
  await using _ana = ana
  await using _ben = ben
  await ana.client.stop()
  const lostId = await ana.client.sendText(ben.account, 'lost')
  ana.client.start()
  await until(
    timelineOf(ana.client, ben.account),
    (page) => page.items.at(-1)?.status !== 'pending',
  )
  // Nobody who could answer: the sender forgets the text before it is asked.
  await untilStatus(ana.client, ben.account, 'delivered')
  await ben.client.stop()
  ben.database.run('DELETE FROM sessions')
  const unreadable = await ana.client.sendText(ben.account, 'not to be read')
  await until(
    timelineOf(ana.client, ben.account),
    (page) => page.items.at(-1)?.status === 'accepted',
  )
  await ana.client.stop()
  ana.database.run("UPDATE messages SET root_key = x'00' WHERE id = ?", [unreadable])
  ben.client.start()
  const timeline = timelineOf(ben.client, ana.account)
  await until(timeline, (page) => page.items.at(-1)?.body.kind === 'unreadable')
  ana.client.start()
  await until(timeline, (page) => {
    const body = page.items.at(-1)?.body
    return body?.kind === 'unreadable' && body.state === 'lost'
  })
  expect(ana.client.message(unreadable)?.status).toBe('accepted')
  expect(ana.client.message(lostId)?.status).toBe('delivered')
  await ana.client.sendText(ben.account, 'later')
  await until(timeline, (page) => textsOf(page.items).includes('later'))
  // A mark covers all up to it: the reader was shown that one is missing.
  await untilStatus(ana.client, ben.account, 'delivered')
}, 30_000)

test('[E10][Y16][I3] who cannot be verified now is shown later, in order, and nothing unverified before', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ben.client[Symbol.asyncDispose]()
  const lists = { reachable: false }
  const engine = engineOn(openBunDriver(ben.database), server.url, systemClock, {
    ...bunTransport,
    fetch: async (request) => {
      const isLists = request.url.includes('/devices')
      if (isLists && !lists.reachable) throw new Error('no route')
      return bunTransport.fetch(request)
    },
  })
  engine.start()
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'one')
  await ana.client.sendText(ben.account, 'two')
  const { store } = engine.core
  await eventually(() => readUnopenedOf(store, ana.account, 9).length === 2)
  const timeline = timelineQuery(store, { conversation: ana.account, around: undefined, limit: 9 })
  expect(timeline.getSnapshot().items).toEqual([])
  lists.reachable = true
  await until(timeline, ({ items }) => textsOf(items).join() === 'one,two', 20_000)
  await untilStatus(ana.client, ben.account, 'delivered')
  await engine.end()
}, 40_000)
