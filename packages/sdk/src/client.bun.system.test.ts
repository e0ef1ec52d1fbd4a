/**
 * A profile folder under Bun: one owner, whatever happens to it, and what is said of a database
 * that cannot be opened.
 */
import { afterAll, expect, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '@parley/testkit'
import { openBunClient } from './client.bun.ts'
import { HandClock } from './testing/test-hand-clock.ts'
import { lockProfile } from './platform/lock.bun.ts'
import type { Client } from './types.ts'

const root = mkdtempSync(join(tmpdir(), 'parley-profile-'))
afterAll(() => rmSync(root, { recursive: true }))
const server = 'http://127.0.0.1:9'
const folderOf = (name: string) => join(root, name)

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('a second client on a profile is told that it is busy, and gets it when the first has ended', async () => {
  const options = { folder: folderOf('one'), server }
  const first = await openBunClient(options)
  expect(await thrown(openBunClient(options))).toMatchObject({ problem: { code: 'profile-busy' } })
  let isWaiting = false
  const waiting = () => {
    isWaiting = true
  }
  const second = openBunClient({ ...options, waitMs: 5_000, waiting })
  await first[Symbol.asyncDispose]()
  expect((await second).account.getSnapshot()).toEqual({ kind: 'none' })
  expect(isWaiting).toBe(true)
  await (await second)[Symbol.asyncDispose]()
})

test('an owner that was killed leaves nothing that keeps the next one out', async () => {
  const folder = folderOf('killed')
  const script = `
    const { openBunClient } = await import(${JSON.stringify(join(import.meta.dir, 'client.bun.ts'))})
    await openBunClient({ folder: ${JSON.stringify(folder)}, server: ${JSON.stringify(server)} })
    console.log('open')
    setInterval(() => {}, 1000)`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  for await (const chunk of child.stdout)
    if (new TextDecoder().decode(chunk).includes('open')) break
  expect(await thrown(openBunClient({ folder, server }))).toMatchObject({
    problem: { code: 'profile-busy' },
  })
  child.kill('SIGKILL')
  await child.exited
  const client = await openBunClient({ folder, server })
  await client[Symbol.asyncDispose]()
})

test('waiting for an owner ends after the time that was given', async () => {
  const clock = new HandClock(0)
  const folder = mkdtempSync(join(root, 'wait-'))
  let waits = 0
  const options = { folder, clock, waitMs: 1_000, waiting: () => waits++ }
  const lock = await lockProfile(options)
  const second = thrown(lockProfile(options))
  await clock.advance(1_000)
  expect(await second).toMatchObject({ problem: { code: 'profile-busy' } })
  expect(waits).toBe(1)
  lock.release()
})

test('nobody else on the machine can read a profile', async () => {
  const folder = folderOf('private')
  const client = await openBunClient({ folder, server })
  const rights = (path: string) => statSync(path).mode & 0o777
  expect(rights(folder)).toBe(0o700)
  for (const name of readdirSync(folder).filter((each) => each.startsWith('parley.db'))) {
    expect(rights(join(folder, name))).toBe(0o600)
  }
  await client[Symbol.asyncDispose]()
})

test('a damaged database and one of a newer version are said, left as they are, and unlocked', async () => {
  const damaged = folderOf('damaged')
  const newer = folderOf('newer')
  for (const folder of [damaged, newer]) {
    await (await openBunClient({ folder, server }))[Symbol.asyncDispose]()
  }
  writeFileSync(
    join(damaged, 'parley.db'),
    'not a database, but long enough to look at'.repeat(200),
  )
  const database = new Database(join(newer, 'parley.db'))
  database.run('PRAGMA user_version = 9999')
  database.close()
  for (let tries = 0; tries < 2; tries++) {
    const broken = await thrown(openBunClient({ folder: damaged, server }))
    expect(broken).toMatchObject({ problem: { code: 'store-corrupt' } })
    const tooNew = await thrown(openBunClient({ folder: newer, server }))
    expect(tooNew).toMatchObject({ problem: { code: 'store-newer' } })
  }
})

test('who logs out and registers again is connected again, and nothing of the first account is left', async () => {
  await using running = await startServer()
  await using client = await openBunClient({ folder: folderOf('again'), server: running.url })
  client.start()
  const register = async (phone: string) => {
    const { registration } = await client.startRegistration(phone)
    const code = running.codes.get(phone) ?? ''
    const input = { registration, code, name: 'Ada', recoveryKey: undefined }
    const { account } = await client.finishRegistration(input)
    await isOnline(client)
    return account
  }
  const first = await register('+4915112345601')
  await client.logout()
  expect(client.account.getSnapshot()).toEqual({ kind: 'none' })
  const second = await register('+4915112345602')
  expect(second).not.toBe(first)
  expect(client.chats().getSnapshot()).toEqual([])
})

async function isOnline({ connection }: Client): Promise<void> {
  while (connection.getSnapshot().status !== 'online') {
    const { promise, resolve } = Promise.withResolvers<void>()
    const end = connection.subscribe(resolve)
    await promise
    end()
  }
}
