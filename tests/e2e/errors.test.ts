/** What goes wrong on the command line through no fault of what was typed: time, and a profile from the future. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { startServer } from '@parley/testkit'
import { systemClock } from '../../packages/sdk/src/index.bun.ts'
import { Person } from './cli-harness.ts'

setDefaultTimeout(180_000)

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** A box whose clock a test sets ahead of everybody else's. */
async function boxAhead() {
  let aheadMs = 0
  const clock = { now: () => systemClock.now() + aheadMs, after: systemClock.after }
  const server = await startServer({ clock })
  return {
    url: server.url,
    moveOn: (ms: number) => {
      aheadMs += ms
    },
    async register(name: string): Promise<Person> {
      const person = await Person.create(server)
      await person.run(['register', '--phone', person.phone])
      const code = server.codes.get(person.phone) ?? ''
      const options = ['--phone', person.phone, '--code', code, '--name', name]
      const { status, stderr, lines } = await person.run(['register', ...options])
      if (status !== 0) throw new Error(stderr)
      person.account = String(lines[0]?.['account'])
      return person
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

test('a login that ran out, in minutes or in months, is renewed by itself', async () => {
  await using box = await boxAhead()
  await using ada = await box.register('Ada')
  await using ben = await box.register('Ben')
  for (const awayMs of [16 * minuteMs, 100 * dayMs]) {
    box.moveOn(awayMs)
    const sent = await ada.run(['send', ben.phone, `after ${awayMs} ms`])
    expect([sent.status, sent.lines[0]?.['status']]).toEqual([0, 'accepted'])
    const heard = await ben.run(['listen', '--count', '1', '--timeout', '50'])
    expect(heard.lines[0]).toMatchObject({ text: `after ${awayMs} ms` })
  }
})

test('the doctor says that the clock is far off, and what to do; messages go on', async () => {
  await using box = await boxAhead()
  await using ada = await box.register('Ada')
  await using ben = await box.register('Ben')
  box.moveOn(10 * minuteMs)
  const { status, lines } = await ada.run(['doctor'])
  const off = lines.find((line) => line['ok'] === false)
  expect(String(off?.['says'])).toMatch(/^The clock of this device is more than five minutes off/)
  expect(status).toBe(1)
  expect((await ada.run(['send', ben.phone, 'hello'])).status).toBe(0)
})

test('a profile of a newer version is said, and left as it is', async () => {
  await using box = await boxAhead()
  await using ada = await box.register('Ada')
  const path = join(ada.home, 'default', 'parley.db')
  const version = (set?: number) => {
    using database = new Database(path)
    if (set !== undefined) database.run(`PRAGMA user_version = ${set}`)
    return database.query('PRAGMA user_version').get()
  }
  version(9_999)
  const { status, stderr } = await ada.run(['send', ada.phone, 'hello'])
  expect(status).toBe(1)
  expect(stderr).toContain('The local database is of a newer version. Update the app to open it.')
  expect(version()).toEqual({ user_version: 9_999 })
})
