/**
 * Y42 to Y47 on the real server: what people's devices do when it was backed up, went on, and was
 * restored from the backup.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backUp, restore } from '@parley/app-server'
import { startServer } from '@parley/testkit'
import type { TestServer } from '@parley/testkit'
import { openBunDriver } from '../store/sqlite.bun.ts'
import {
  openOn,
  register,
  textsOf,
  timelineOf,
  until,
  untilStatus,
} from '../testing/test-people.ts'
import type { Person } from '../testing/test-people.ts'
import type { Client } from '../types.ts'

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

/** Its profile is put back to before its last message, so it is linked anew as another device. */
async function relinked(person: Person, peer: Person, url: string): Promise<Client> {
  const old = person.database.serialize()
  await person.client.sendText(peer.account, 'sent and forgotten')
  await untilStatus(person.client, peer.account, 'delivered')
  const before = deviceOf(person.client)
  await person.client[Symbol.asyncDispose]()
  const client = openOn(openBunDriver(Database.deserialize(old)), url)
  await client.sendText(peer.account, 'from the new device')
  client.start()
  await untilStatus(client, peer.account, 'delivered')
  expect(deviceOf(client)).not.toBe(before)
  return client
}

function deviceOf({ account }: Client): string {
  const snapshot = account.getSnapshot()
  if (snapshot.kind !== 'registered') throw new Error(snapshot.kind)
  return snapshot.device
}

const untilHeard = (client: Client, peer: Person, text: string) =>
  until(timelineOf(client, peer.account), ({ items }) => textsOf(items).includes(text), patienceMs)

test('[Y44, Y46] a device that was linked anew after the backup hands in the list that names it, and goes on', async () => {
  await using box = await backedUpServer()
  const ana = await register(box.server, 'Ana')
  await using ben = await register(box.server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilStatus(ana.client, ben.account, 'delivered')
  await box.backUp()
  await using anew = await relinked(ana, ben, box.server.url)
  const device = deviceOf(anew)
  await box.restore()
  await anew.sendText(ben.account, 'after the restore')
  await untilHeard(ben.client, ana, 'after the restore')
  await ben.client.sendText(ana.account, 'answer')
  await untilHeard(anew, ben, 'answer')
  expect(deviceOf(anew)).toBe(device)
}, 60_000)

test('[Y47] who knows a newer list of somebody hands it in, so that one can write to them while they are away', async () => {
  await using box = await backedUpServer()
  const ana = await register(box.server, 'Ana')
  await using ben = await register(box.server, 'Ben')
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'hello')
  await untilStatus(ana.client, ben.account, 'delivered')
  await box.backUp()
  await using anew = await relinked(ana, ben, box.server.url)
  await anew.stop()
  await box.restore()
  await ben.client.sendText(ana.account, 'while Ana is away')
  await until(
    timelineOf(ben.client, ana.account),
    ({ items }) => items.every(({ mine, status }) => !mine || status === 'accepted'),
    patienceMs,
  )
  await ben.client.stop()
  anew.start()
  await untilHeard(anew, ben, 'while Ana is away')
}, 60_000)
