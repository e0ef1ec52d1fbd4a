import { afterEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliFailure } from './failure.ts'
import { rememberServer, settingsFrom } from './settings.ts'

const folders: string[] = []
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-settings-'))
  folders.push(folder)
  return folder
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

test('without options a profile lives where the system keeps data', () => {
  const { folder, server } = settingsFrom({}, {})
  expect(folder).toBe(join(homedir(), '.local/share/parley/default'))
  expect(server).toBe('http://127.0.0.1:8080')
})

test('XDG_DATA_HOME moves it', () => {
  const { folder } = settingsFrom({ profile: 'work' }, { XDG_DATA_HOME: '/srv/data' })
  expect(folder).toBe('/srv/data/parley/work')
})

test('a flag wins over the environment', () => {
  const environment = { PARLEY_HOME: '/env', PARLEY_PROFILE: 'env', PARLEY_SERVER: 'http://env:1' }
  const settings = settingsFrom({ home: '/flag', profile: 'flag', server: 'flag:2' }, environment)
  expect(settings).toEqual({ folder: '/flag/flag', profile: 'flag', server: 'http://flag:2' })
  expect(settingsFrom({}, environment)).toEqual({
    folder: '/env/env',
    profile: 'env',
    server: 'http://env:1',
  })
})

test('a profile remembers its server, in files that only their owner can read', () => {
  const home = temporaryFolder()
  const settings = settingsFrom({ home, server: 'https://chat.example.org/path' }, {})
  rememberServer(settings)
  expect(settingsFrom({ home }, {}).server).toBe('https://chat.example.org')
  expect(statSync(settings.folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(settings.folder, 'server')).mode & 0o777).toBe(0o600)
})

test('a profile name cannot lead out of the home', () => {
  for (const profile of ['../else', '.hidden', 'a/b', '']) {
    expect(() => settingsFrom({ profile }, {})).toThrow(CliFailure)
  }
})

test('an address that is none is wrong usage', () => {
  for (const server of ['ftp://example.org', 'http://', 'not an address']) {
    expect(() => settingsFrom({ server }, {})).toThrow(/is not the address of a server/)
  }
})
