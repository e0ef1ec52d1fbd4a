/**
 * Y42 to Y45 on the real server: what people's devices do when it was backed up, went on, and was
 * restored from the backup.
 */
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backUp, restore } from '@parley/app-server'
import { startServer } from '@parley/testkit'
import type { TestServer } from '@parley/testkit'
import { register, textsOf, timelineOf, until, untilStatus } from '../testing/test-people.ts'

const watching = { signal: new AbortController().signal, onProgress: () => {} }
const patienceMs = 30_000

/** A server with a folder that goes back to what it was at `backUp`. */
async function backedUpServer() {
  const folder = await mkdtemp(join(tmpdir(), 'parley-restored-'))
  const data = join(folder, 'data')
  const to = join(folder, 'backup')
  const server: TestServer = await startServer({ dataFolder: data })
  return {
    server,
    backUp: () => backUp({ data, to, overwrite: true }, watching),
    async restore(): Promise<void> {
      await server.stop()
      await rm(data, { recursive: true })
      await restore({ from: to, data }, watching)
      await server.restart()
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

test('[Y43] a device that began in the middle of an inbox asks for nothing from before its time when it reads again', async () => {
  await using box = await backedUpServer()
  await using ana = await register(box.server, 'Ana')
  const old = await register(box.server, 'Ben')
  await ana.client.findContact(old.phone)
  await ana.client.sendText(old.account, 'to the old device')
  await untilStatus(ana.client, old.account, 'delivered')
  await old.client[Symbol.asyncDispose]()
  const { phone, recoveryKey } = old
  await using ben = await register(box.server, 'Ben', { phone, recoveryKey })
  await until(ben.client.connection, ({ status }) => status === 'online')
  await box.backUp()
  await box.restore()
  await ana.client.sendText(ben.account, 'after the restore')
  await until(
    timelineOf(ben.client, ana.account),
    ({ items }) => textsOf(items).includes('after the restore'),
    patienceMs,
  )
  const waiting = ben.database.query('SELECT * FROM unopened').all()
  expect(waiting).toEqual([])
  const { items } = timelineOf(ben.client, ana.account).getSnapshot()
  expect(items.map(({ body }) => body.kind)).toEqual(['text'])
  expect(textsOf(items)).toEqual(['after the restore'])
}, 60_000)
