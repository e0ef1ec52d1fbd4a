/**
 * SQLite on the simulated disk, over many seeds: what a commit answered survives every crash, and
 * each thing that keeps it so can be taken away to show that the test would see it.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { DiskError, SimDisk, SimRandom } from '@parley/testkit'
import { sqliteOn } from './connection.ts'
import { mountDisk, unmount } from './vfs.ts'
import type { Mount } from './vfs.ts'

const seeds = Array.from({ length: 30 }, (_, index) => index + 1)
const rowsMax = 30
setDefaultTimeout(60_000)
const database = 'rows.sqlite'

interface Rig {
  disk: SimDisk
  random: SimRandom
  /** Operations of the disk until the process dies; -1: it does not. */
  left: number
}

function rig(seed: number): Rig {
  const random = new SimRandom(seed)
  const made: Rig = {
    random,
    left: -1,
    disk: new SimDisk({
      random: random.fork(),
      onOperation: () => made.left < 0 || --made.left > 0,
      onFault: () => {},
    }),
  }
  return made
}

interface Manner {
  synchronous: 'FULL' | 'OFF'
  /** As server and command line do it when they open a file. */
  rewrites: boolean
}

const careful: Manner = { synchronous: 'FULL', rewrites: true }

function open(mount: Mount, { synchronous, rewrites }: Manner) {
  const connection = sqliteOn(mount, rewrites)(database, 'write')
  connection.run('PRAGMA journal_mode = WAL')
  connection.run(`PRAGMA synchronous = ${synchronous}`)
  connection.run('CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, filler BLOB)')
  return connection
}

/** Adds rows until the process dies or there are enough; how many were answered. */
function addRows({ disk, random }: Rig, manner: Manner, from: number): number {
  const mount = mountDisk(disk)
  let answered = from
  try {
    const connection = open(mount, manner)
    const insert = connection.prepare<never, [number, Uint8Array]>('INSERT INTO rows VALUES (?, ?)')
    while (answered < from + rowsMax) {
      insert.run(answered + 1, new Uint8Array(random.below(3_000)))
      answered++
    }
  } catch (error) {
    const isOfDisk = error instanceof DiskError || (error as Error).name === 'SQLiteError'
    if (!isOfDisk) throw error
  }
  unmount(mount)
  return answered
}

/** The numbers of all rows, by a process that has just started. */
function readRows({ disk }: Rig, manner: Manner): number[] {
  const mount = mountDisk(disk)
  const connection = open(mount, manner)
  const [check] = connection.query<{ integrity_check: string }, []>('PRAGMA integrity_check').all()
  expect(check?.integrity_check).toBe('ok')
  const rows = connection.query<{ number: number }, []>('SELECT number FROM rows ORDER BY number')
  const numbers = rows.all().map(({ number }) => number)
  unmount(mount)
  return numbers
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** Dies somewhere in between; how many of the rows that were answered are gone then. */
function lostBy(seed: number, manner: Manner): number {
  const made = rig(seed)
  const first = addRows(made, manner, 0)
  made.left = made.random.between(1, 150)
  const answered = addRows(made, manner, first)
  made.left = -1
  made.disk.losePower()
  const kept = readRows(made, manner)
  expect({ seed, kept }).toEqual({ seed, kept: upTo(kept.length) })
  return answered - kept.length
}

test('what a commit answered is there after the power went, and nothing stands after a hole', () => {
  for (const seed of seeds) {
    const lost = lostBy(seed, careful)
    // One that was not answered may be there.
    expect({ seed, isKept: lost <= 0 && lost >= -1 }).toEqual({ seed, isKept: true })
  }
})

test('a database that does not wait for the disk loses answered rows in some seed', () => {
  const losses = seeds.map((seed) => {
    const made = rig(seed)
    const answered = addRows(made, { ...careful, synchronous: 'OFF' }, 0)
    made.disk.losePower()
    try {
      return answered - readRows(made, careful).length
    } catch {
      // Not even the file is whole.
      return answered
    }
  })
  expect(losses.some((lost) => lost > 0)).toBe(true)
})

/** Killed in the middle, seen by the next process, and then the power goes: what is taken back. */
function takenBack(seed: number, manner: Manner): number {
  const made = rig(seed)
  addRows(made, manner, 0)
  made.left = made.random.between(1, 150)
  addRows(made, manner, rowsMax)
  made.left = -1
  const shown = readRows(made, manner)
  made.disk.losePower()
  return shown.length - readRows(made, manner).length
}

test('a journal that was written again takes nothing back that the next process has shown', () => {
  for (const seed of seeds) {
    expect({ seed, taken: takenBack(seed, careful) }).toEqual({ seed, taken: 0 })
  }
})

test('a journal that was trusted takes something back in some seed', () => {
  const taken = seeds.map((seed) => takenBack(seed, { ...careful, rewrites: false }))
  expect(taken.some((count) => count > 0)).toBe(true)
})

test('a full disk refuses rows, keeps those that it has, and takes more when there is room', () => {
  for (const seed of seeds.slice(0, 20)) {
    const made = rig(seed)
    const first = addRows(made, careful, 0)
    made.disk.isFull = true
    const second = addRows(made, careful, first)
    expect(second).toBeLessThan(first + rowsMax)
    made.disk.isFull = false
    expect(readRows(made, careful)).toEqual(upTo(second))
    expect(readRows(made, careful).length).toBe(second)
    expect(addRows(made, careful, second)).toBe(second + rowsMax)
    made.disk.losePower()
    expect(readRows(made, careful)).toEqual(upTo(second + rowsMax))
  }
})

test('a sync that fails is said, and what was answered before it stays', () => {
  for (const seed of seeds) {
    const made = rig(seed)
    const first = addRows(made, careful, 0)
    made.disk.syncsToFail = 1
    const second = addRows(made, careful, first)
    made.disk.losePower()
    const kept = readRows(made, careful)
    expect({ seed, kept }).toEqual({ seed, kept: upTo(kept.length) })
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(first, second))
  }
})
