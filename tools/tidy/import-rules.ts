/**
 * Who may import whom, as a table (docs/ARCHITECTURE.md draws it). The first row that fits a file
 * is its rule.
 */

export interface Target {
  /** As written in the import. */
  specifier: string
  typeOnly: boolean
  kind: 'file' | 'ours' | 'platform' | 'npm'
  /** Of a file: its path from the root. Of ours: `@parley/sdk/bun`. Of npm: the package's name. */
  name: string
}

export interface ImportRule {
  /** For the message: whose rule it is. */
  house: string
  files: RegExp
  /** What may be imported besides the file's own folder. */
  may: (target: Target, from: string) => boolean
  /** What to do instead. */
  says: string
}

const ours = (target: Target, ...names: string[]) =>
  target.kind === 'ours' && names.includes(target.name)
const npm = (target: Target, ...names: string[]) =>
  target.kind === 'npm' && names.some((name) => matches(name, target.name))
const under = (target: Target, ...folders: string[]) =>
  target.kind === 'file' && folders.some((folder) => target.name.startsWith(folder))
const platform = (target: Target) => target.kind === 'platform'

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

const server = 'packages/server/src/'

/** A port of a backend: the interface is named like its folder. */
function isPort(target: Target): boolean {
  return target.kind === 'file' && /\/backends\/(\w+)\/\1\.ts$/.test(target.name)
}

/**
 * Modules meet in ports, wired in roles.ts, and may know each other's types: nothing is called
 * through those.
 */
function isModulePort(target: Target): boolean {
  return (
    under(target, server) &&
    !target.name.includes('/backends/') &&
    (target.typeOnly || target.name.endsWith('/ports.ts'))
  )
}

/** Files directly in packages/server/src but the two that know everything. */
function isServerGround(target: Target): boolean {
  return (
    under(target, server) &&
    !target.name.slice(server.length).includes('/') &&
    !/\/(index|roles)\.ts$/.test(target.name)
  )
}

function folderOf(path: string, depth: number): string {
  return `${path.split('/').slice(0, depth).join('/')}/`
}

export const importRules: readonly ImportRule[] = [
  {
    house: 'tests/interop',
    files: /^tests\/interop\//,
    may: (target) =>
      target.name.startsWith('@parley/crypto') ||
      npm(target, '@signalapp/libsignal-client') ||
      under(target, 'tests/interop/', 'packages/crypto/src/', 'bench/crypto/') ||
      target.name === 'tests/browser/chromium.ts' ||
      platform(target),
    says: 'It compares packages/crypto with the oracle, and needs bench/crypto only beside it.',
  },
  {
    house: 'tests and load generators',
    files:
      /^(tests\/|bench\/|packages\/testkit\/)|\.(test|contract|fixture)\.tsx?$|\/test-[\w-]+\.ts$/,
    may: (target) => !under(target, 'tests/interop/'),
    says: 'Nothing imports tests/interop: the oracle stays in its own process.',
  },
  {
    house: 'packages/wire',
    files: /^packages\/wire\//,
    may: (target) => npm(target, '@bufbuild/protobuf') || under(target, 'packages/wire/src/'),
    says: 'The contract imports nothing of ours and nothing but protobuf.',
  },
  {
    house: 'packages/crypto',
    files: /^packages\/crypto\//,
    may: (target, from) =>
      npm(target, '@noble/*') ||
      under(target, 'packages/crypto/src/') ||
      (platform(target) && from.endsWith('.bun.ts')),
    says: 'It can be read and audited alone: @noble and its own files only.',
  },
  {
    house: 'packages/sdk',
    files: /^packages\/sdk\//,
    may: (target, from) =>
      target.name === '@parley/wire' ||
      target.name.startsWith('@parley/crypto') ||
      under(target, 'packages/sdk/src/') ||
      (platform(target) && from.endsWith('.bun.ts')) ||
      (npm(target, '@sqlite.org/sqlite-wasm') && from.endsWith('.browser.ts')),
    says: 'The engine is headless and portable: wire, crypto and its own files; the platform in *.bun.ts and *.browser.ts.',
  },
  {
    house: 'packages/server/src/backends',
    files: /^packages\/server\/src\/backends\//,
    may: (target, from) =>
      target.name === '@parley/wire' ||
      platform(target) ||
      target.kind === 'npm' ||
      under(target, folderOf(from, 5)) ||
      isPort(target) ||
      isServerGround(target),
    says: 'An adapter knows its own port and its driver; no module, and no adapter of another port.',
  },
  {
    house: 'packages/server, the files that put modules together',
    files:
      /^packages\/server\/src\/((index|roles)\.ts|gateway\/(handlers|connection|gateway)\.ts|http\/)/,
    may: (target) =>
      ['@parley/wire', '@parley/crypto/signatures-bun'].includes(target.name) ||
      target.kind === 'npm' ||
      platform(target) ||
      under(target, server),
    says: 'The server cannot decrypt: of crypto it may import the signature checks, of the SDK nothing.',
  },
  {
    house: 'packages/server modules',
    files: /^packages\/server\//,
    may: (target, from) =>
      ['@parley/wire', '@parley/crypto/signatures-bun'].includes(target.name) ||
      target.kind === 'npm' ||
      platform(target) ||
      isPort(target) ||
      isModulePort(target) ||
      isServerGround(target) ||
      (from.split('/').length > 4 && under(target, folderOf(from, 4))),
    says: 'A module imports wire, ports (backends/x/x.ts, ports.ts), the files directly in packages/server/src and its own folder. Other modules are called by gateway/ (handlers, connection, gateway), http/ and roles.ts; adapters are chosen by apps/server.',
  },
  {
    house: 'apps/server',
    files: /^apps\/server\//,
    may: (target) =>
      ours(target, '@parley/server', '@parley/wire') ||
      under(target, 'apps/server/') ||
      target.kind === 'npm' ||
      platform(target),
    says: 'The main of the server wires @parley/server; it knows no client.',
  },
  {
    house: 'apps/cli',
    files: /^apps\/cli\//,
    may: (target) =>
      ours(target, '@parley/sdk', '@parley/sdk/bun', '@parley/app-server') ||
      under(target, 'apps/cli/') ||
      target.kind === 'npm' ||
      platform(target),
    says: 'The command line talks through @parley/sdk; what it lacks belongs into the facade.',
  },
  {
    house: 'apps/web/src/client and worker',
    files: /^apps\/web\/src\/(client|worker)\//,
    may: (target) =>
      ours(target, '@parley/sdk', '@parley/sdk/browser', '@parley/sdk/worker') ||
      under(target, 'apps/web/src/client/', 'apps/web/src/worker/', 'apps/web/src/platform/') ||
      target.kind === 'npm',
    says: 'This is the door to the engine: @parley/sdk, and no screens.',
  },
  {
    house: 'apps/web/src/ui',
    files: /^apps\/web\/src\/ui\//,
    may: (target) =>
      (target.kind === 'npm' && target.name !== 'zustand') ||
      under(target, 'apps/web/src/ui/', 'apps/web/src/platform/'),
    says: 'Components are dumb: they get what they show, and know neither client nor engine.',
  },
  {
    house: 'apps/web',
    files: /^apps\/web\//,
    may: (target, from) =>
      target.kind === 'npm' ||
      under(target, 'apps/web/') ||
      (platform(target) && /^apps\/web\/(build\/|vite\.config)/.test(from)),
    says: 'Screens import apps/web/src/client; only that folder and the worker know @parley/sdk.',
  },
  {
    house: 'tools',
    files: /^tools\//,
    may: (target) => platform(target) || under(target, 'tools/'),
    says: 'Tools run before anything is built: the platform only.',
  },
]
