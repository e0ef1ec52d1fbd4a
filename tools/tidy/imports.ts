/**
 * Checks each import of each file: that its house may (import-rules.ts), that the platform stays
 * behind its suffix, that its file exists, and that no file is left that nobody imports.
 */
import { dirname, normalize } from 'node:path/posix'
import { importRules } from './import-rules.ts'
import type { Target } from './import-rules.ts'
import { importsOf, sourceOf } from './source.ts'
import { isCode, isTest, lineAt } from './tree.ts'
import type { Finding, TextFile, Tree } from './tree.ts'

export function checkImports(tree: Tree): Finding[] {
  return tree.files
    .filter((file) => isCode(file.path))
    .flatMap((file) => importFindings(tree, file))
}

function importFindings(tree: Tree, file: TextFile): Finding[] {
  const findings: Finding[] = []
  for (const { specifier, typeOnly, index } of importsOf(file)) {
    const target = { ...targetOf(file.path, specifier), typeOnly }
    for (const says of complaints(tree, file.path, target)) {
      findings.push({ path: file.path, line: lineAt(file.text, index), rule: 'import', says })
    }
  }
  return findings.concat(platformGlobals(file))
}

function targetOf(from: string, specifier: string): Omit<Target, 'typeOnly'> {
  if (specifier.startsWith('.')) {
    const path = normalize(`${dirname(from)}/${specifier}`).replace(/\?.*$/, '')
    return { specifier, kind: 'file', name: path }
  }
  if (specifier.startsWith('@parley/')) return { specifier, kind: 'ours', name: specifier }
  if (/^(node|bun):|^bun$/.test(specifier)) return { specifier, kind: 'platform', name: specifier }
  const parts = specifier.split('/')
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
  return { specifier, kind: 'npm', name }
}

function* complaints(tree: Tree, from: string, target: Target): Generator<string> {
  const rule = importRules.find(({ files }) => files.test(from))
  if (!rule) {
    yield `No import rule covers this file. Give its folder one in tools/tidy/import-rules.ts.`
  } else if (!rule.may(target, from)) {
    yield `${rule.house} may not import ${target.specifier}. ${rule.says}`
  }
  if (target.kind === 'file' && !tree.exists(target.name)) {
    yield `${target.specifier} does not exist.`
  }
  if (target.name === '@parley/testkit' && !isTest(from) && !from.startsWith('bench/')) {
    yield 'Only tests and load generators use testkit.'
  }
  const suffix = /\.(bun|browser)\.tsx?$/.exec(target.name)?.[1]
  if (target.kind === 'file' && suffix && isPortable(from) && !from.includes(`.${suffix}.`)) {
    yield `A portable file may not import a *.${suffix}.ts: take it as a parameter.`
  }
}

/** Runs in browser, Bun and Node: platform code only behind a suffix. */
function isPortable(path: string): boolean {
  return /^packages\/(wire|crypto|sdk)\//.test(path) && !isTest(path)
}

const bunGlobals = /\b(Bun|process|Buffer|__dirname)\s*[.(]|\bimport\.meta\.(dir|path|main)\b/g
const browserGlobals = /\b(window|document|navigator|localStorage|sessionStorage|indexedDB)\s*[.(]/g

function platformGlobals(file: TextFile): Finding[] {
  if (!isPortable(file.path)) return []
  const found = (pattern: RegExp, suffix: string) =>
    file.path.includes(`.${suffix}.`)
      ? []
      : [...sourceOf(file).code.matchAll(pattern)].map((match) => ({
          path: file.path,
          line: lineAt(file.text, match.index),
          rule: 'import',
          says: `${match[0]} belongs into a *.${suffix}.ts file, behind a port.`,
        }))
  return [...found(bunGlobals, 'bun'), ...found(browserGlobals, 'browser')]
}

/** What starts a program or a tool by its name, and so is imported by nobody. */
function isEntry({ path, text }: TextFile, named: string): boolean {
  if (isTest(path) && /\.test\.tsx?$/.test(path)) return true
  if (/\.config\.ts$|\.d\.ts$/.test(path)) return true
  // Run by hand: its opening says so.
  if (text.includes(`bun ${path}`)) return true
  const parts = path.split('/')
  if (named.includes(`'${parts.at(-1)}'`)) return true
  return parts.some((_, from) => {
    const tail = parts.slice(from).join('/')
    return tail.includes('/') && named.includes(tail)
  })
}

/** A file that only its own test imports counts as not imported. */
export function checkDeadFiles(tree: Tree): Finding[] {
  const byProduct = new Set<string>()
  const byTests = new Set<string>()
  for (const file of tree.files) {
    if (!/\.(tsx?|js)$/.test(file.path)) continue
    for (const { specifier } of importsOf(file)) {
      const { kind, name } = targetOf(file.path, specifier)
      if (kind === 'file') (/\.test\.tsx?$/.test(file.path) ? byTests : byProduct).add(name)
    }
  }
  const named = tree.files
    .filter(namesEntries)
    .map((file) => file.text)
    .join('\n')
  return tree.files
    .filter(({ path }) => isCode(path) && !byProduct.has(path))
    .filter(({ path }) => !(byTests.has(path) && (isTest(path) || path.startsWith('tools/'))))
    .filter((file) => !isEntry(file, named))
    .map(({ path }) => {
      const says = byTests.has(path)
        ? 'Only its test imports this file. Use it or delete it.'
        : 'Nothing imports this file. Use it or delete it.'
      return { path, line: 0, rule: 'dead-file', says }
    })
}

/**
 * Files that may name a program's entry: manifests, pages, scripts and what starts processes or
 * workers.
 */
function namesEntries({ path, text }: TextFile): boolean {
  if (/(^|\/)package\.json$|\.html$|^\.ci\/|\/bin\//.test(path)) return true
  return isCode(path) && /\b(defineConfig|rolldownOptions|spawn|spawnSync|fork|Worker)\(/.test(text)
}
