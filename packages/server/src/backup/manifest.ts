/**
 * What a backup says about itself: `manifest.json`, written last, so that a folder without one is
 * no backup. Everything in it can be held against the files (rules BK: docs/spec/backup.md).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export const manifestName = 'manifest.json'
const manifestFormat = 1
const manifestBytesMax = 64 * 1024

/** Why something was not done, as a sentence that says what to do; nothing was changed. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/** The files of the two stores, in the order in which they are copied (BK1). */
export const storeFileNames = ['log.sqlite', 'accounts.sqlite'] as const
export type StoreFileName = (typeof storeFileNames)[number]

const file = z.object({
  name: z.enum(storeFileNames),
  size_bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
const count = z.number().int().nonnegative()
const manifest = z.object({
  format: z.literal(manifestFormat),
  parley_version: z.string().min(1),
  created_at: z.iso.datetime(),
  incarnation: z.string().min(1),
  newest_position: count,
  entries: count,
  accounts: count,
  files: z.tuple([file, file]),
})

export type FileRecord = z.infer<typeof file>
export type Manifest = z.infer<typeof manifest>

export function encodeManifest(facts: Omit<Manifest, 'format'>): string {
  return `${JSON.stringify({ format: manifestFormat, ...facts }, null, 2)}\n`
}

/** Throws BackupError when there is none, or none that this version can read. */
export function manifestIn(folder: string): Manifest {
  return parseManifest(textIn(folder), folder)
}

/** `folder`: for the sentence. Throws BackupError. */
export function parseManifest(text: string, folder: string): Manifest {
  const value = parsedJson(text)
  const format = z.object({ format: count }).safeParse(value).data?.format
  if (format !== undefined && format > manifestFormat) {
    throw new BackupError(
      `The backup ${folder} has format ${format}, and this version of Parley knows ${manifestFormat}. Use the version that made it, or a newer one.`,
    )
  }
  const parsed = manifest.safeParse(value)
  const named = parsed.data?.files.map(({ name }) => name) ?? []
  if (parsed.success && storeFileNames.every((name, at) => named[at] === name)) return parsed.data
  throw new BackupError(
    `The manifest of ${folder} is damaged, so nobody can say what the backup holds. Use another backup.`,
  )
}

function textIn(folder: string): string {
  try {
    return readFileSync(join(folder, manifestName), 'utf8').slice(0, manifestBytesMax)
  } catch (cause) {
    throw new BackupError(
      `${folder} is no backup: it has no ${manifestName} that can be read. Name the folder that parley backup has made.`,
      { cause },
    )
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
