/** The lockfile serves every platform, and reads platforms off names rightly. */
import { expect, test } from 'bun:test'
import { completed, platformOf } from './complete-lockfile.ts'

test('the name of a native build says where it runs', () => {
  expect(platformOf('@oxlint/binding-linux-x64-musl')).toEqual({
    os: ['linux'],
    cpu: ['x64'],
    libc: ['musl'],
  })
  expect(platformOf('@biomejs/cli-darwin-arm64')).toEqual({ os: ['darwin'], cpu: ['arm64'] })
  expect(platformOf('@tailwindcss/oxide-wasm32-wasi')).toEqual({ os: ['wasi'], cpu: ['wasm32'] })
})

test('only builds that are missing are added', () => {
  const packages = {
    'node_modules/tool': {
      version: '1.0.0',
      optionalDependencies: { 'tool-linux-x64': '1.0.0', 'tool-win32-x64': '1.0.0' },
    },
    'node_modules/tool-linux-x64': { version: '1.0.0', os: ['linux'] },
  }
  expect(completed(packages)).toEqual({
    ...packages,
    'node_modules/tool-win32-x64': {
      version: '1.0.0',
      optional: true,
      os: ['win32'],
      cpu: ['x64'],
    },
  })
})

test('npm ci would find every optional build in the lockfile', async () => {
  const lock = await Bun.file(new URL('../package-lock.json', import.meta.url)).json()
  expect(Object.keys(completed(lock.packages))).toEqual(Object.keys(lock.packages))
})
