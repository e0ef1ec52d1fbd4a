/** The late index: a disk without room for it, and a file of the format that had none. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeviceId, LogId } from '@parley/wire'
import { pino } from 'pino'
import { openBunSqlite } from '../../sqlite.ts'
import type { OpenSqlite } from '../../sqlite.ts'
import { LogRig } from './log-rig.contract.ts'
import {
  devicesOfFormat1,
  fileOfFormat1,
  heldInFormat1,
  logsOfFormat1,
  readHeld,
} from './log-1.fixture.ts'
import { openSteppedLog } from './log-sqlite.fixture.ts'
import type { SqliteLogOptions } from './log-sqlite.ts'
import type { LogUnavailable } from './log.ts'
import { finishMigration } from './migrate-log.ts'

type Overrides = Partial<Pick<SqliteLogOptions, 'openSqlite' | 'pace' | 'writer' | 'logger'>>

function startIn(folder: string, overrides: Overrides): Promise<LogRig> {
  return LogRig.start(
    (rig) => openSteppedLog(folder, rig, overrides),
    () => {},
  )
}

function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-late-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

const [id] = logsOfFormat1 as [LogId]
const [device] = devicesOfFormat1 as [DeviceId]
const pace = { entries: 10, bytes: 100_000 }

/** While `isFull()`, nothing of the index can be written. */
function withoutRoom(isFull: () => boolean): OpenSqlite {
  return (path, access) => {
    const database = openBunSqlite(path, access)
    const prepare = database.prepare.bind(database)
    database.prepare = ((sql: string) => {
      const statement = prepare(sql)
      if (!sql.startsWith('INSERT INTO places')) return statement
      const run = statement.run.bind(statement)
      statement.run = (...values: never[]) => {
        if (isFull()) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' })
        return run(...values)
      }
      return statement
    }) as typeof database.prepare
    return database
  }
}

test('[L1, L3] without room for the index appends go on for a while, are refused then, and none is lost', async () => {
  using made = makeFolder()
  let isFull = true
  await using rig = await startIn(made.folder, { openSqlite: withoutRoom(() => isFull), pace })
  const append = (sequence: number) => {
    const origin = { device, sequence }
    const appended = rig.log.append(id, { origin, body: new Uint8Array(9) })
    return rig.finish(
      appended.then(
        () => 'stored',
        (error: LogUnavailable) => error.reason,
      ),
    )
  }
  let stored = 0
  while (stored < 100 && (await append(stored + 1)) === 'stored') stored++
  expect(stored).toBe(20)
  await rig.pass(10)
  expect(await append(stored + 1)).toBe('full')
  expect((await rig.log.read(id, 0, 100)).entries).toHaveLength(stored)
  await rig.crash()
  expect((await rig.log.read(id, 0, 100)).entries).toHaveLength(stored)
  const { entries } = await rig.log.read(id, 0, 5)
  await rig.finish(rig.log.trim(entries[4]?.position ?? 0))
  expect((await rig.log.read(id, 0, 100)).entries).toHaveLength(stored - 4)
  isFull = false
  for (let sequence = 1; sequence <= 100; sequence++) expect(await append(sequence)).toBe('stored')
  const all = await rig.log.read(id, 0, 200)
  expect(all.entries).toHaveLength(96)
  expect(all.expiredUpTo).toBe(entries[3]?.position ?? 0)
})

test('a file of format 1 is read as it was, and goes on as format 2', async () => {
  for (const writer of ['inline', 'thread'] as const) {
    using made = makeFolder()
    writeFileSync(join(made.folder, 'log.sqlite'), fileOfFormat1())
    const lines: string[] = []
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) })
    await using rig = await startIn(made.folder, { writer, logger, pace })
    expect(await readHeld(rig.log)).toEqual(heldInFormat1)
    expect(lines.join('')).toContain('is being brought')
    const repeated = { device, sequence: 360 }
    await rig.finish(rig.log.append(id, { origin: repeated, body: new Uint8Array(9) }))
    expect(await readHeld(rig.log)).toEqual(heldInFormat1)
    await rig.finish(rig.log.append(id, { origin: undefined, body: new Uint8Array(9) }))
    const before = heldInFormat1[0]?.head ?? 0
    const [last = 0] = await rig.log.heads([id])
    expect(last).toBeGreaterThan(before)
    expect((await rig.log.read(id, before, 9)).entries).toMatchObject([{ prev: before }])
    await rig.finish(rig.log.trim(last))
    expect((await rig.log.read(id, 0, 9)).entries).toMatchObject([{ position: last }])
  }
})

test('a migration that was stopped at any step goes on, and an older version refuses the file', async () => {
  using made = makeFolder()
  const path = join(made.folder, 'log.sqlite')
  writeFileSync(path, fileOfFormat1())
  let stops = 0
  for (let isDone = false; !isDone; ) {
    const database = openBunSqlite(path, 'write')
    let steps = 0
    const stop = () => {
      if (++steps > 1) throw new Error('stopped')
    }
    try {
      finishMigration(database, stop, 4)
      isDone = true
    } catch (error) {
      expect((error as Error).message).toBe('stopped')
      stops++
    }
    database.close()
    const looked = new Database(path)
    expect(looked.query('PRAGMA user_version').get()).toEqual({ user_version: 2 })
    looked.close()
  }
  expect(stops).toBeGreaterThan(5)
  await using rig = await startIn(made.folder, {})
  expect(await readHeld(rig.log)).toEqual(heldInFormat1)
})
