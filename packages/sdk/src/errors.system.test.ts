/**
 * What goes wrong is said in a sentence that tells what to do, and nothing half-written stays
 * behind.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { nobleCurve } from '@parley/crypto/reference'
import { startServer } from '@parley/testkit'
import { openClient } from './client.ts'
import { systemClock } from './platform/clock.ts'
import { StoreError } from './platform/ports.ts'
import type { SqlDriver } from './platform/ports.ts'
import { systemRandom } from './platform/random.ts'
import { bunTransport } from './platform/transport.bun.ts'
import { openBunDriver } from './store/sqlite.bun.ts'
import { openOn, register, textsOf, timelineOf, until, untilTexts } from './testing/test-people.ts'
import { testAccount } from './testing/test-store.ts'

const problem = (code: string) => ({ problem: { code, says: expect.stringMatching(/\.$/) } })

test('[Y1] what cannot be sent is refused before anything is stored', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  const send = (text: string) => ana.client.sendText(ben.account, text)
  await expect(send('')).rejects.toMatchObject(problem('empty'))
  await expect(send(' \n')).rejects.toMatchObject(problem('empty'))
  await expect(send('x'.repeat(65_537))).rejects.toMatchObject(problem('too-long'))
  await expect(send('ä'.repeat(32_769))).rejects.toMatchObject(problem('too-long'))
  const stranger = ana.client.sendText(testAccount(9), 'hello')
  await expect(stranger).rejects.toMatchObject(problem('unknown-recipient'))
  expect(timelineOf(ana.client, ben.account).getSnapshot().items).toEqual([])
  const longest = 'é'.repeat(32_768)
  await send(longest)
  await untilTexts(ben.client, ana.account, [longest])
})

test('[Y1] the same call again does not write the message again', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  const id = await ana.client.sendText(ben.account, 'once')
  expect(await ana.client.sendText(ben.account, 'once', id)).toBe(id)
  await untilTexts(ben.client, ana.account, ['once'])
  expect(timelineOf(ana.client, ben.account).getSnapshot().items.length).toBe(1)
})

test('finding somebody who is not there, or who one is, says so', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const find = (alias: string) => ana.client.findContact(alias)
  await expect(find('+4915999999999')).rejects.toMatchObject(problem('unknown-recipient'))
  await expect(find('somebody')).rejects.toMatchObject(problem('unknown-recipient'))
  await expect(find(ana.client.ownLink())).rejects.toMatchObject(problem('unknown-recipient'))
  await expect(find(testAccount(8))).rejects.toMatchObject(problem('unknown-recipient'))
  expect(ana.client.contacts()).toEqual([])
})

test('a person is found by number, link and id', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  const spelled = ben.phone.replace('+49', '0049 ').replace(/(\d{3})$/, '-$1')
  for (const alias of [ben.phone, spelled, ben.client.ownLink(), ben.account]) {
    expect((await ana.client.findContact(alias)).account).toBe(ben.account)
  }
})

test('without an account everything says that one has to register first', async () => {
  await using client = openOn(openBunDriver(new Database(':memory:')), 'http://127.0.0.1:1')
  expect(client.account.getSnapshot()).toEqual({ kind: 'none' })
  const sent = client.sendText(testAccount(1), 'x')
  await expect(sent).rejects.toMatchObject(problem('not-registered'))
  expect(() => client.ownLink()).toThrow()
  client.start()
  expect(client.connection.getSnapshot().status).toBe('stopped')
})

test('a server that is not there is said, and what is written waits', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await server.stop()
  await ana.client.sendText(ben.account, 'later')
  await until(ana.client.connection, ({ status }) => status === 'offline')
  const lookup = ana.client.findContact('+4915999999999')
  await expect(lookup).rejects.toMatchObject(problem('server-unreachable'))
  expect(textsOf(timelineOf(ana.client, ben.account).getSnapshot().items)).toEqual(['later'])
})

test('[E24] does not start without randomness', () => {
  const open = () =>
    openClient({
      driver: openBunDriver(':memory:'),
      clock: systemClock,
      random: (length) => new Uint8Array(length),
      transport: bunTransport,
      curve: nobleCurve,
      server: 'http://127.0.0.1:1',
      recordEvents: false,
      observeMessageKey: undefined,
    })
  expect(open).toThrow(expect.objectContaining(problem('no-crypto')))
})

test('a database of a newer version is refused and left as it is', () => {
  const database = new Database(':memory:')
  database.run('PRAGMA user_version = 99')
  const open = () => openOn(openBunDriver(database), 'http://127.0.0.1:1')
  expect(open).toThrow(expect.objectContaining(problem('store-newer')))
  expect(database.query('PRAGMA user_version').get()).toEqual({ user_version: 99 })
})

/** Writes fail with the given reason while `broken` says so. */
function breakable(database: Database) {
  const inner = openBunDriver(database)
  const state = { broken: undefined as 'full' | undefined }
  const driver: SqlDriver = {
    run: (sql, parameters) => inner.run(sql, parameters),
    all: (sql, parameters) => inner.all(sql, parameters),
    transaction: (body) =>
      inner.transaction(() => {
        const outcome = body()
        // SQLite notices a full disk in the middle of a transaction, or at its commit.
        if (state.broken) throw new StoreError(state.broken, 'no room')
        return outcome
      }),
    erase: () => inner.erase(),
    close: () => inner.close(),
  }
  return { driver, state, random: systemRandom }
}

test('[Y17] a full disk is said, nothing half-written stays, and what comes in is read once there is room', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'first')
  await untilTexts(ben.client, ana.account, ['first'])
  await ben.client[Symbol.asyncDispose]()
  const { driver, state } = breakable(ben.database)
  await using again = openOn(driver, server.url)
  again.start()
  await until(again.connection, ({ status }) => status === 'online')
  state.broken = 'full'
  await expect(again.sendText(ana.account, 'no room')).rejects.toMatchObject(problem('disk-full'))
  await ana.client.sendText(ben.account, 'second')
  await until(again.connection, (connection) => connection.problem?.code === 'disk-full')
  expect(textsOf(timelineOf(again, ana.account).getSnapshot().items)).toEqual(['first'])
  state.broken = undefined
  const timeline = timelineOf(again, ana.account)
  await until(timeline, ({ items }) => textsOf(items).join() === 'first,second', 25_000)
  await until(again.connection, (connection) => connection.problem === undefined)
}, 40_000)

test('[I1][Y17] what could not be written is not passed over by what comes right after it', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  const ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'first')
  await untilTexts(ben.client, ana.account, ['first'])
  await ben.client[Symbol.asyncDispose]()
  const { driver, state } = breakable(ben.database)
  await using again = openOn(driver, server.url)
  again.start()
  await until(again.connection, ({ status }) => status === 'online')
  state.broken = 'full'
  await ana.client.sendText(ben.account, 'second')
  await until(again.connection, (connection) => connection.problem?.code === 'disk-full')
  // There is room again before the connection is made anew.
  state.broken = undefined
  await ana.client.sendText(ben.account, 'third')
  const wanted = 'first,second,third'
  const timeline = timelineOf(again, ana.account)
  await until(timeline, ({ items }) => textsOf(items).join() === wanted, 25_000)
}, 40_000)

test('logging out leaves nothing behind', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilTexts(ben.client, ana.account, ['hello'])
  await ana.client.logout()
  expect(ana.client.account.getSnapshot()).toEqual({ kind: 'none' })
  expect(ana.client.chats().getSnapshot()).toEqual([])
  expect(ana.client.contacts()).toEqual([])
})
