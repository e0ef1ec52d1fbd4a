/**
 * How large files, functions and lines may be (STYLE.md). What was larger when the rule came may
 * only shrink: it stands in the ratchet.
 */
import { sourceOf } from './source.ts'
import { isCode, isTest } from './tree.ts'
import type { Finding, TextFile, Tree } from './tree.ts'

const fileLinesMax = 500
const functionLinesMax = 70
/** The formatter breaks lines at 100 columns; what it cannot break may be this long. */
const columnsMax = 120
const commentColumnsMax = 100

/**
 * Path, or path#line text of a function's head, to the number of lines that it has. Numbers only go
 * down; an entry that is not needed any more is a finding.
 */
const ratchet: Readonly<Record<string, number>> = {}

interface Measured {
  path: string
  line: number
  /** What it is called in the ratchet. */
  key: string
  what: string
  size: number
  max: number
}

export function checkSizes(tree: Tree, allowed = ratchet): Finding[] {
  const used = new Set<string>()
  const findings = tree.files
    .filter(({ path }) => isCode(path) && !isTest(path))
    .flatMap((file) => {
      const code = sourceOf(file).code.split('\n')
      const tooLarge = measured(file, code).filter(({ key, size, max }) => {
        const known = size > max ? allowed[key] : undefined
        if (known !== undefined) used.add(key)
        return size > (known ?? max)
      })
      return [...tooLarge.map((each) => findingOf(each, allowed)), ...longLines(file, code)]
    })
  const stale = Object.keys(allowed).filter((key) => !used.has(key))
  return findings.concat(stale.map(staleEntry))
}

function measured(file: TextFile, code: string[]): Measured[] {
  const { path } = file
  const size = lineCount(file.text)
  return [
    { path, line: 0, key: path, what: 'The file', size, max: fileLinesMax },
    ...functionsOf(code).map(({ head, ...place }) => ({
      ...place,
      path,
      key: `${path}#${head}`,
      what: 'The function',
      max: functionLinesMax,
    })),
  ]
}

function findingOf(measure: Measured, allowed: Readonly<Record<string, number>>): Finding {
  const { path, line, key, what, size, max } = measure
  const most = allowed[key] ?? max
  const says = `${what} has ${size} lines, at most ${most} are allowed. Split it by what its parts do.`
  return { path, line, rule: 'size', says }
}

function staleEntry(key: string): Finding {
  const says = `${key} is small enough (or gone). Take it off the ratchet.`
  return { path: 'tools/tidy/sizes.ts', line: 0, rule: 'size', says }
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

/** The formatter cannot break a string, so code may be longer than a comment. */
function longLines(file: TextFile, code: string[]): Finding[] {
  const lines = file.text.split('\n')
  return code.flatMap((line, index) => {
    const text = lines[index] ?? ''
    const columns =
      line.trim() === ''
        ? commentColumns(text)
        : indentOf(text) + line.trim().replaceAll(/ {2,}/g, '').length
    const max = line.trim() === '' ? commentColumnsMax : columnsMax
    if (columns <= max) return []
    const remedy = max === commentColumnsMax ? 'Wrap the comment.' : 'Name its parts.'
    const says = `The line has ${columns} columns, at most ${max} are allowed. ${remedy}`
    return [{ path: file.path, line: index + 1, rule: 'size', says }]
  })
}

/** Of a line that is comment only, if it has more than one word: an address cannot be wrapped. */
function commentColumns(line: string): number {
  return /^\s*(\/\/|\/?\*+)\s+\S+\s+\S/.test(line) ? line.length : 0
}

interface FunctionPlace {
  head: string
  line: number
  size: number
}

const statement =
  /^(\} )?(if|else|for|while|do|switch|try|catch|finally|class|interface|namespace|return \{)\b/

/**
 * Leans on the formatter: a body opens at the end of a line and closes at the indentation of the
 * line on which its head begins.
 */
export function functionsOf(code: readonly string[]): FunctionPlace[] {
  const places: FunctionPlace[] = []
  code.forEach((line, at) => {
    const text = line.trim()
    const opens = text.endsWith('=> {') || /\)(: .+)? \{$/.test(text) || text === '} {'
    if (!opens || statement.test(text)) return
    const indent = line.length - line.trimStart().length
    const start = headOf(code, at, indent)
    const head = (code[start] ?? '').trim()
    if (statement.test(head)) return
    const end = endOf(code, at, indent)
    places.push({ head, line: start + 1, size: end - start + 1 })
  })
  return places
}

/** The line where a head of several lines begins; for one of a single line that line itself. */
function headOf(code: readonly string[], at: number, indent: number): number {
  let start = at
  while (start > 0 && /^[)}]/.test((code[start] ?? '').trim())) {
    start--
    while (start > 0 && (indentOf(code[start]) > indent || !code[start]?.trim())) start--
  }
  return start
}

function endOf(code: readonly string[], at: number, indent: number): number {
  for (let line = at + 1; line < code.length; line++) {
    if (indentOf(code[line]) <= indent && code[line]?.trim()) return line
  }
  return code.length - 1
}

function indentOf(line = ''): number {
  return line.length - line.trimStart().length
}
