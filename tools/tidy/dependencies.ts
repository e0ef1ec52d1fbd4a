/**
 * Every npm dependency has a reason (the list below), an exact version, and no registry's address
 * in the lockfile.
 */
import { dirname } from 'node:path/posix'
import { importsOf } from './source.ts'
import { isCode, isTest, lineAt } from './tree.ts'
import type { Finding, Tree } from './tree.ts'

/**
 * Name to reason. A new dependency comes with its line here, and one that is gone takes its line
 * along.
 */
const allowedDependencies: Readonly<Record<string, string>> = {
  '@bufbuild/protobuf': 'the wire format: schema evolution that buf can guard',
  '@clack/prompts': 'asks for the code on a terminal',
  '@fontsource-variable/inter': 'the typeface, from our own server instead of a CDN',
  '@hono/zod-openapi': 'one definition for checking requests and for /openapi.json',
  '@noble/ciphers': 'AES and ChaCha in the browser too, audited',
  '@noble/curves': 'Curve25519, audited',
  '@noble/ed25519':
    'points of Edwards25519 for XEdDSA, a fifth of the size; held to vectors and to @noble/curves',
  '@noble/hashes': 'SHA-2, HMAC and HKDF, audited',
  '@noble/post-quantum':
    'ML-KEM; not audited, so always beside X25519 and tested against the oracle',
  '@signalapp/libsignal-client': 'the official library as an oracle, in tests/interop only',
  '@sqlite.org/sqlite-wasm': 'the database in the browser, on OPFS',
  '@tailwindcss/vite': 'compiles the styles at build time',
  '@vitejs/plugin-react': 'compiles the interface at build time',
  commander: 'options, commands and help of the command line',
  hono: 'routes of the HTTP API; no dependencies of its own',
  jose: 'signs and checks access tokens',
  kysely: 'one set of SQL queries for SQLite and PostgreSQL',
  'libphonenumber-js': 'what a phone number is, country by country',
  'lucide-react': 'icons',
  pino: 'structured log lines with a redaction list',
  'prom-client': '/metrics',
  'radix-ui': 'dialogs and menus that keyboards and screen readers can use',
  react: 'the interface',
  'react-dom': 'the interface',
  tailwindcss: 'styles from tokens',
  vite: 'builds the web app',
  wouter: 'routes of the web app in 3 KB',
  zod: 'parses requests and configuration at the edge',
  zustand: 'state of the interface that is not in the database',
  '@biomejs/biome': 'formatter',
  '@bufbuild/buf': 'lints the protobuf files and finds breaking changes, offline',
  '@bufbuild/protoc-gen-es': 'generates packages/wire/src/gen',
  '@types/bun': 'types',
  '@types/react': 'types',
  '@types/react-dom': 'types',
  'axe-core': 'finds accessibility defects in browser tests',
  bun: 'runs the server, the command line and the tests',
  'fast-check': 'properties in tests',
  knip: 'finds exports and dependencies that nothing uses',
  oxlint: 'linter',
  'oxlint-tsgolint': 'the linter rules that need types',
  'playwright-core': 'drives Chromium in browser tests',
  typescript: 'type check',
}

interface Manifest {
  name?: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export function checkDependencies(tree: Tree, allowed = allowedDependencies): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const file of tree.files) {
    if (!/(^|\/)package\.json$/.test(file.path)) continue
    for (const [name, version] of declaredIn(JSON.parse(file.text) as Manifest)) {
      const line = lineAt(file.text, file.text.indexOf(`"${name}"`))
      const report = (says: string) =>
        findings.push({ path: file.path, line, rule: 'dependency', says })
      if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) {
        report(`Pin ${name} to an exact version instead of ${version}.`)
      }
      if (name.startsWith('@parley/')) continue
      seen.add(name)
      if (!allowed[name]) {
        report(
          `${name} is not on the allow-list. Do without it, or add it to tools/tidy/dependencies.ts with its reason.`,
        )
      }
    }
  }
  for (const name of Object.keys(allowed).filter((each) => !seen.has(each))) {
    const says = `No package.json names ${name} any more. Take it off the list.`
    findings.push({ path: 'tools/tidy/dependencies.ts', line: 0, rule: 'dependency', says })
  }
  return [...findings, ...undeclared(tree), ...registryHosts(tree)]
}

function declaredIn(manifest: Manifest): [string, string][] {
  return [
    manifest.dependencies,
    manifest.devDependencies,
    manifest.optionalDependencies,
    manifest.peerDependencies,
  ].flatMap((group) => Object.entries(group ?? {}))
}

/** What a file imports stands in the package.json of its package, or in the root's. */
function undeclared(tree: Tree): Finding[] {
  const manifests = new Map<string, Set<string>>()
  for (const file of tree.files) {
    if (!/(^|\/)package\.json$/.test(file.path)) continue
    const manifest = JSON.parse(file.text) as Manifest
    const names = declaredIn(manifest).map(([name]) => name)
    manifests.set(dirname(file.path), new Set([...names, manifest.name ?? '']))
  }
  const declares = (path: string, name: string) => {
    // Workspaces are linked at the root, and what only tests need stands there.
    const test = isTest(path) || /^(packages\/testkit|bench|tools)\//.test(path)
    if (test && name.startsWith('@parley/')) return true
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const names = manifests.get(folder)
      if (names?.has(name)) return true
      if ((names && !test) || folder === '.') return false
    }
  }
  return tree.files
    .filter((file) => isCode(file.path))
    .flatMap((file) =>
      importsOf(file)
        .map(({ specifier, index }) => ({ name: packageOf(specifier), index }))
        .filter(({ name }) => name !== undefined && !declares(file.path, name))
        .map(({ name, index }) => ({
          path: file.path,
          line: lineAt(file.text, index),
          rule: 'dependency',
          says: `${name} is not in this package's package.json.`,
        })),
    )
}

function packageOf(specifier: string): string | undefined {
  if (/^\.|^(node|bun):|^bun$/.test(specifier)) return undefined
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

function registryHosts(tree: Tree): Finding[] {
  return tree.files
    .filter((file) => file.path.endsWith('package-lock.json'))
    .flatMap((file) =>
      [...file.text.matchAll(/"resolved": "https?:[^"]*"/g)].map((match) => ({
        path: file.path,
        line: lineAt(file.text, match.index),
        rule: 'lockfile',
        says: 'The lockfile names a registry. Make it anew with the .npmrc of this repository.',
      })),
    )
}
