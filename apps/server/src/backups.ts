/**
 * Backup, restore and verification of the embedded build's data folder: what packages/server does
 * with the stores, wired to this server's adapters, lock and version.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  BackupError,
  beginIncarnation,
  examineBackup as examineBackupFolder,
  examineData as examineStores,
  type Finding,
  logFormat,
  type MadeBackup,
  makeBackup,
  openSqliteSql,
  type Progress,
  restoreBackup,
  type Restored,
  sqlFormat,
  storeFileNames,
} from '@parley/server'
import { version } from '../package.json'
import { readConfig } from './config.ts'
import { holdLock } from './data-folder.ts'
import { systemClock, systemRandom } from './platform/clock.ts'
import { StartError } from './start-error.ts'

export { BackupError, type Progress } from '@parley/server'

/** How the caller watches and stops the work. */
export interface Watching {
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

const known = { log: logFormat, accounts: sqlFormat }

/** The folder that `parley serve` would take. Throws ConfigError. */
export function dataFolderOf(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const config = readConfig(flag === undefined ? [] : ['--data', flag], environment)
  return config?.dataFolder ?? ''
}

/** Throws BackupError, like the others here. */
export function backUp(
  request: { data: string; to: string; overwrite: boolean },
  watching: Watching,
): Promise<MadeBackup> {
  return makeBackup({ ...request, parleyVersion: version, hold: holdForBackup }, workOf(watching))
}

export function restore(
  request: { from: string; data: string },
  watching: Watching,
): Promise<Restored> {
  return restoreBackup({ ...request, known, hold, renew }, workOf(watching))
}

export function examineBackup(folder: string, watching: Watching): Promise<Finding[]> {
  return examineBackupFolder(folder, known, workOf(watching))
}

/** Of a server that is stopped. */
export async function examineDataFolder(folder: string, watching: Watching): Promise<Finding[]> {
  for (const name of storeFileNames) {
    if (existsSync(join(folder, name))) continue
    throw new BackupError(
      `There is no ${name} in ${folder}, so no server keeps its data there. Name its folder with --data.`,
    )
  }
  using _held = hold(folder)
  return await examineStores(folder, known, workOf(watching))
}

function workOf(watching: Watching) {
  return { ...watching, clock: systemClock }
}

async function renew({ accounts }: { accounts: string }): Promise<string> {
  const sql = await openSqliteSql(accounts)
  try {
    return await beginIncarnation({ sql, random: systemRandom })
  } finally {
    await sql.destroy()
  }
}

function hold(folder: string): Disposable {
  try {
    const lock = holdLock(folder)
    return { [Symbol.dispose]: () => lock.close() }
  } catch (error) {
    if (error instanceof StartError) throw new BackupError(error.message, { cause: error })
    throw error
  }
}

function holdForBackup(folder: string): Disposable {
  try {
    return hold(folder)
  } catch (cause) {
    throw new BackupError(`Another backup writes ${folder}. Wait for it, or name another folder.`, {
      cause,
    })
  }
}
