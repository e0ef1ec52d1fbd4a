/**
 * Says of a backup, or of the folder of a server that does not run, whether it could be served: one
 * finding for each thing that was looked at (BK3). Changes nothing.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checksumOf } from './durable-files.ts'
import type { KnownFormats, StoreFacts, StoreFindings } from './inspect-stores.ts'
import { pathsIn } from './make-backup.ts'
import { manifestName, manifestIn } from './manifest.ts'
import type { FileRecord, Manifest } from './manifest.ts'
import { inspectInThread } from './store-work.ts'
import type { Work } from './store-work.ts'

export interface Finding {
  check: string
  ok: boolean
  says: string
}

/** Throws BackupError when there is no manifest to hold the files against. */
export async function examineBackup(
  folder: string,
  known: KnownFormats,
  work: Work,
): Promise<Finding[]> {
  const manifest = manifestIn(folder)
  const findings = [manifestFinding(manifest)]
  for (const file of manifest.files) findings.push(await fileFinding(folder, file, work))
  const strange = strangeFiles(folder)
  if (strange) findings.push(strange)
  // SQLite would take a stray journal for its own; and what has changed need not be looked into.
  if (findings.some(({ ok }) => !ok)) return findings
  const stores = await inspectInThread(work, { paths: pathsIn(folder), thorough: true })
  return [...findings, ...storeFindings(stores, known), ...manifestMatches(manifest, stores.facts)]
}

/** The caller holds the folder, so that no server changes it meanwhile. */
export async function examineData(
  folder: string,
  known: KnownFormats,
  work: Work,
): Promise<Finding[]> {
  const stores = await inspectInThread(work, { paths: pathsIn(folder), thorough: true })
  return storeFindings(stores, known)
}

function manifestFinding(manifest: Manifest): Finding {
  const { created_at, parley_version, accounts, entries } = manifest
  const says = `Made at ${created_at} by Parley ${parley_version}: ${accounts} accounts, ${entries} entries.`
  return { check: 'manifest', ok: true, says }
}

async function fileFinding(folder: string, file: FileRecord, work: Work): Promise<Finding> {
  const { name, size_bytes: totalBytes } = file
  const path = join(folder, name)
  const found = (ok: boolean, says: string) => ({ check: name, ok, says })
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return found(false, `${name} is missing. Use another backup.`)
  if (size !== totalBytes) {
    const says = `${name} has ${size} bytes and not the ${totalBytes} that were written. Use another backup.`
    return found(false, says)
  }
  const sha256 = await checksumOf(path, {
    signal: work.signal,
    onBytes: (doneBytes) => work.onProgress({ step: 'checksum', name, doneBytes, totalBytes }),
  })
  if (sha256 === file.sha256) return found(true, `${totalBytes} bytes, as they were written.`)
  return found(false, `${name} is not what was written: its checksum differs. Use another backup.`)
}

function strangeFiles(folder: string): Finding | undefined {
  const own = new Set<string>([manifestName, 'log.sqlite', 'accounts.sqlite'])
  const strange = readdirSync(folder).filter((name) => !own.has(name))
  if (strange.length === 0) return undefined
  const says = `${strange.slice(0, 5).join(', ')} is none of the backup's files. Move it away, then look again.`
  return { check: 'folder', ok: false, says }
}

/** Formats, structure, and whether the two stores fit each other. */
export function storeFindings(stores: StoreFindings, known: KnownFormats): Finding[] {
  const { damage, formats, misfits } = stores
  const findings = (['log', 'accounts'] as const).map((store): Finding => {
    const check = `${store} structure`
    const wrong = damage[store]
    if (wrong !== undefined) {
      const says = `${store}.sqlite is damaged: ${wrong}. Use another backup.`
      return { check, ok: false, says }
    }
    const format = formats[store] ?? 0
    if (format > known[store]) {
      const says = `${store}.sqlite has format ${format}, and this version of Parley knows ${known[store]}. Use the version that wrote it.`
      return { check, ok: false, says }
    }
    return { check, ok: true, says: `SQLite finds ${store}.sqlite whole; its format is ${format}.` }
  })
  if (findings.some(({ ok }) => !ok)) return findings
  const fits =
    'Every log, cursor and sequence belongs to an account or device that is there, and every entry follows the one before it.'
  if (misfits.length === 0) return [...findings, { check: 'fit', ok: true, says: fits }]
  return [...findings, ...misfits.map((says) => ({ check: 'fit', ok: false, says }))]
}

function manifestMatches(manifest: Manifest, facts: StoreFacts | undefined): Finding[] {
  if (!facts) return []
  const same =
    facts.incarnation === manifest.incarnation &&
    facts.newestPosition === manifest.newest_position &&
    facts.entries === manifest.entries &&
    facts.accounts === manifest.accounts
  const says = same
    ? 'The stores hold what the manifest says.'
    : 'The stores do not hold what the manifest says: somebody has changed it. Use another backup.'
  return [{ check: 'contents', ok: same, says }]
}
