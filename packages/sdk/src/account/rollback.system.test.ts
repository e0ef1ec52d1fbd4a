/**
 * E23 on the real server: a profile that was copied or restored never uses a key twice, and what it
 * had not sent still goes out.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeServerFrame, encodeServerFrame } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { systemClock } from '../platform/clock.ts'
import type { Transport } from '../platform/ports.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { engineOn } from '../testing/test-engine.ts'
import type { Client } from '../types.ts'
import { startServer } from '@parley/testkit'
import { openBunDriver } from '../store/sqlite.bun.ts'
import {
  eventually,
  openOn,
  register,
  timelineOf,
  until,
  untilStatus,
  untilTexts,
} from '../testing/test-people.ts'

test('[E23][Y40] a restored profile encrypts nothing with its old state and goes on as a new device', async () => {
  await using server = await startServer()
  const ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'one')
  await untilStatus(ana.client, ben.account, 'delivered')
  await ben.client.sendText(ana.account, 'answer')
  await untilTexts(ana.client, ben.account, ['one', 'answer'])
  const backup = ana.database.serialize()
  await ana.client.sendText(ben.account, 'two')
  await untilTexts(ben.client, ana.account, ['one', 'answer', 'two'])
  await ben.client.sendText(ana.account, 'after the backup')
  await untilTexts(ana.client, ben.account, ['one', 'answer', 'two', 'after the backup'])
  const before = ana.client.account.getSnapshot()
  await ana.client[Symbol.asyncDispose]()

  const database = Database.deserialize(backup)
  await using restored = openOn(openBunDriver(database), server.url)
  await restored.sendText(ben.account, 'three')
  restored.start()
  await untilTexts(ben.client, ana.account, ['one', 'answer', 'two', 'after the backup', 'three'])
  const account = restored.account.getSnapshot()
  if (account.kind !== 'registered' || before.kind !== 'registered') throw new Error(account.kind)
  expect(account.device).not.toBe(before.device)
  // What reached the device before it was restored is asked for and comes again.
  await untilTexts(restored, ben.account, ['one', 'answer', 'after the backup', 'three'])
  await untilStatus(restored, ben.account, 'delivered')
  await ben.client.sendText(ana.account, 'and on')
  await untilTexts(restored, ben.account, ['one', 'answer', 'after the backup', 'three', 'and on'])
}, 30_000)

test('[Y41] a device whose place was taken says so and keeps what was written', async () => {
  await using server = await startServer()
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await using anew = await register(server, 'Ana', { phone: ana.phone, recoveryKey: undefined })
  expect(anew.account).toBe(ana.account)
  await until(ana.client.account, (account) => account.kind === 'revoked')
  await expect(ana.client.sendText(ben.account, 'x')).rejects.toMatchObject({
    problem: { code: 'revoked' },
  })
  expect(timelineOf(ana.client, ben.account).getSnapshot().items).toEqual([])
})

test('[Y42] a server that was restored from an older state is given again what it forgot', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'parley-restored-'))
  await using server = await startServer({ dataFolder })
  await using ana = await register(server, 'Ana')
  await using ben = await register(server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'one')
  await untilStatus(ana.client, ben.account, 'delivered')
  await server.stop()
  await cp(dataFolder, `${dataFolder}-backup`, { recursive: true })
  await server.restart()
  await ben.client.stop()
  await until(ana.client.connection, ({ status }) => status === 'online')
  await ana.client.sendText(ben.account, 'two')
  await untilAccepted(ana.client, ben.account, 2)
  await server.stop()
  await rm(dataFolder, { recursive: true })
  await rename(`${dataFolder}-backup`, dataFolder)
  newIncarnation(dataFolder)
  await server.restart()
  ben.client.start()
  await untilTexts(ben.client, ana.account, ['one', 'two'], 30_000)
  await untilStatus(ana.client, ben.account, 'delivered')
  await ben.client.sendText(ana.account, 'three')
  await untilTexts(ana.client, ben.account, ['one', 'two', 'three'])
  expect(timelineOf(ana.client, ben.account).getSnapshot().items.length).toBe(3)
  await server.stop()
  await rm(dataFolder, { recursive: true })
}, 60_000)

/** What restoring a backup does to a server. */
function newIncarnation(dataFolder: string): void {
  const database = new Database(join(dataFolder, 'accounts.sqlite'))
  database.run("UPDATE server_state SET value = 'restored' WHERE name = 'incarnation'")
  database.run('DELETE FROM one_time_prekeys')
  database.close()
}

async function untilAccepted(client: Client, peer: AccountId, count: number): Promise<void> {
  await until(timelineOf(client, peer), ({ items }) => {
    const done = items.filter((item) => item.status !== 'pending' && item.status !== 'failed')
    return done.length === count
  })
}

/** A server that says in each Welcome that it has seen more of this device than there is. */
const lyingTransport: Transport = {
  ...bunTransport,
  openSocket: (url, handlers) =>
    bunTransport.openSocket(url, {
      ...handlers,
      message(bytes) {
        const frame = decodeServerFrame(bytes)
        if (frame.kind !== 'welcome') return handlers.message(bytes)
        handlers.message(encodeServerFrame({ ...frame, lastSequence: Number.MAX_SAFE_INTEGER }))
      },
    }),
}

// Each round made a new device, two hundred prekeys and another list that everybody has to verify.
test('[E23][Y40] a server that calls every state an old one cannot have it linked anew without end', async () => {
  await using server = await startServer()
  const ana = await register(server, 'Ana')
  await ana.client[Symbol.asyncDispose]()
  const engine = engineOn(openBunDriver(ana.database), server.url, systemClock, lyingTransport)
  engine.start()
  const { store, api } = engine.core
  const version = () => readDeviceList(store, ana.account)?.list.version ?? 0
  await eventually(() => version() === 2)
  await new Promise<void>((resolve) => systemClock.after(4_000, resolve))
  expect(version()).toBe(2)
  expect(await api.deviceLists(ana.account, 0)).toHaveLength(2)
  expect(engine.connection.state.getSnapshot().problem?.code).toBe('rolled-back')
  await engine.end()
}, 30_000)
