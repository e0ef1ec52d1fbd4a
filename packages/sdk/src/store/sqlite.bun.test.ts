import { afterAll, expect, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreError } from '../platform/ports.ts'
import { type DriverHost, driverContract } from './driver.contract.ts'
import { openBunDriver } from './sqlite.bun.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-driver-'))
afterAll(() => rmSync(folder, { recursive: true }))
const pathOf = (name: string) => join(folder, `${name}.db`)

const host: DriverHost = {
  open: async (name) => openBunDriver(pathOf(name)),
  async overwrite(name, bytes) {
    const file = await openFile(pathOf(name), 'r+')
    await file.write(bytes, 0, bytes.length, 0)
    await file.close()
  },
}

for (const { name, check } of driverContract) test(name, () => check(host))

test('a commit survives the death of the owner: journal in WAL, synchronous FULL', () => {
  const driver = openBunDriver(pathOf('modes'))
  expect(driver.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  expect(driver.all('PRAGMA synchronous')).toEqual([{ synchronous: 2 }])
  driver.close()
})

test('a database that was handed over stays open, and loses what a crash left uncommitted', () => {
  const database = new Database(':memory:')
  const driver = openBunDriver(database)
  driver.run('CREATE TABLE t (value)')
  driver.close()
  database.run('BEGIN')
  database.run('INSERT INTO t VALUES (1)')
  const again = openBunDriver(database)
  expect(again.all('SELECT value FROM t')).toEqual([])
  again.transaction(() => again.run('INSERT INTO t VALUES (?)', [2]))
  again.close()
  expect(database.query('SELECT value FROM t').all()).toEqual([{ value: 2 }])
})

test('a folder that is not there is a StoreError', () => {
  expect(() => openBunDriver(join(folder, 'nowhere', 'x.db'))).toThrow(StoreError)
})

test('a database that another connection is writing to is busy', () => {
  const driver = openBunDriver(pathOf('busy'))
  driver.run('CREATE TABLE t (value)')
  driver.run('PRAGMA busy_timeout = 1')
  const other = new Database(pathOf('busy'))
  other.run('BEGIN IMMEDIATE')
  let thrown: unknown
  try {
    driver.transaction(() => undefined)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(StoreError)
  expect((thrown as StoreError).reason).toBe('busy')
  other.run('ROLLBACK')
  other.close()
  driver.close()
})

test('erase leaves no byte of a message in the file or its journal', () => {
  const driver = openBunDriver(pathOf('traces'))
  driver.run('CREATE TABLE t (value)')
  const marker = 'marker-of-a-message'
  for (let row = 0; row < 50; row++) driver.run('INSERT INTO t VALUES (?)', [marker.repeat(40)])
  expect(filesContain('traces', marker)).toBe(true)
  driver.erase()
  expect(filesContain('traces', marker)).toBe(false)
  driver.close()
})

function filesContain(name: string, marker: string): boolean {
  return [pathOf(name), `${pathOf(name)}-wal`].some((path) => readFileSync(path).includes(marker))
}
