/**
 * Copies both stores of a server that may go on meanwhile into a folder that bears its name only
 * when it is whole (BK1-BK3). The log is copied first: whatever it names is then in the accounts.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { copyBytes } from './copy-store.ts'
import { checksumOf, freeBytes, isFull, syncPath, writeDurably } from './durable-files.ts'
import type { StoreFacts, StoreFindings, StorePaths } from './inspect-stores.ts'
import { BackupError, encodeManifest, manifestName, storeFileNames } from './manifest.ts'
import type { FileRecord, Manifest, StoreFileName } from './manifest.ts'
import { copyInThread, inspectInThread, stopped } from './store-work.ts'
import type { Work } from './store-work.ts'

export interface BackupRequest {
  /** The folder of the server. */
  data: string
  /** The folder to make; in a folder that is there already, one named by the time is made. */
  to: string
  /** A backup that bears this name already is replaced. */
  overwrite: boolean
  parleyVersion: string
  /** Keeps a second backup from working on the same folder. */
  hold: (folder: string) => Disposable
}

export interface MadeBackup {
  folder: string
  manifest: Omit<Manifest, 'format'>
}

const partialSuffix = '.partial'
const replacedSuffix = '.replaced'

/** Throws BackupError; then nothing bears the name, or what did before. */
export async function makeBackup(request: BackupRequest, work: Work): Promise<MadeBackup> {
  try {
    const from = sourcesIn(request.data)
    const folder = targetOf(request, work)
    const partial = `${folder}${partialSuffix}`
    mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
    requireRoom(from, dirname(folder))
    mkdirSync(partial, { recursive: true, mode: 0o700 })
    using _held = request.hold(partial)
    empty(partial)
    try {
      const manifest = await fill(partial, from, { request, work })
      publish(partial, folder, request.overwrite)
      return { folder, manifest }
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      throw error
    }
  } catch (error) {
    throw asBackupError(error, { ...request, signal: work.signal })
  }
}

function sourcesIn(data: string): Record<StoreFileName, string> {
  for (const name of storeFileNames) {
    if (existsSync(join(data, name))) continue
    throw new BackupError(
      `There is no ${name} in ${data}, so no server keeps its data there. Name its folder with --data.`,
    )
  }
  return {
    'log.sqlite': join(data, 'log.sqlite'),
    'accounts.sqlite': join(data, 'accounts.sqlite'),
  }
}

function targetOf({ to, overwrite }: BackupRequest, { clock }: Work): string {
  const present = statSync(to, { throwIfNoEntry: false })
  if (!present) return to
  if (!present.isDirectory()) {
    throw new BackupError(`${to} is a file. A backup is a folder: name one that is not there yet.`)
  }
  if (!existsSync(join(to, manifestName))) {
    const time = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    return join(to, `parley-${time}`)
  }
  if (overwrite) return to
  throw new BackupError(
    `${to} holds a backup already. Name another folder, or replace it with --overwrite.`,
  )
}

function requireRoom(from: Record<StoreFileName, string>, folder: string): void {
  const needed = storeFileNames.reduce((sum, name) => sum + copyBytes(from[name]), 0)
  if (freeBytes(folder) >= needed) return
  throw Object.assign(new Error('not enough room'), { code: 'ENOSPC' })
}

/** What a backup that was killed has left; its lock stays, since it is held. */
function empty(partial: string): void {
  for (const name of readdirSync(partial)) {
    if (!name.startsWith('lock')) rmSync(join(partial, name), { recursive: true })
  }
}

async function fill(
  partial: string,
  from: Record<StoreFileName, string>,
  { request, work }: { request: BackupRequest; work: Work },
): Promise<Omit<Manifest, 'format'>> {
  for (const name of storeFileNames) {
    const totalBytes = copyBytes(from[name])
    await copyInThread(work, { name, from: from[name], to: join(partial, name), totalBytes })
  }
  const findings = await inspectInThread(work, { paths: pathsIn(partial), thorough: false })
  const facts = requireSound(request.data, findings)
  const manifest = {
    parley_version: request.parleyVersion,
    created_at: new Date(work.clock.now()).toISOString(),
    incarnation: facts.incarnation,
    newest_position: facts.newestPosition,
    entries: facts.entries,
    accounts: facts.accounts,
    files: await recordsOf(partial, work),
  }
  writeDurably(join(partial, manifestName), encodeManifest(manifest))
  return manifest
}

export function pathsIn(folder: string): StorePaths {
  return { log: join(folder, 'log.sqlite'), accounts: join(folder, 'accounts.sqlite') }
}

function requireSound(data: string, { damage, facts, misfits }: StoreFindings): StoreFacts {
  const [first] = [damage.log, damage.accounts, ...misfits].filter((each) => each !== undefined)
  if (facts && first === undefined) return facts
  throw new BackupError(
    `The data in ${data} is damaged, so no backup was made: ${first ?? 'it cannot be read'} Check the disk, keep older backups, and see: parley verify --data ${data}`,
  )
}

async function recordsOf(partial: string, work: Work): Promise<[FileRecord, FileRecord]> {
  const [log, accounts] = storeFileNames
  return [await recordOf(partial, log, work), await recordOf(partial, accounts, work)]
}

async function recordOf(partial: string, name: StoreFileName, work: Work): Promise<FileRecord> {
  const path = join(partial, name)
  const totalBytes = statSync(path).size
  const sha256 = await checksumOf(path, {
    signal: work.signal,
    onBytes: (doneBytes) => work.onProgress({ step: 'checksum', name, doneBytes, totalBytes }),
  })
  return { name, size_bytes: totalBytes, sha256 }
}

/** The folder gets its name when everything in it is on the disk. */
function publish(partial: string, folder: string, overwrite: boolean): void {
  const isReplacing = existsSync(folder)
  if (isReplacing && !overwrite) throw new BackupError(`${folder} is there meanwhile. Try again.`)
  for (const name of readdirSync(partial)) {
    if (name.startsWith('lock')) rmSync(join(partial, name))
  }
  syncPath(partial)
  const replaced = `${folder}${replacedSuffix}`
  if (isReplacing) {
    rmSync(replaced, { recursive: true, force: true })
    renameSync(folder, replaced)
  }
  renameSync(partial, folder)
  syncPath(dirname(folder))
  if (isReplacing) rmSync(replaced, { recursive: true, force: true })
}

/** Whatever stood in the way, as a sentence. */
export function asBackupError(
  error: unknown,
  about: { to: string; data: string; signal: AbortSignal },
): Error {
  if (error instanceof BackupError) return error
  if (about.signal.aborted) return stopped()
  if (isFull(error)) {
    return new BackupError(
      `The disk that holds ${about.to} is full. Free some space and try again; nothing was changed.`,
      { cause: error },
    )
  }
  const says = error instanceof Error ? error.message : String(error)
  return new BackupError(
    `It failed while reading ${about.data} and writing ${about.to}: ${says}. Nothing was changed; check the rights and the disk, then try again.`,
    { cause: error },
  )
}
