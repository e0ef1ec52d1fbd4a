/**
 * The embedded log against the contract, inline and with its thread, and what only a file can do:
 * fill up, be too new, be broken.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountIdFromRandom, deviceIdOf, inboxOf, parseDeviceId } from '@parley/wire'
import { positionTimeMs } from '@parley/wire'
import { SimRandom } from '../../../../testkit/src/sim/random.ts'
import { journalOf, openBunSqlite } from '../../sqlite.ts'
import type { OpenSqlite, SqliteConnection } from '../../sqlite.ts'
import { LogRig } from './log-rig.contract.ts'
import { openSteppedLog } from './log-sqlite.fixture.ts'
import type { SqliteLogOptions } from './log-sqlite.ts'
import { LogWriter, openLogWriter } from './log-writer.ts'
import { BatchBuilder, answersOf } from './batch.ts'
import { describeLog } from './log.contract.ts'
import { LogUnavailable } from './log.ts'
import { LogTooNew, openForWriting } from './schema.ts'

type Overrides = Partial<
  Pick<SqliteLogOptions, 'writer' | 'fileBytesMax' | 'openSqlite' | 'queueBytesMax' | 'pace'>
>

function startRig(overrides: Overrides): Promise<LogRig> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  return LogRig.start((rig) => openSteppedLog(folder, rig, overrides), remove)
}

const tightQueue = (tight: boolean) => ({ queueBytesMax: tight ? 20_000 : undefined })
describeLog('log-sqlite inline', ({ tight }) => startRig(tightQueue(tight)), { skip: [] })
describeLog(
  'log-sqlite inline that indexes often',
  ({ tight }) => startRig({ pace: { entries: 5, bytes: 10_000 }, ...tightQueue(tight) }),
  { skip: [] },
)
describeLog(
  'log-sqlite with a writer thread',
  ({ tight }) => startRig({ writer: 'thread', ...tightQueue(tight) }),
  { skip: [] },
)

test('a log that cannot be read is not held on to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const path = join(folder, 'log.sqlite')
  const openSqlite: OpenSqlite = (file, access) => {
    if (access === 'read') throw new Error('it cannot be read')
    return openBunSqlite(file, access)
  }
  const opening = LogRig.start(
    (rig) => openSteppedLog(folder, rig, { openSqlite }),
    () => {},
  )
  await expect(opening).rejects.toThrow('it cannot be read')
  // Whoever is the last to close the file takes its journal away.
  expect(existsSync(journalOf(path))).toBe(false)
  rmSync(folder, { recursive: true })
})

const ids = new SimRandom(7)
const id = inboxOf(accountIdFromRandom(ids.bytes(16)))
const device = deviceIdOf(ids.bytes(16))
const entryOf = (bytes: number, sequence: number) => ({
  origin: { device, sequence },
  body: new Uint8Array(bytes),
})

test('[L1] a full disk refuses appends and keeps the rest; with room again it goes on', async () => {
  await using rig = await startRig({ fileBytesMax: 400_000 })
  let stored = 0
  let refused: unknown
  while (refused === undefined && stored < 1_000) {
    await rig.finish(rig.log.append(id, entryOf(2_000, stored + 1))).then(
      () => stored++,
      (error: unknown) => {
        refused = error
      },
    )
  }
  expect(refused).toBeInstanceOf(LogUnavailable)
  expect((refused as LogUnavailable).reason).toBe('full')
  expect(stored).toBeGreaterThan(50)
  const page = await rig.log.read(id, 0, 1_000)
  expect(page.entries).toHaveLength(stored)
  // Appends go on being tried, and failing, while the trim makes room.
  const trimmed = rig.log.trim((page.entries[Math.floor(stored / 2)]?.position ?? 0) + 1)
  void rig.log.append(id, entryOf(300_000, stored + 1)).catch(() => {})
  await rig.finish(trimmed)
  await rig.pass(10)
  await rig.finish(rig.log.append(id, entryOf(2_000, stored + 1)))
  const { entries } = await rig.log.read(id, page.entries.at(-1)?.position ?? 0, 10)
  expect(entries).toHaveLength(1)
})

test('[L2] what waits behind a batch that failed fails with it', async () => {
  await using rig = await startRig({ fileBytesMax: 200_000 })
  const big = rig.log.append(id, entryOf(900_000, 1))
  const bigFailed = big.catch((error: LogUnavailable) => error.reason)
  rig.scheduler.step()
  const small = rig.log.append(id, entryOf(1, 2)).catch((error: LogUnavailable) => error.reason)
  expect(await rig.finish(Promise.all([bigFailed, small]))).toEqual(['full', 'full'])
  await rig.pass(10)
  await rig.finish(rig.log.append(id, entryOf(1, 1)))
  expect((await rig.log.read(id, 0, 10)).entries).toHaveLength(1)
})

test('a file of a newer format is refused with a sentence that says what to do, and not touched', async () => {
  await using rig = await startRig({})
  await rig.end()
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const path = join(folder, 'log.sqlite')
  const database = new Database(path, { create: true })
  database.run('PRAGMA user_version = 99')
  database.close()
  for (const writer of ['inline', 'thread'] as const) {
    const refused = await openSteppedLog(folder, rig, { writer }).catch((error) => error)
    expect(refused).toBeInstanceOf(LogTooNew)
    expect(refused.message).toContain('format 99')
  }
  rmSync(folder, { recursive: true })
})

test('a file that is no log is refused', async () => {
  await using rig = await startRig({})
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  await Bun.write(
    join(folder, 'log.sqlite'),
    'this is not a database, whatever its name says. '.repeat(99),
  )
  await expect(openSteppedLog(folder, rig, { writer: 'thread' })).rejects.toThrow()
  await expect(openSteppedLog(folder, rig, { writer: 'inline' })).rejects.toThrow()
  rmSync(folder, { recursive: true })
})

test('a second writer on the same file is found out before it can repeat a position', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  await using rig = await LogRig.start(
    (opened) => openSteppedLog(folder, opened, {}),
    () => {},
  )
  const intruder = new Database(join(folder, 'log.sqlite'))
  intruder.run('CREATE TABLE intruder (x)')
  intruder.close()
  const refused = await rig.finish(rig.log.append(id, entryOf(1, 1)).catch((error) => error))
  expect(refused.reason).toBe('failed')
  rmSync(folder, { recursive: true })
})

test('[L1] after a failed sync nothing more is accepted, since nobody knows what the disk holds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const settings = { path: join(folder, 'x'), sync: 'full' as const, fileBytesMax: 2 ** 40 }
  const database = openForWriting(settings)
  const writer = new LogWriter(failingCommit(database), settings)
  const batchOf = (sequence: number) => {
    const builder = new BatchBuilder()
    builder.append(id, entryOf(1, sequence))
    return builder.take(Date.UTC(2026, 1, 1), undefined)
  }
  expect(writer.write(batchOf(1))).toMatchObject({ written: false, reason: 'failed' })
  expect(writer.write(batchOf(2))).toMatchObject({ written: false, reason: 'failed' })
  writer.close()
  rmSync(folder, { recursive: true })
})

/** A writer without a disk to wait for, on a file of its own. */
function openWriter() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const path = join(folder, 'log.sqlite')
  const writer = openLogWriter({ path, sync: 'off', fileBytesMax: 2 ** 40 })
  return {
    writer,
    journalBytes: () => statSync(journalOf(path)).size,
    [Symbol.dispose]() {
      writer.close()
      rmSync(folder, { recursive: true })
    },
  }
}

// The pages of a batch were estimated by its bytes; with an entry for each of many inboxes they
// were three times as many, and so was what a killed server had to write again before it served.
test('the journal stays short, however many inboxes a batch is for', () => {
  using opened = openWriter()
  const random = new SimRandom(3)
  const inboxes = Array.from({ length: 2_000 }, () =>
    inboxOf(accountIdFromRandom(random.bytes(16))),
  )
  for (let batch = 0; batch < 120; batch++) {
    const builder = new BatchBuilder()
    for (let entry = 0; entry < 256; entry++) {
      const body = random.bytes(200)
      builder.append(random.pick(inboxes), { origin: undefined, body })
    }
    opened.writer.write(builder.take(Date.UTC(2026, 1, 1), undefined))
    opened.writer.tidy()
  }
  expect(opened.journalBytes()).toBeLessThan(20 * 1024 * 1024)
})

// Statements that were still there kept a closed file open, so the journal stayed, and whoever opened
// the file next had to write it again.
test('a log that is closed leaves no journal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const rig = await LogRig.start(
    (each) => openSteppedLog(folder, each, {}),
    () => {},
  )
  await rig.finish(rig.log.append(id, entryOf(9, 1)))
  expect(existsSync(journalOf(join(folder, 'log.sqlite')))).toBe(true)
  await rig[Symbol.asyncDispose]()
  expect(readdirSync(folder)).toEqual(['log.sqlite'])
  rmSync(folder, { recursive: true })
})

test('[L3, L4] repeats are dropped, too, after more devices have sent than are remembered', () => {
  using opened = openWriter()
  const write = (first: number, last: number, sequence: number) => {
    const builder = new BatchBuilder()
    for (let number = first; number < last; number++) {
      const origin = { device: parseDeviceId(number.toString(16).padStart(32, '0')), sequence }
      builder.append(id, { origin, body: new Uint8Array(1) })
    }
    const batch = builder.take(Date.UTC(2026, 1, 1), undefined)
    expect(opened.writer.write(batch)).toMatchObject({ written: true })
    opened.writer.tidy()
    return answersOf(batch)
  }
  const devices = 120_000
  for (let from = 0; from < devices; from += 20_000) write(from, from + 20_000, 1)
  const [first = 0] = write(devices, devices + 1, 1)
  for (const from of [0, 60_000, devices - 20_000]) {
    expect(
      write(from, from + 1_000, 1)
        .slice(0, 2_000)
        .every((answer) => answer === 0),
    ).toBe(true)
  }
  const [position = 0, prev] = write(0, 1, 2)
  expect(prev).toBe(first)
  expect(position).toBeGreaterThan(first)
})

// A server's clock was set back by an hour; positions stood still, the stamps of connected clients
// went on, and after five seconds they were refused (W13) and went to the beginning of their chats.
test('[L4] while the clock is behind the log, positions go on at the pace of time', async () => {
  await using rig = await startRig({})
  let sequence = 0
  const append = async () => {
    await rig.finish(
      rig.log.append(id, { origin: { device, sequence: ++sequence }, body: new Uint8Array(9) }),
    )
    const [head = 0] = await rig.log.heads([id])
    return positionTimeMs(head)
  }
  const first = await append()
  rig.skew(-3_600_000)
  await rig.pass(10_000)
  const second = await append()
  expect(second - first).toBeGreaterThanOrEqual(10_000)
  expect(second - first).toBeLessThan(11_000)
  await rig.crash()
  await rig.pass(5_000)
  const third = await append()
  expect(third - second).toBeGreaterThanOrEqual(5_000)
  expect(third - second).toBeLessThan(6_000)
  rig.skew(0)
  await rig.pass(1_000)
  expect(Math.abs((await append()) - rig.scheduler.nowMs)).toBeLessThan(1_000)
})

/**
 * Appends one entry after the other and says each sequence that was answered, until it is killed.
 */
const appender = `
  import { openSqliteLog } from '${join(import.meta.dirname, 'log-sqlite.ts')}'
  const log = await openSqliteLog({
    path: process.argv[1], writer: 'thread', sync: 'full', soon: setImmediate,
    elapsedMs: () => performance.now(),
    clock: { now: () => Date.now(), after: (ms, run) => { setTimeout(run, ms); return () => {} } },
    logger: console,
  })
  let sequence = 0
  const next = () => {
    const own = ++sequence
    log.append('${id}', { origin: { device: '${device}', sequence: own }, body: new Uint8Array(9) })
      .then(() => { process.stdout.write(own + '\\n'); next() })
  }
  for (let n = 0; n < 50; n++) next()
`

test('[L1] what a process was told is stored when it is killed in the middle of writing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const child = Bun.spawn([process.execPath, '-e', appender, join(folder, 'log.sqlite')], {
    stdout: 'pipe',
  })
  let said = ''
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk
    if (said.length > 10_000) child.kill('SIGKILL')
  }
  const answered = Math.max(...said.trim().split('\n').slice(0, -1).map(Number))
  await using rig = await LogRig.start(
    (opened) => openSteppedLog(folder, opened, {}),
    () => {},
  )
  const { entries } = await rig.log.read(id, 0, 1_000_000)
  expect(answered).toBeGreaterThan(1_000)
  expect(entries.length).toBeGreaterThanOrEqual(answered)
  expect(await rig.log.lastSequence(device, id)).toBe(entries.length)
  rmSync(folder, { recursive: true })
}, 30_000)

/** The database as on a disk whose first sync fails. */
function failingCommit(database: SqliteConnection): SqliteConnection {
  let failures = 1
  const prepare = database.prepare.bind(database)
  database.prepare = ((sql: string) => {
    const statement = prepare(sql)
    if (sql !== 'COMMIT') return statement
    const run = statement.run.bind(statement)
    statement.run = (...values: never[]) => {
      if (failures-- > 0) {
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
      }
      return run(...values)
    }
    return statement
  }) as typeof database.prepare
  return database
}
