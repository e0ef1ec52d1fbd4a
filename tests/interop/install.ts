// Gets the official library when it is not there: the pinned version beside this file, from the
// lock file; any other into the folder for temporary files.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OracleProgram } from './oracle-process.ts'
import manifest from './package.json' with { type: 'json' }

const LIBRARY = '@signalapp/libsignal-client'
const NPM_TIMEOUT_MS = 240_000
export const PINNED_ORACLE = manifest.dependencies[LIBRARY]

/** The oracle with this version of the library, which is installed when it is not there. */
export function oracleProgram(version: string): OracleProgram {
  const script = fileURLToPath(new URL('./oracle.ts', import.meta.url))
  return { bun: process.execPath, script, entry: libraryEntry(version) }
}

export function isInstalled(version: string): boolean {
  return existsSync(entryIn(folderOf(version)))
}

/** The entry of the library, as the oracle imports it. */
export function libraryEntry(version: string): string {
  const folder = folderOf(version)
  const entry = entryIn(folder)
  if (existsSync(entry)) return entry
  if (version === PINNED_ORACLE) {
    npm(folder, ['ci'])
  } else {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    npm(folder, ['install', '--no-save', `${LIBRARY}@${version}`])
  }
  return entry
}

function folderOf(version: string): string {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${version} is not a version of ${LIBRARY}`)
  const isPinned = version === PINNED_ORACLE
  return isPinned ? import.meta.dirname : join(tmpdir(), `parley-oracle-${version}`)
}

function entryIn(folder: string): string {
  return join(folder, 'node_modules', LIBRARY, 'dist', 'index.js')
}

function npm(folder: string, args: readonly string[]): void {
  try {
    execFileSync('npm', [...args, '--prefix', folder, '--no-audit', '--no-fund'], {
      cwd: folder,
      timeout: NPM_TIMEOUT_MS,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  } catch (cause) {
    throw new Error(`The oracle could not be installed: npm ${args.join(' ')} failed.`, { cause })
  }
}
