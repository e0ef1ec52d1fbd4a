import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileOfFormat1 } from '../backends/log/log-1.fixture.ts'
import { openBackupRig } from './backup-rig.fixture.ts'
import type { BackupRig } from './backup-rig.fixture.ts'
import { inspectStores } from './inspect-stores.ts'
import { BackupError, manifestIn } from './manifest.ts'

/** The sentence of the refusal. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BackupError)
  const { message } = error as BackupError
  expect(message).toMatch(/^[A-Z/l].*[.a-z]$/s)
  return message
}

const backupFiles = ['accounts.sqlite', 'log.sqlite', 'manifest.json']
const isRight = ({ ok }: { ok: boolean }) => ok

test('[BK1] what the log of a backup names is in its accounts, while people register and are written to', async () => {
  using rig = await openBackupRig()
  let people = 3
  for (let round = 0; round < 3; round++) {
    let done = false
    const made = rig.backUp({ overwrite: true }).finally(() => {
      done = true
    })
    while (!done) {
      rig.newPerson(20)
      people++
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { manifest } = await made
    const findings = await rig.verify()
    expect(findings.filter((finding) => !isRight(finding))).toEqual([])
    expect(manifest.accounts).toBeLessThan(people)
    expect(manifest.entries).toBeGreaterThan(0)
  }
  expect(people).toBeGreaterThan(30)
})

test('[BK2] a backup bears its name when it is whole; it says what it does, and what it holds', async () => {
  using rig = await openBackupRig()
  const { folder, manifest } = await rig.backUp()
  expect(folder).toBe(rig.to)
  expect(readdirSync(rig.folder).sort()).toEqual(['backup', 'data'])
  expect(readdirSync(folder).sort()).toEqual(backupFiles)
  const written = manifestIn(folder)
  expect(written).toMatchObject({ ...manifest, accounts: 3, entries: 3, parley_version: '1.2.3' })
  expect(written.incarnation).toBe(rig.incarnation)
  expect([...new Set(rig.steps)]).toEqual([
    ...['copy log.sqlite', 'copy accounts.sqlite', 'check '],
    ...['checksum log.sqlite', 'checksum accounts.sqlite'],
  ])
})

test('[BK2] a backup that is there is replaced only when it is said; a folder without one gets one named by the time', async () => {
  using rig = await openBackupRig()
  await rig.backUp()
  const first = manifestIn(rig.to)
  rig.newPerson()
  expect(await refusal(rig.backUp())).toContain('--overwrite')
  expect(manifestIn(rig.to)).toEqual(first)
  await rig.backUp({ overwrite: true })
  expect(manifestIn(rig.to).accounts).toBe(4)
  const shelf = join(rig.folder, 'shelf')
  mkdirSync(shelf)
  const { folder } = await rig.backUp({ to: shelf })
  expect(folder).toBe(join(shelf, 'parley-20260601T120000Z'))
  expect(readdirSync(folder).sort()).toEqual(backupFiles)
  expect(await refusal(rig.backUp({ to: shelf }))).toContain('Try again')
  writeFileSync(join(rig.folder, 'file'), 'something')
  expect(await refusal(rig.backUp({ to: join(rig.folder, 'file') }))).toContain('is a file')
  expect(readdirSync(rig.folder).sort()).toEqual(['backup', 'data', 'file', 'shelf'])
})

test('[BK2] a backup that is stopped leaves nothing; one that was killed is done again', async () => {
  using rig = await openBackupRig()
  const partial = `${rig.to}.partial`
  mkdirSync(partial)
  writeFileSync(join(partial, 'log.sqlite'), 'half of it')
  const busy = () => {
    throw new BackupError('Another backup writes there.')
  }
  expect(await refusal(rig.backUp({ hold: busy }))).toContain('Another backup')
  const { folder } = await rig.backUp()
  expect(readdirSync(folder).sort()).toEqual(backupFiles)
  expect(existsSync(partial)).toBe(false)
  const stopped = rig.backUp({ to: join(rig.folder, 'other') })
  rig.stopping.abort()
  expect(await refusal(stopped)).toContain('nothing was changed')
  expect(readdirSync(rig.folder).sort()).toEqual(['backup', 'data'])
})

test('[BK6] no data, damaged data and a folder that cannot be written are told apart, and leave nothing', async () => {
  using rig = await openBackupRig()
  expect(await refusal(rig.backUp({ data: rig.folder }))).toContain('no log.sqlite')
  const damaged = join(rig.folder, 'damaged')
  await rig.backUp()
  cpSync(rig.to, damaged, { recursive: true })
  overwrite(join(damaged, 'log.sqlite'), 4096, 2000)
  const says = await refusal(rig.backUp({ data: damaged, to: join(rig.folder, 'never') }))
  expect(says).toContain('damaged')
  const odd = join(rig.folder, 'odd')
  cpSync(rig.to, odd, { recursive: true })
  writeFileSync(join(odd, 'accounts.sqlite'), 'not a database at all, '.repeat(400))
  expect(await refusal(rig.backUp({ data: odd, to: join(rig.folder, 'never') }))).toContain(odd)
  expect(await refusal(rig.backUp({ to: join(rig.folder, 'odd', 'log.sqlite', 'x') }))).toContain(
    'x',
  )
  expect(readdirSync(rig.folder).sort()).toEqual(['backup', 'damaged', 'data', 'odd'])
})

function overwrite(path: string, at: number, length: number): void {
  const bytes = readFileSync(path)
  bytes.fill(0x55, at, at + length)
  writeFileSync(path, bytes)
}

/** Changes the backup; then what was not right is said, and it is not restored either. */
async function complaint(rig: BackupRig, change: (folder: string) => void): Promise<string> {
  rmSync(rig.to, { recursive: true, force: true })
  await rig.backUp()
  change(rig.to)
  const target = join(rig.folder, 'restored')
  const restored = await rig.restore().then(
    () => 'restored',
    (error: Error) => error.message,
  )
  const findings = await rig.verify().catch((error: Error) => [{ ok: false, says: error.message }])
  const wrong = findings.filter((finding) => !isRight(finding)).map(({ says }) => says)
  expect(wrong).not.toEqual([])
  if (restored === 'restored') rmSync(target, { recursive: true })
  else expect(existsSync(target)).toBe(false)
  return `${wrong.join(' ')} / ${restored}`
}

test('[BK3, BK6] verify says what is damaged, missing, changed or strange, and restore takes none of it', async () => {
  using rig = await openBackupRig()
  const file = (name: string) => (folder: string) => join(folder, name)
  const log = file('log.sqlite')
  const manifest = file('manifest.json')
  expect(await complaint(rig, (to) => overwrite(log(to), 9_000, 1))).toMatch(
    /log.sqlite is not what was written: its checksum differs.*\/ log.sqlite in .* is not what was/,
  )
  expect(await complaint(rig, (to) => truncateSync(log(to), 100))).toMatch(/has 100 bytes.*\/ log/)
  expect(await complaint(rig, (to) => rmSync(log(to)))).toMatch(/log.sqlite is missing.*\/ log/)
  expect(await complaint(rig, (to) => rmSync(manifest(to)))).toMatch(/is no backup.*is no backup/)
  expect(await complaint(rig, (to) => truncateSync(manifest(to), 40))).toMatch(/damaged.*damaged/)
  const changed = (from: string, to: string) => (folder: string) =>
    writeFileSync(manifest(folder), readFileSync(manifest(folder), 'utf8').replace(from, to))
  expect(await complaint(rig, changed('"format": 1', '"format": 9'))).toMatch(/format 9.*format 9/)
  expect(await complaint(rig, changed('"accounts": 3', '"accounts": 4'))).toContain('changed it')
  expect(await complaint(rig, (to) => writeFileSync(join(to, 'log.sqlite-journal'), 'x'))).toMatch(
    /log.sqlite-journal is none/,
  )
  expect((await rig.verify()).some(isRight)).toBe(true)
})

/** With a manifest that fits, as after a mistake in the server or in a backup. */
async function withMisfit(rig: BackupRig, change: string): Promise<string> {
  const paths = ['log.sqlite', 'accounts.sqlite'].map((name) => join(rig.to, name))
  return complaint(rig, () => {
    const database = new Database(paths[0])
    database.run('ATTACH ? AS accounts', [paths[1] ?? ''])
    database.run(change)
    database.close()
    const text = readFileSync(join(rig.to, 'manifest.json'), 'utf8')
    const manifest = JSON.parse(text) as { entries: number; accounts: number; files: object[] }
    manifest.files = paths.map((path) => ({
      name: path.endsWith('log.sqlite') ? 'log.sqlite' : 'accounts.sqlite',
      size_bytes: readFileSync(path).length,
      sha256: new Bun.CryptoHasher('sha256').update(readFileSync(path)).digest('hex'),
    }))
    writeFileSync(join(rig.to, 'manifest.json'), JSON.stringify(manifest))
  })
}

test('[BK3, BK1] stores that do not fit each other are found, and not restored', async () => {
  using rig = await openBackupRig()
  rig.newPerson(5)
  const cases: readonly [string, RegExp][] = [
    [
      'DELETE FROM accounts.accounts WHERE rowid = 1',
      /1 logs belong to accounts.*cannot be served/,
    ],
    ['DELETE FROM accounts.devices WHERE rowid = 1', /1 devices have sent or read.*cannot be/],
    ['DELETE FROM accounts.device_lists', /4 accounts have no whole chain.*cannot be served/],
    [
      'DELETE FROM entries WHERE prev > 0 AND rowid < (SELECT max(rowid) FROM entries)',
      /1 entries/,
    ],
    ['DELETE FROM logs WHERE number = 1', /1 entries belong to no log.*cannot be served/],
    ['PRAGMA main.user_version = 99', /log.sqlite has format 99.*cannot be served/],
    ['UPDATE accounts.schema_version SET version = 99', /accounts.sqlite has format 99.*cannot/],
    ['DROP TABLE accounts.accounts', /not those of Parley.*cannot be served/],
  ]
  for (const [change, says] of cases) expect(await withMisfit(rig, change)).toMatch(says)
})

test('[BK3] what the tables of a log do not find, or find and is not there, is said', async () => {
  using rig = await openBackupRig()
  rig.newPerson(5)
  const indexed = 'UPDATE indexed SET position = (SELECT max(position) FROM entries);'
  const places = 'INSERT INTO places SELECT log, position FROM entries;'
  const sequences =
    'INSERT INTO sequences SELECT lower(hex(device)), log, max(sequence) FROM entries WHERE 1 ' +
    'GROUP BY device, log;'
  const cases: readonly [string, RegExp][] = [
    [indexed + sequences, /8 entries are not found in their log.*cannot be served/],
    [indexed + places, /4 last send sequences are older.*cannot be served/],
    ['INSERT INTO places VALUES (1, 1)', /1 entries are gone and still looked.*cannot be served/],
  ]
  for (const [change, says] of cases) expect(await withMisfit(rig, change)).toMatch(says)
})

test('[BK3] a log of format 1 is looked into by its own tables', async () => {
  using rig = await openBackupRig()
  await rig.backUp()
  const paths = { log: join(rig.to, 'log.sqlite'), accounts: join(rig.to, 'accounts.sqlite') }
  writeFileSync(paths.log, fileOfFormat1())
  const found = inspectStores({ paths, thorough: true })
  expect(found).toMatchObject({ formats: { log: 1 }, facts: { entries: 33 }, damage: {} })
  expect(found.misfits).toEqual([
    '2 devices have sent or read and are not there.',
    '3 logs belong to accounts that are not there.',
  ])
})

test('[BK4, BK5] a restored folder holds what the backup held, as another incarnation without prekeys and logins', async () => {
  using rig = await openBackupRig()
  const { manifest } = await rig.backUp()
  const first = await rig.restore()
  const restored = join(rig.folder, 'restored')
  expect(readdirSync(restored).sort()).toEqual(['accounts.sqlite', 'log.sqlite'])
  const again = await rig.restore({ data: join(rig.folder, 'again') })
  const incarnations = [rig.incarnation, first.incarnation, again.incarnation]
  expect(new Set(incarnations).size).toBe(3)
  expect(first.manifest).toMatchObject(manifest)
  const accounts = new Database(join(restored, 'accounts.sqlite'), { readonly: true })
  const rows = (sql: string) => accounts.query(sql).all()
  expect(rows("SELECT value FROM server_state WHERE name = 'incarnation'")).toEqual([
    { value: first.incarnation },
  ])
  for (const table of ['one_time_prekeys', 'refresh_tokens', 'registrations', 'signing_keys']) {
    expect(rows(`SELECT * FROM ${table}`)).toEqual([])
  }
  expect(rows('SELECT DISTINCT session FROM devices')).toEqual([{ session: null }])
  expect(rows('SELECT id FROM accounts')).toHaveLength(3)
  accounts.close()
  expect(rig.accounts.query('SELECT * FROM one_time_prekeys').all()).toHaveLength(3)
})

test('[BK4] restore replaces nothing, and goes over what a restore that was killed has left', async () => {
  using rig = await openBackupRig()
  await rig.backUp()
  expect(await refusal(rig.restore({ data: rig.data }))).toContain('is not empty')
  const running = () => {
    throw new BackupError('Another Parley server runs there.')
  }
  const served = join(rig.folder, 'served')
  mkdirSync(served)
  writeFileSync(join(served, 'lock'), '')
  expect(await refusal(rig.restore({ data: served, hold: running }))).toContain('runs there')
  const killed = join(rig.folder, 'killed')
  mkdirSync(join(killed, 'restoring'), { recursive: true })
  writeFileSync(join(killed, 'log.sqlite'), 'moved already')
  writeFileSync(join(killed, 'restoring', 'accounts.sqlite'), 'not moved yet')
  await rig.restore({ data: killed })
  expect(readdirSync(killed).sort()).toEqual(['accounts.sqlite', 'log.sqlite'])
  const empty = join(rig.folder, 'empty')
  mkdirSync(empty)
  const failing = () => Promise.reject(Object.assign(new Error('no room'), { code: 'SQLITE_FULL' }))
  expect(await refusal(rig.restore({ data: empty, renew: failing }))).toContain('is full')
  expect(readdirSync(empty)).toEqual([])
  await rig.restore({ data: empty })
  expect(readdirSync(empty).sort()).toEqual(['accounts.sqlite', 'log.sqlite'])
})
