/**
 * The drill: a server is backed up by the real command while people write to each other, goes on,
 * and is lost with all its data; another one is made of the backup. And what the commands refuse.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSmallDisk } from '../chaos/small-disk.ts'
import { BackedUpServer, Friend } from './backup-harness.ts'
import { numbered, patienceMs } from './sdk-harness.ts'
import { until } from '../../packages/sdk/src/testing/test-people.ts'

setDefaultTimeout(3 * patienceMs)

const incarnationOf = (friend: Friend) =>
  friend.database
    .query<{ value: string }, []>("SELECT value FROM meta WHERE name = 'incarnation'")
    .get()?.value

/** Both see the same, once and in one order, and nothing is waited for. */
function expectWhole(one: Friend, other: Friend, texts: readonly string[]): void {
  expect(one.shown(other)).toEqual(other.shown(one))
  expect([...one.shown(other)].sort()).toEqual([...texts].sort())
  for (const [reader, writer] of [
    [one, other],
    [other, one],
  ] as const) {
    const mine = (each: Friend, peer: Friend, isMine: boolean) =>
      each
        .items(peer)
        .flatMap(({ body, mine: m }) => (m === isMine && body.kind === 'text' ? [body.text] : []))
    expect(mine(reader, writer, false)).toEqual(mine(writer, reader, true))
  }
  expect([one.keysUsedTwice, other.keysUsedTwice]).toEqual([0, 0])
}

test('[BK7, BK1, Y42, Y46, I1, I2, I3, I4, I7] what was written after the backup survives the loss of the server, twice', async () => {
  await using server = await BackedUpServer.start()
  await using ada = await Friend.register(server, 'Ada')
  await using ben = await Friend.register(server, 'Ben')
  await using cem = await Friend.register(server, 'Cem')
  await ada.client.findContact(ben.phone)
  await cem.client.findContact(ada.phone)
  await ada.send(ben, ['hello'])
  await ben.untilShown(ada, 'hello')

  const before = { ada: numbered('Ada under load', 0, 40), ben: numbered('Ben under load', 0, 40) }
  const load = Promise.all([ada.send(ben, before.ada), ben.send(ada, before.ben)])
  await server.backUp()
  await load
  await server.parley(['verify', server.backup])
  await Promise.all([ada.untilMine(ben, 'delivered'), ben.untilMine(ada, 'delivered')])

  // Ben has these; Ada's first words to Cem are not in the backup at all.
  const later = ['seen by Ben', 'and read']
  await ada.send(ben, later)
  await ben.untilShown(ada, 'and read')
  await cem.send(ada, ['Cem writes first'])
  await ada.untilShown(cem, 'Cem writes first')
  await ada.send(cem, ['Ada answers Cem'])
  await cem.untilShown(ada, 'Ada answers Cem')
  await using dora = await Friend.register(server, 'Dora')
  await ada.client.findContact(dora.phone)
  await ada.send(dora, ['welcome'])
  await dora.untilShown(ada, 'welcome')
  // These are accepted, and nobody has them but Ada.
  await ben.client.stop()
  const unseen = numbered('while Ben was away', 0, 20)
  await ada.send(ben, unseen)
  await ada.untilMine(ben, 'accepted')

  const first = incarnationOf(ada)
  const second = await server.loseAndRestore(async () => {
    await ada.send(ben, ['in the dark'])
    await ben.send(ada, ['in the dark too'])
  })
  expect(second).not.toBe(first ?? '')
  await ada.untilOnline()
  expect(incarnationOf(ada)).toBe(second)
  ben.client.start()
  await ben.untilShown(ada, 'in the dark')
  await ada.untilShown(ben, 'in the dark too')
  await Promise.all([ada.untilMine(ben, 'delivered'), ben.untilMine(ada, 'delivered')])
  const written = ['hello', ...before.ada, ...before.ben, ...later, ...unseen]
  expectWhole(ada, ben, [...written, 'in the dark', 'in the dark too'])
  expectWhole(ada, cem, ['Cem writes first', 'Ada answers Cem'])
  const fromAda = ['hello', ...before.ada, ...later, ...unseen, 'in the dark']
  expect(ben.heard()).toEqual(fromAda)

  // Whoever registered after the backup is not known any more: both sides are told.
  await ada.send(dora, ['still there?'])
  await until(
    ada.client.chat(dora.account),
    () => {
      return ada.items(dora).some(({ failure }) => failure?.code === 'unknown-recipient')
    },
    patienceMs,
  )
  await until(dora.client.connection, ({ status }) => status === 'stopped', patienceMs)
  expect(dora.client.connection.getSnapshot().problem?.says).toContain('Register again')
  expect(dora.shown(ada)).toEqual(['welcome'])

  // The same backup once more: what the first restored server took is gone again.
  await ben.client.stop()
  const third = numbered('on the second server', 0, 5)
  await ada.send(ben, third)
  await ada.untilMine(ben, 'accepted')
  const last = await server.loseAndRestore(async () => {})
  expect([first, second]).not.toContain(last)
  ben.client.start()
  await ben.untilShown(ada, third.at(-1) ?? '')
  await ben.send(ada, ['and on'])
  await ada.untilShown(ben, 'and on')
  await Promise.all([ada.untilMine(ben, 'delivered'), ben.untilMine(ada, 'delivered')])
  expectWhole(ada, ben, [...written, 'in the dark', 'in the dark too', ...third, 'and on'])
  expect(ben.heard()).toEqual([...fromAda, ...third])
  expect(incarnationOf(ben)).toBe(last)
})

test('[BK3, BK4, BK6] the commands say what they do as JSON and what they refuse in sentences, with their exit status', async () => {
  await using server = await BackedUpServer.start()
  await using ada = await Friend.register(server, 'Ada')
  await ada.untilOnline()
  const { data, backup, folder } = server
  const [made] = (await server.backUp()).lines
  expect(made).toMatchObject({ folder: backup, accounts: 1, entries: expect.any(Number) })
  const refused = async (argv: readonly string[], says: string, status = 1) => {
    const { stderr, stdout } = await server.parley(argv, status)
    expect(stderr).toContain(says)
    expect(stderr.trim()).toMatch(/^[^\n]+$/)
    return stdout
  }
  await refused(['backup', backup, '--data', data], '--overwrite')
  await refused(['backup', join(folder, 'x'), '--data', folder], 'no log.sqlite')
  await refused(['restore', backup, '--data', data], 'Another Parley server runs')
  await refused(['verify', '--data', data], 'Another Parley server runs')
  await refused(['verify', folder], 'is no backup')
  await refused(['verify'], 'Name a backup', 2)
  await refused(['verify', backup, '--data', data], 'Name a backup', 2)
  await server.parley(['backup'], 2)
  await server.parley(['restore'], 2)
  await server.kill()
  await refused(['restore', backup, '--data', data], 'is not empty')
  const stopped = await server.parley(['verify', '--data', data])
  expect(stopped.lines.every(({ ok }) => ok === true)).toBe(true)
  for (const command of ['backup', 'restore', 'verify']) {
    expect((await server.parley([command, '--help'])).stdout).toContain('Examples:')
  }

  const damaged = join(folder, 'damaged')
  cpSync(backup, damaged, { recursive: true })
  const bytes = readFileSync(join(damaged, 'log.sqlite'))
  bytes.fill(1, 5_000, 5_100)
  writeFileSync(join(damaged, 'log.sqlite'), bytes)
  const said = await refused(['verify', damaged], 'not whole')
  expect(said).toContain('its checksum differs')
  const target = join(folder, 'target')
  await refused(['restore', damaged, '--data', target], 'is not what was written')
  expect(existsSync(target)).toBe(false)

  // A restore that was killed half way is not served.
  mkdirSync(join(target, 'restoring'), { recursive: true })
  await refused(['serve', '--data', target, '--port', '0'], 'was not finished')
  await server.parley(['restore', backup, '--data', target])
  expect(readdirSync(target).sort()).toEqual(['accounts.sqlite', 'lock', 'log.sqlite'])
})

test.skipIf(process.getuid?.() !== 0)(
  '[BK6] a full disk is said, and what was there stays as it was',
  async () => {
    await using server = await BackedUpServer.start()
    await using ada = await Friend.register(server, 'Ada')
    await ada.untilOnline()
    await server.backUp()
    const small = openSmallDisk(server.folder, 4 * 1024 * 1024)
    try {
      expect(small.fill()).toBe(true)
      const there = () => readdirSync(join(small.folder, '..')).sort()
      const before = there()
      const backup = ['backup', join(small.folder, 'backup'), '--data', server.data]
      expect((await server.parley(backup, 1)).stderr).toContain('is full')
      const restore = ['restore', server.backup, '--data', join(small.folder, 'data')]
      expect((await server.parley(restore, 1)).stderr).toContain('is full')
      expect(there()).toEqual(before)
      small.empty()
      await server.parley(backup)
      await server.parley(['verify', join(small.folder, 'backup')])
    } finally {
      small.end()
    }
  },
)
