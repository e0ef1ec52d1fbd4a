/**
 * Makes the folder of a server from a backup (BK4, BK5). Everything is copied and checked in
 * `restoring` inside the folder, which no server starts on, and moved into place at the end; so it
 * works where the folder is a mount, and a restore that was killed can be repeated.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { copyDurably, freeBytes, syncPath } from './durable-files.ts'
import type { KnownFormats, StorePaths } from './inspect-stores.ts'
import { asBackupError, pathsIn } from './make-backup.ts'
import { BackupError, manifestIn, storeFileNames } from './manifest.ts'
import type { FileRecord, Manifest } from './manifest.ts'
import { inspectInThread } from './store-work.ts'
import type { Work } from './store-work.ts'
import { storeFindings } from './examine-backup.ts'

export interface RestoreRequest {
  from: string
  /** The folder of the server that shall be. */
  data: string
  known: KnownFormats
  /** Throws when a server runs on the folder. */
  hold: (folder: string) => Disposable
  /** Starts another incarnation in the copies; what it is called. */
  renew: (paths: StorePaths) => Promise<string>
}

export interface Restored {
  manifest: Manifest
  incarnation: string
}

/** A folder with this in it holds an unfinished restore. */
export const restoringName = 'restoring'
/** What may be in a folder that counts as empty: the lock of a server, and what a disk brings. */
const nothing = new Set(['lock', 'lock-journal', 'lost+found'])

/** Throws BackupError; then the folder is as it was, or holds an unfinished restore only. */
export async function restoreBackup(request: RestoreRequest, work: Work): Promise<Restored> {
  const { data, from } = request
  const manifest = manifestIn(from)
  const before = existsSync(data) ? readdirSync(data) : undefined
  requireFree(request)
  try {
    requireFiles(from, manifest)
    requireRoom(manifest, nearestFolder(data))
    const incarnation = await restoreInto(request, manifest, work)
    return { manifest, incarnation }
  } catch (error) {
    removeAllBut(data, before)
    throw asBackupError(error, { to: data, data: from, signal: work.signal })
  }
}

/** Undefined: the folder was not there. */
function removeAllBut(folder: string, before: readonly string[] | undefined): void {
  if (!before) return rmSync(folder, { recursive: true, force: true })
  for (const name of readdirSync(folder)) {
    if (!before.includes(name)) rmSync(join(folder, name), { recursive: true })
  }
}

function requireFree({ data, hold }: RestoreRequest): void {
  if (!existsSync(data)) return
  const names = readdirSync(data)
  // Tells a server that runs from files that are merely there.
  if (names.includes('lock')) hold(data)[Symbol.dispose]()
  if (names.includes(restoringName)) return
  if (names.every((name) => nothing.has(name))) return
  throw new BackupError(
    `${data} is not empty, and nothing in it is replaced. Move it away, or name another folder with --data.`,
  )
}

function requireFiles(from: string, { files }: Manifest): void {
  for (const { name, size_bytes } of files) {
    const size = statSync(join(from, name), { throwIfNoEntry: false })?.size
    if (size !== size_bytes) throw damaged(from, name)
  }
}

function damaged(from: string, name: string): BackupError {
  return new BackupError(
    `${name} in ${from} is not what was written. Use another backup; nothing was changed. More is said by: parley verify ${from}`,
  )
}

function requireRoom({ files }: Manifest, folder: string): void {
  const needed = files.reduce((sum, file) => sum + file.size_bytes, 0)
  if (freeBytes(folder) >= needed) return
  throw Object.assign(new Error('not enough room'), { code: 'ENOSPC' })
}

function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(dirname(folder))
}

async function restoreInto(
  request: RestoreRequest,
  manifest: Manifest,
  work: Work,
): Promise<string> {
  const { data } = request
  mkdirSync(data, { recursive: true, mode: 0o700 })
  using _held = request.hold(data)
  const staging = join(data, restoringName)
  removeUnfinished(data)
  mkdirSync(staging, { mode: 0o700 })
  try {
    for (const file of manifest.files) await copyChecked(request.from, staging, file, work)
    await requireSound(request, staging, work)
    const incarnation = await request.renew(pathsIn(staging))
    for (const name of readdirSync(staging)) syncPath(join(staging, name))
    syncPath(staging)
    work.signal.throwIfAborted()
    for (const name of readdirSync(staging)) renameSync(join(staging, name), join(data, name))
    syncPath(data)
    syncPath(dirname(data))
    return incarnation
  } catch (error) {
    removeUnfinished(data)
    throw error
  } finally {
    rmSync(staging, { recursive: true, force: true })
    syncPath(data)
  }
}

/** The folder was empty before there was a `restoring` in it, so all of it is of a restore. */
function removeUnfinished(data: string): void {
  if (!existsSync(join(data, restoringName))) return
  for (const name of readdirSync(data)) {
    const isStore = storeFileNames.some((store) => name.startsWith(store))
    if (isStore) rmSync(join(data, name))
  }
  rmSync(join(data, restoringName), { recursive: true })
}

async function copyChecked(
  from: string,
  staging: string,
  file: FileRecord,
  work: Work,
): Promise<void> {
  const { name, size_bytes: totalBytes } = file
  const copied = await copyDurably(join(from, name), join(staging, name), {
    signal: work.signal,
    onBytes: (doneBytes) => work.onProgress({ step: 'restore', name, doneBytes, totalBytes }),
  })
  if (copied.sha256 !== file.sha256) throw damaged(from, name)
}

async function requireSound(request: RestoreRequest, staging: string, work: Work): Promise<void> {
  const stores = await inspectInThread(work, { paths: pathsIn(staging), thorough: true })
  const wrong = storeFindings(stores, request.known).find(({ ok }) => !ok)
  if (wrong) {
    throw new BackupError(`The backup ${request.from} cannot be served: ${wrong.says}`)
  }
}
