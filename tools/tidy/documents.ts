/**
 * Documents tell the truth: a path that they name exists, and each rule of docs/spec has a test
 * that carries its id, and the other way round.
 */
import { dirname, normalize } from 'node:path/posix'
import { isCode, isGenerated, isTest, lineAt } from './tree.ts'
import type { Finding, TextFile, Tree } from './tree.ts'

const topFolders = /^(packages|apps|docs|tests|tools|bench|vectors|deploy|\.ci)\//

export function checkDocumentPaths(tree: Tree): Finding[] {
  return tree.files
    .filter((file) => file.path.endsWith('.md'))
    .flatMap((file) =>
      pathsIn(file)
        .filter(({ path }) => !existsSomewhere(tree, file.path, path))
        .map(({ path, index }) => ({
          path: file.path,
          line: lineAt(file.text, index),
          rule: 'document',
          says: `${path} does not exist. Name the path that does.`,
        })),
    )
}

function pathsIn(file: TextFile): { path: string; index: number }[] {
  const found: { path: string; index: number }[] = []
  for (const match of file.text.matchAll(/`([^`\n]+)`/g)) {
    for (const word of (match[1] ?? '').split(/\s+/)) {
      const path = word.replace(/[:,;.]+$/, '').replace(/#.*$/, '')
      if (looksLikePath(path)) found.push({ path, index: match.index })
    }
  }
  for (const match of file.text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
    const path = match[1] ?? ''
    if (!/^[a-z]+:/.test(path)) found.push({ path, index: match.index })
  }
  return found
}

/** A path of the repository, and not an npm name, an address, a media type or a pattern. */
function looksLikePath(word: string): boolean {
  if (/[<>*|=$"'():]|^[@/~.-]|node_modules/.test(word.replace(/^\.ci\//, 'ci/'))) return false
  return topFolders.test(word) || /^[\w./{},-]+\/[\w.{},-]+\.(ts|tsx|md|json|proto|css)$/.test(word)
}

function existsSomewhere(tree: Tree, document: string, path: string): boolean {
  return expandBraces(path).every((each) =>
    [dirname(document), '.', 'packages', 'packages/server/src', 'packages/sdk/src'].some((folder) =>
      tree.exists(normalize(`${folder}/${each}`)),
    ),
  )
}

function expandBraces(path: string): string[] {
  const match = /^(.*?)\{([^{}]+)\}(.*)$/.exec(path)
  if (!match) return [path]
  const [, before = '', choices = '', after = ''] = match
  return choices.split(',').flatMap((choice) => expandBraces(before + choice + after))
}

const ruleId = '[A-Z]{1,2}\\d{1,3}'

/** `- **L3** …`, `### L3 …` or `| L3 | …` at the beginning of a line defines a rule. */
const definition = new RegExp(`^[-*#|> \\t]*(${ruleId})\\b`, 'gm')
const inTestName = new RegExp(`\\[(${ruleId}(?:[ ,–-]+${ruleId})*)\\]`, 'g')
/** The first argument of a call, whatever a suite calls its `test`. */
const testName = /\(\s*(['"`])(\[.*?)\1/gs

export function checkRules(tree: Tree): Finding[] {
  const findings: Finding[] = []
  const defined = definitions(tree, /^docs\/spec\/.*\.md$/)
  const alsoKnown = definitions(tree, /^docs\/ARCHITECTURE\.md$/)
  const tested = new Set<string>()
  for (const { file, id, index } of idsInTestNames(tree)) {
    const isRepeat = tested.has(id)
    tested.add(id)
    if (isRepeat || defined.has(id) || alsoKnown.has(id)) continue
    const says = `No rule ${id} in docs/spec. Correct the test's name, or write the rule down.`
    findings.push({ path: file.path, line: lineAt(file.text, index), rule: 'spec', says })
  }
  for (const [id, { path, line }] of defined) {
    if (tested.has(id)) continue
    const says = `No test carries [${id}] in its name. Write one, or take the rule out.`
    findings.push({ path, line, rule: 'spec', says })
  }
  return findings
}

function definitions(tree: Tree, where: RegExp): Map<string, { path: string; line: number }> {
  const found = new Map<string, { path: string; line: number }>()
  for (const { path, text } of tree.files.filter((file) => where.test(file.path))) {
    for (const match of text.matchAll(definition)) {
      const id = match[1] ?? ''
      if (!found.has(id)) found.set(id, { path, line: lineAt(text, match.index) })
    }
  }
  return found
}

function idsInTestNames(tree: Tree): { file: TextFile; id: string; index: number }[] {
  const tests = tree.files.filter(
    ({ path }) => isCode(path) && isTest(path) && !path.startsWith('tools/'),
  )
  return tests.flatMap((file) =>
    [...file.text.matchAll(testName)].flatMap((name) =>
      [...(name[2] ?? '').matchAll(inTestName)]
        .flatMap((group) => group[1]?.match(new RegExp(ruleId, 'g')) ?? [])
        .map((id) => ({ file, id, index: name.index })),
    ),
  )
}

export function checkOpenings(tree: Tree): Finding[] {
  return tree.files.filter(({ path }) => isCode(path) && !isGenerated(path)).flatMap(openingOf)
}

const indexPath = /(^|\/)index(\.bun|\.browser)?\.tsx?$/
const packageRoot = /^(packages|apps)\/[\w-]+\/src\/index(\.bun|\.browser)?\.ts$/

function openingOf({ path, text }: TextFile): Finding[] {
  const at = (rule: string, says: string) => [{ path, line: 1, rule, says }]
  if (indexPath.test(path)) {
    if (!packageRoot.test(path)) return at('index', 'Only the root of a package has an index.ts.')
    const rest = text.replaceAll(
      /\/\*[\s\S]*?\*\/|\/\/.*|export (type )?(\*( as \w+)?|\{[^}]*\}) from '[^']+'/g,
      '',
    )
    return rest.trim() === '' ? [] : at('index', 'An index.ts re-exports and does nothing else.')
  }
  const opening = text.replace(/^#!.*\n/, '').trimStart()
  if (path.endsWith('.test.ts') || /^\/[/*]/.test(opening)) return []
  return at('opening', 'Open the file with a comment: what it is, and its place in the flow.')
}
