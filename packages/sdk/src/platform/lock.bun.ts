/**
 * One owner per profile folder: a lock of the operating system on a file beside the database, held
 * by SQLite. It goes with the process, however that ends, so no owner is ever stale.
 */
import { Database, SQLiteError } from 'bun:sqlite'
import { join } from 'node:path'
import { parleyError } from '../problems.ts'
import type { Clock } from './ports.ts'

const retryMs = 100
const busyCode = 5
const lockedCode = 6

export interface ProfileLock {
  release(): void
}

export interface ProfileLockOptions {
  folder: string
  clock: Clock
  /** How long to wait for another owner; 0 not at all. */
  waitMs: number
  /** Called once when there is one. */
  waiting: () => void
}

/**
 * Throws ParleyError `profile-busy` when another process, or another part of this one, keeps the
 * profile for too long.
 */
export async function lockProfile(options: ProfileLockOptions): Promise<ProfileLock> {
  const { clock, folder, waitMs, waiting } = options
  const path = join(folder, 'owner.lock')
  const endMs = clock.now() + waitMs
  for (let isFirst = true; ; isFirst = false) {
    const lock = tryLock(path)
    if (lock) return lock
    if (clock.now() >= endMs) throw parleyError('profile-busy')
    if (isFirst) waiting()
    await new Promise<void>((resolve) => clock.after(retryMs, resolve))
  }
}

function tryLock(path: string): ProfileLock | undefined {
  const database = new Database(path, { create: true })
  try {
    database.run('PRAGMA busy_timeout = 0')
    database.run('BEGIN EXCLUSIVE')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (!(error instanceof SQLiteError)) throw error
    if (error.errno === busyCode || error.errno === lockedCode) return undefined
    throw error
  }
}
