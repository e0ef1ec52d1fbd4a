/**
 * The folder with everything that the server keeps: created, checked, and held by one server at a
 * time.
 */
import { Database, SQLiteError } from 'bun:sqlite'
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { restoringName } from '@parley/server'
import { StartError } from './start-error.ts'

export interface DataFolder extends Disposable {
  path(name: string): string
}

/** Throws a StartError. The hold ends with the process, however it ends. */
export function openDataFolder(folder: string): DataFolder {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new StartError(
      `The data folder ${folder} cannot be written. Give this user the right to, or choose another one with --data.`,
      { cause },
    )
  }
  const lock = holdLock(folder)
  if (existsSync(join(folder, restoringName))) {
    lock.close()
    throw new StartError(
      `A restore into ${folder} was not finished. Run it again: parley restore FROM --data ${folder}`,
    )
  }
  return {
    path: (name) => join(folder, name),
    [Symbol.dispose]: () => lock.close(),
  }
}

/**
 * An open exclusive transaction is a lock of the operating system: a process that dies lets go of
 * it.
 */
export function holdLock(folder: string): Database {
  let lock: Database | undefined
  try {
    lock = new Database(join(folder, 'lock'), { create: true })
    lock.run('pragma journal_mode = delete')
    lock.run('begin exclusive')
    return lock
  } catch (cause) {
    lock?.close()
    throw new StartError(sayWhyNotHeld(folder, cause), { cause })
  }
}

function sayWhyNotHeld(folder: string, cause: unknown): string {
  const code = cause instanceof SQLiteError ? (cause.code ?? '') : ''
  if (code.startsWith('SQLITE_BUSY')) {
    return `Another Parley server runs on the data folder ${folder}. Stop it first, or choose another folder with --data.`
  }
  if (code === 'SQLITE_FULL') return fullDisk(folder)
  return `The data folder ${folder} cannot be used: ${cause instanceof Error ? cause.message : 'unknown'}. Choose another one with --data.`
}

export function fullDisk(folder: string): string {
  return `The disk that holds ${folder} is full. Free some space and start again; nothing was lost.`
}
