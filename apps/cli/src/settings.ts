/**
 * The global options: flag before environment before what the profile remembers before the default.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { CliFailure, exitStatus } from './failure.ts'

export interface GlobalOptions {
  server?: string
  profile?: string
  home?: string
  json?: boolean
  quiet?: boolean
}

export interface Settings {
  /** Where this profile's files are. */
  folder: string
  profile: string
  /** Origin of the server. */
  server: string
}

export type Environment = Readonly<Record<string, string | undefined>>

const defaultServer = 'http://127.0.0.1:8080'
const profileNamePattern = /^[\w][\w.-]{0,63}$/

export function settingsFrom(options: GlobalOptions, environment: Environment): Settings {
  const profile = options.profile ?? environment['PARLEY_PROFILE'] ?? 'default'
  if (!profileNamePattern.test(profile)) {
    throw new CliFailure(
      exitStatus.usage,
      'A profile name has letters, digits, dots, hyphens and underscores, at most 64 of them.',
    )
  }
  const folder = join(homeFolder(options, environment), profile)
  const server =
    options.server ?? environment['PARLEY_SERVER'] ?? rememberedServer(folder) ?? defaultServer
  return { folder, profile, server: originOf(server) }
}

function homeFolder(options: GlobalOptions, environment: Environment): string {
  const named = options.home ?? environment['PARLEY_HOME']
  if (named) return resolve(named)
  const dataHome = environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share')
  return join(dataHome, 'parley')
}

function originOf(address: string): string {
  try {
    const url = new URL(address.includes('://') ? address : `http://${address}`)
    if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin
  } catch {
    // Said below, together with a scheme that is none of ours.
  }
  throw new CliFailure(
    exitStatus.usage,
    `${address} is not the address of a server. Write it like https://chat.example.org.`,
  )
}

/** Beside the database, so that the next command finds the server without an option. */
function serverFile(folder: string): string {
  return join(folder, 'server')
}

function rememberedServer(folder: string): string | undefined {
  try {
    return readFileSync(serverFile(folder), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

export function rememberServer({ folder, server }: Settings): void {
  makeFolder(folder)
  writeFileSync(serverFile(folder), `${server}\n`, { mode: 0o600 })
}

/** Readable by its owner only, like everything in it. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}
