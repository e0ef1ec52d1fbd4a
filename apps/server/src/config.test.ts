/** Settings from flags, environment and file. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, describeSettings, readConfig } from './config.ts'

function problems(argv: string[], environment: Record<string, string> = {}): string {
  try {
    readConfig(argv, environment)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

function fileWith(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-config-'))
  const path = join(folder, 'parley.toml')
  writeFileSync(path, text)
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

test('without settings the server is for this machine alone', () => {
  const config = readConfig([], {})
  expect(config).toMatchObject({ port: 8080, host: '127.0.0.1', loopback: true, unlimited: false })
  expect(config?.dataFolder).toEndWith('/data')
})

test('a flag wins over the environment, the environment over the file', () => {
  using file = fileWith('port = 1\nhost = "localhost"\nname = "From file" # a comment\n')
  const environment = { PARLEY_CONFIG: file.path, PARLEY_PORT: '2', PARLEY_HOST: '127.0.0.2' }
  const config = readConfig(['--port', '3'], environment)
  expect(config).toMatchObject({ port: 3, host: '127.0.0.2', name: 'From file' })
})

test('all mistakes are told at once, each with the flag and the variable to mend', () => {
  using file = fileWith('prot = 1\n')
  const argv = ['--config', file.path, '--port', '99999', '--log-level', 'loud']
  const says = problems(argv, { PARLEY_DEFAULT_COUNTRY: 'Germany' })
  expect(says).toContain('prot: no such setting')
  expect(says).toContain('port: TCP port to listen on; 0 takes a free one (--port or PARLEY_PORT)')
  expect(says).toContain('log_level:')
  expect(says).toContain('default_country:')
})

test('a table in the file where a text belongs is told like any other mistake', () => {
  using file = fileWith('name = { length = { toString = 1 } }\nhost = []\ndata = 1\n')
  const says = problems(['--config', file.path])
  for (const name of ['name', 'host', 'data']) expect(says).toContain(`${name}: `)
})

test('an unknown flag, a missing file and a broken file are told', () => {
  expect(problems(['--prot', '1'])).toContain('--prot')
  expect(problems(['--config', '/does/not/exist'])).toContain('/does/not/exist')
  using file = fileWith('port = = 1')
  expect(problems(['--config', file.path])).toContain('cannot be read as TOML')
})

test('[I1] messages are kept at least as long as their senders expect', () => {
  expect(problems(['--retention-days', '89'])).toContain('retention_days: days for which messages')
  expect(readConfig(['--retention-days', '90'], {})?.retentionDays).toBe(90)
})

test('limits are taken off on loopback only', () => {
  expect(readConfig(['--unlimited'], {})?.unlimited).toBe(true)
  expect(problems(['--unlimited', '--host', '0.0.0.0'])).toContain('only with a loopback host')
})

test('origins are whole addresses without a path', () => {
  const config = readConfig(['--allowed-origins', 'https://a.example, http://b.example:81'], {})
  expect(config?.allowedOrigins).toEqual(['https://a.example', 'http://b.example:81'])
  expect(problems(['--public-url', 'https://a.example/chat'])).toContain('public_url')
})

test('--help describes every setting', () => {
  expect(readConfig(['--help'], {})).toBeUndefined()
  const text = describeSettings()
  for (const name of ['--port', 'PARLEY_DATA', '--trust-proxy', '--retention-days', '--config']) {
    expect(text).toContain(name)
  }
})
