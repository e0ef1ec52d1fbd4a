import { expect, test } from 'bun:test'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { formatFinding, tidy } from '../tidy.ts'
import { checkDependencies } from './dependencies.ts'
import { checkSizes, functionsOf } from './sizes.ts'
import { importsOf, sourceOf } from './source.ts'
import type { Finding, Tree } from './tree.ts'

/** A small house in which everything is in order. */
const house: Readonly<Record<string, string>> = {
  'packages/wire/src/index.ts': "export * from './ids.ts'\n",
  'packages/wire/src/ids.ts': '/** Ids. */\nexport const id = 1\n',
  'packages/sdk/src/index.ts': "export * from './client.ts'\n",
  'packages/sdk/src/client.ts': "/** Facade. */\nimport { id } from '@parley/wire'\nid()\n",
  'packages/sdk/package.json':
    '{ "exports": "./src/index.ts", "dependencies": { "@parley/wire": "0.1.0" } }\n',
  'packages/wire/package.json': '{ "exports": "./src/index.ts" }\n',
  'package.json': '{ "name": "root" }\n',
  'docs/spec/log.md': '# Log\n\n- **L1** durable when resolved.\n',
  'packages/wire/src/ids.test.ts':
    "import { test } from 'bun:test'\nimport './ids.ts'\ntest('[L1] is durable', () => {})\n",
}

function treeOf(files: Readonly<Record<string, string>>): Tree {
  const paths = Object.keys(files)
  return {
    files: paths.map((path) => ({ path, text: files[path] ?? '' })),
    exists: (path) => paths.some((each) => each === path || each.startsWith(`${path}/`)),
  }
}

/** Without the complaints about the real lists, which this small house does not use up. */
function findingsWith(planted: Readonly<Record<string, string>>): Finding[] {
  return tidy(treeOf({ ...house, ...planted })).filter(({ path }) => !path.startsWith('tools/'))
}

const client = 'packages/sdk/src/client.ts'
const manyLines = (count: number) => '  id()\n'.repeat(count)

interface Plant {
  what: string
  files: Record<string, string>
  rule: string
  at: string
  says: RegExp
}

const plants: readonly Plant[] = [
  {
    what: 'an import that the table forbids',
    files: { [client]: "/** Facade. */\nimport '@parley/wire'\nimport '@parley/server'\n" },
    rule: 'import',
    at: `${client}:3`,
    says: /packages\/sdk may not import @parley\/server/,
  },
  {
    what: 'an import that only stands for a type',
    files: { [client]: "/** Facade. */\nimport type { X } from '@parley/server'\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /may not import @parley\/server/,
  },
  {
    what: 'a dynamic import',
    files: { [client]: "/** Facade. */\nawait import('react')\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /may not import react/,
  },
  {
    what: 'a path into the inside of another package',
    files: { [client]: "/** Facade. */\nimport '../../wire/src/ids.ts'\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /may not import \.\.\/\.\.\/wire/,
  },
  {
    what: 'decryption in the server',
    files: {
      'packages/server/src/messages/accept.ts': "/** Hop 3. */\nimport '@parley/crypto'\n",
    },
    rule: 'import',
    at: 'packages/server/src/messages/accept.ts:2',
    says: /may not import @parley\/crypto/,
  },
  {
    what: 'an adapter in a module of the server',
    files: {
      'packages/server/src/messages/accept.ts':
        "/** Hop 3. */\nimport '../backends/log/log-sqlite.ts'\n",
    },
    rule: 'import',
    at: 'packages/server/src/messages/accept.ts:2',
    says: /log-sqlite\.ts/,
  },
  {
    what: 'a module that calls another module',
    files: {
      'packages/server/src/messages/accept.ts': "/** Hop 3. */\nimport '../accounts/devices.ts'\n",
    },
    rule: 'import',
    at: 'packages/server/src/messages/accept.ts:2',
    says: /its own folder/,
  },
  {
    what: 'an adapter in a module of the server, if only as a type',
    files: {
      'packages/server/src/messages/accept.ts':
        "/** Hop 3. */\nimport type { L } from '../backends/log/log-sqlite.ts'\n",
    },
    rule: 'import',
    at: 'packages/server/src/messages/accept.ts:2',
    says: /log-sqlite\.ts/,
  },
  {
    what: 'an import of a file that is not there',
    files: { [client]: "/** Facade. */\nimport './gone.ts'\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /gone\.ts does not exist/,
  },
  {
    what: 'testkit in what is shipped',
    files: { [client]: "/** Facade. */\nimport '@parley/testkit'\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /Only tests/,
  },
  {
    what: 'a folder without a rule',
    files: { 'packages/extra/src/thing.ts': "/** New. */\nimport 'node:fs'\n" },
    rule: 'import',
    at: 'packages/extra/src/thing.ts:2',
    says: /No import rule covers this file/,
  },
  {
    what: 'the platform in a portable file',
    files: { [client]: "/** Facade. */\nimport { Database } from 'bun:sqlite'\n" },
    rule: 'import',
    at: `${client}:2`,
    says: /may not import bun:sqlite/,
  },
  {
    what: 'a *.bun.ts imported by a portable file',
    files: {
      [client]: "/** Facade. */\nimport './lock.bun.ts'\n",
      'packages/sdk/src/lock.bun.ts': "/** Lock. */\nimport 'node:fs'\n",
    },
    rule: 'import',
    at: `${client}:2`,
    says: /may not import a \*\.bun\.ts/,
  },
  {
    what: "a browser's global outside *.browser.ts",
    files: { [client]: '/** Facade. */\nwindow.close()\n' },
    rule: 'import',
    at: `${client}:2`,
    says: /belongs into a \*\.browser\.ts/,
  },
  {
    what: 'a file that nobody imports',
    files: { 'packages/sdk/src/left-over.ts': '/** Was used once. */\nexport const x = 1\n' },
    rule: 'dead-file',
    at: 'packages/sdk/src/left-over.ts',
    says: /Nothing imports/,
  },
  {
    what: 'a file that only its test imports',
    files: {
      'packages/sdk/src/left-over.ts': '/** Was used once. */\nexport const x = 1\n',
      'packages/sdk/src/left-over.test.ts': "import './left-over.ts'\n",
    },
    rule: 'dead-file',
    at: 'packages/sdk/src/left-over.ts',
    says: /Only its test/,
  },
  {
    what: 'a long file',
    files: { [client]: `/** Facade. */\n${'id()\n'.repeat(500)}` },
    rule: 'size',
    at: client,
    says: /501 lines, at most 500/,
  },
  {
    what: 'a long function',
    files: { [client]: `/** Facade. */\nfunction long() {\n${manyLines(69)}}\n` },
    rule: 'size',
    at: `${client}:2`,
    says: /71 lines, at most 70/,
  },
  {
    what: 'a long line',
    files: { [client]: `/** Facade. */\nconst sum = 1${' + 1'.repeat(40)}\n` },
    rule: 'size',
    at: `${client}:2`,
    says: /at most 120/,
  },
  {
    what: 'a long comment',
    files: { [client]: `/** Facade. */\n// ${'word '.repeat(20)}\nexport const x = 1\n` },
    rule: 'size',
    at: `${client}:2`,
    says: /at most 100 are allowed. Wrap/,
  },
  ...(
    [
      ['Date.now()', /clock\.now\(\)/],
      ['new Date()', /clock\.now\(\)/],
      ['performance.now()', /clock\.now\(\)/],
      ['Math.random()', /random source/],
      ['crypto.getRandomValues(x)', /random source/],
      ['setTimeout(x, 1)', /clock\.after\(\)/],
      ['setInterval(x, 1)', /clock\.after\(\)/],
      ['await Bun.sleep(1)', /clock\.after\(\)/],
      ['console.log(1)', /logger/],
      ['export default 1', /by name/],
      ['// TODO later', /number of its issue/],
      ['// oxlint-disable-next-line no-eval', /reason/],
      ['// @ts-ignore', /reason/],
    ] as const
  ).map(([code, says]) => ({
    what: code,
    files: { [client]: `/** Facade. */\n${code}\n` },
    rule: 'banned',
    at: `${client}:2`,
    says,
  })),
  {
    what: 'a path of one machine',
    files: { [client]: `/** Facade. */\nconst home = '${'/home'}/somebody'\n` },
    rule: 'machine-path',
    at: `${client}:2`,
    says: /one machine/,
  },
  {
    what: 'a dependency without a reason',
    files: { 'package.json': '{\n  "dependencies": { "left-pad": "1.3.0" }\n}\n' },
    rule: 'dependency',
    at: 'package.json:2',
    says: /allow-list/,
  },
  {
    what: 'a range instead of a version',
    files: { 'package.json': '{\n  "dependencies": { "hono": "^4.0.0" }\n}\n' },
    rule: 'dependency',
    at: 'package.json:2',
    says: /exact version/,
  },
  {
    what: 'an import that no package.json declares',
    files: { [client]: "/** Facade. */\nimport 'hono'\n" },
    rule: 'dependency',
    at: `${client}:2`,
    says: /package\.json/,
  },
  {
    what: "a registry's address in the lockfile",
    files: { 'package-lock.json': '{\n  "resolved": "https://registry.example/x.tgz"\n}\n' },
    rule: 'lockfile',
    at: 'package-lock.json:2',
    says: /registry/,
  },
  {
    what: 'a document that names a file which is not there',
    files: { 'docs/notes.md': '# Notes\n\nSee `packages/sdk/src/gone.ts`.\n' },
    rule: 'document',
    at: 'docs/notes.md:3',
    says: /gone\.ts does not exist/,
  },
  {
    what: 'a link to nowhere',
    files: { 'docs/notes.md': '# Notes\n\n[there](spec/gone.md#l1)\n' },
    rule: 'document',
    at: 'docs/notes.md:3',
    says: /gone\.md does not exist/,
  },
  {
    what: 'a test of a rule that nobody wrote down',
    files: {
      'packages/sdk/src/x.test.ts':
        "import { test } from 'bun:test'\ntest('[L1, L99] holds', () => {})\n",
    },
    rule: 'spec',
    at: 'packages/sdk/src/x.test.ts:2',
    says: /No rule L99/,
  },
  {
    what: 'a rule without a test',
    files: { 'docs/spec/bus.md': '# Bus\n\n| B7 | is heard |\n' },
    rule: 'spec',
    at: 'docs/spec/bus.md:3',
    says: /No test carries \[B7\]/,
  },
  {
    what: 'a file without an opening comment',
    files: { [client]: 'export const x = 1\n' },
    rule: 'opening',
    at: `${client}:1`,
    says: /Open the file/,
  },
  {
    what: 'an index.ts that does something',
    files: { 'packages/wire/src/index.ts': "export * from './ids.ts'\nstart()\n" },
    rule: 'index',
    at: 'packages/wire/src/index.ts:1',
    says: /nothing else/,
  },
  {
    what: 'an index.ts in a folder',
    files: { 'packages/sdk/src/state/index.ts': "export * from '../client.ts'\n" },
    rule: 'index',
    at: 'packages/sdk/src/state/index.ts:1',
    says: /root of a package/,
  },
]

test('a house in order has no findings', () => {
  expect(findingsWith({})).toEqual([])
})

for (const { what, files, rule, at, says } of plants) {
  test(`finds ${what}`, () => {
    const found = findingsWith(files).filter((finding) => finding.rule === rule)
    expect(found.map(formatFinding).join('\n')).toMatch(says)
    const [path, line = '0'] = at.split(':')
    expect(found.map((each) => `${each.path}:${each.line}`)).toContain(`${path}:${line}`)
  })
}

test('what stands in a comment or a string is no call', () => {
  const text =
    "/** Not Date.now(). */\nconst says = 'setTimeout(x)' // Math.random()\nconst pattern = /Date.now/\nconst line = `console.log(${says})`\n"
  expect(findingsWith({ [client]: text })).toEqual([])
})

test('a call inside a template is still a call', () => {
  const text = "/** Facade. */\nconst line = `at ${Date.now()} o'clock`\n"
  expect(findingsWith({ [client]: text }).map((each) => each.rule)).toEqual(['banned'])
})

test('a module of the server may know the types of another one', () => {
  const accept = 'packages/server/src/messages/accept.ts'
  const devices = 'packages/server/src/accounts/devices.ts'
  const files = {
    [accept]: "/** Hop 3. */\nimport type {\n  Devices,\n} from '../accounts/devices.ts'\n",
    [devices]: '/** Lists. */\nexport interface Devices {}\n',
    'packages/server/package.json': '{ "exports": "src/messages/accept.ts" }',
  }
  expect(findingsWith(files)).toEqual([])
})

test('platform folders and testkit may ask the machine for the time', () => {
  const text = '/** Time. */\nexport const now = () => Date.now()\n'
  const files = {
    'packages/sdk/src/platform/clock.ts': text,
    [client]: "/** Facade. */\nimport './platform/clock.ts'\n",
  }
  expect(findingsWith(files)).toEqual([])
})

test('the ratchet lets an old file be as large as it was, and no larger', () => {
  const big = (lines: number) => treeOf({ 'packages/sdk/src/big.ts': 'id()\n'.repeat(lines) })
  const ratchet = { 'packages/sdk/src/big.ts': 600 }
  expect(checkSizes(big(600), ratchet)).toEqual([])
  expect(checkSizes(big(601), ratchet).map((each) => each.says)).toEqual([
    expect.stringContaining('at most 600'),
  ])
})

test('an entry of the ratchet that is not needed any more has to go', () => {
  const found = checkSizes(treeOf({ 'packages/sdk/src/big.ts': 'id()\n' }), {
    'packages/sdk/src/big.ts': 600,
  })
  expect(found.map((each) => each.says)).toEqual([expect.stringContaining('Take it off')])
})

test('an entry of the allow-list that nobody depends on has to go', () => {
  const found = checkDependencies(treeOf({ 'package.json': '{}' }), { hono: 'routes' })
  expect(found.map((each) => each.says)).toEqual([expect.stringContaining('Take it off')])
})

test('functions are measured from the first line of their head, whatever their return type', () => {
  const code = [
    'export async function one(',
    '  input: string,',
    '): Promise<{ a: string }> {',
    '  if (input) {',
    '    for (const x of input) {',
    '    }',
    '  }',
    '}',
    'const two = (a: number): { b: string } => {',
    '  return { b: "" }',
    '}',
    'class Three {',
    '  method() {',
    '  }',
    '}',
  ]
  expect(functionsOf(code).map(({ line, size }) => [line, size])).toEqual([
    [1, 8],
    [9, 3],
    [13, 2],
  ])
})

test('imports are found in every form', () => {
  const text = [
    "import a from './a.ts'",
    "import type { B } from './b.ts'",
    "export { c } from './c.ts'",
    "import './d.ts'",
    "const e = await import('./e.ts')",
    "new Worker(new URL('./f.ts', import.meta.url))",
    "// import './g.ts'",
    'const text = "import \'./h.ts\'"',
    'import {',
    '  i,',
    "} from './i.ts'",
  ].join('\n')
  const file = { path: 'x.ts', text }
  const letters = importsOf(file).map(({ specifier }) => specifier)
  expect(letters.join()).toBe('./a.ts,./b.ts,./c.ts,./d.ts,./e.ts,./f.ts,./i.ts')
  expect(sourceOf(file).code.length).toBe(text.length)
})

test('the command prints place, rule and advice, and fails', () => {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  for (const [path, text] of Object.entries({ ...house, [client]: '/** X. */\nDate.now()\n' })) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const command = [process.execPath, join(import.meta.dirname, '../tidy.ts'), root]
  const { exitCode, stderr } = Bun.spawnSync(command)
  rmSync(root, { recursive: true })
  expect(exitCode).toBe(1)
  expect(stderr.toString()).toContain(
    `${client}:2 [banned] Date.now: Ask the clock that was given in (clock.now()).\n`,
  )
})
