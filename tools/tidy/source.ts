/**
 * A source file with what is not code blanked out, so that a plain pattern finds calls and imports
 * without being fooled by a comment or a text. A scanner instead of a parser: it needs no compiler,
 * and since Biome has formatted everything, it may lean on lines and indentation.
 */
import type { TextFile } from './tree.ts'

export interface Source {
  /** Comments and the contents of strings are spaces; every character keeps its place. */
  code: string
  /** Comments only; everything else is spaces. */
  comments: string
}

type State = 'code' | 'line-comment' | 'block-comment' | 'quote' | 'regex' | 'template'

const regexMayFollow = /(^|[(,=:[!&|?{;+\-*%~^]|\b(return|typeof|case|in|of|do|else))\s*$/

class Scanner {
  private readonly code: string[]
  private readonly comments: string[]
  private state: State = 'code'
  private quote = ''
  private inClass = false
  /** For each open template: how many braces are open in its present `${}`. */
  private readonly templates: number[] = []
  private readonly text: string

  constructor(text: string) {
    this.text = text
    this.code = [...text.replaceAll(/[^\n]/gu, (all) => ' '.repeat(all.length))]
    this.comments = [...this.code]
  }

  scan(): Source {
    for (let at = 0; at < this.text.length; ) at += this.step(at)
    return { code: this.code.join(''), comments: this.comments.join('') }
  }

  /** Returns how many characters were taken. */
  private step(at: number): number {
    switch (this.state) {
      case 'code':
        return this.stepCode(at)
      case 'line-comment':
        if (this.text[at] === '\n') this.state = 'code'
        return this.keep(this.comments, at, 1)
      case 'block-comment':
        if (!this.text.startsWith('*/', at)) return this.keep(this.comments, at, 1)
        this.state = 'code'
        return this.keep(this.comments, at, 2)
      case 'quote':
      case 'regex':
        return this.stepQuoted(at)
      case 'template':
        return this.stepTemplate(at)
    }
  }

  private stepCode(at: number): number {
    const character = this.text[at] ?? ''
    const two = this.text.slice(at, at + 2)
    if (two === '//') return this.enter('line-comment', at, this.comments)
    if (two === '/*') return this.enter('block-comment', at, this.comments)
    if (character === "'" || character === '"') {
      this.quote = character
      return this.enter('quote', at, this.code)
    }
    if (character === '`') return this.enter('template', at, this.code)
    if (character === '/' && regexMayFollow.test(this.text.slice(Math.max(0, at - 40), at))) {
      this.quote = '/'
      this.inClass = false
      return this.enter('regex', at, this.code)
    }
    this.countBraces(character)
    return this.keep(this.code, at, 1)
  }

  private countBraces(character: string): void {
    const open = this.templates.length - 1
    const depth = this.templates[open]
    if (depth === undefined || (character !== '{' && character !== '}')) return
    this.templates[open] = depth + (character === '{' ? 1 : -1)
    if (this.templates[open] !== 0) return
    this.templates.pop()
    this.state = 'template'
  }

  /** A string or a regular expression ends at its delimiter, or with its line at the latest. */
  private stepQuoted(at: number): number {
    const character = this.text[at]
    if (character === '\\') return 2
    if (this.state === 'regex' && (character === '[' || character === ']')) {
      this.inClass = character === '['
    }
    if (character === '\n') this.state = 'code'
    if (character !== this.quote || this.inClass) return 1
    this.state = 'code'
    return this.keep(this.code, at, 1)
  }

  private stepTemplate(at: number): number {
    if (this.text[at] === '\\') return 2
    if (this.text[at] === '`') {
      this.state = 'code'
      return this.keep(this.code, at, 1)
    }
    if (!this.text.startsWith('${', at)) return 1
    this.templates.push(1)
    this.state = 'code'
    return 2
  }

  private enter(state: State, at: number, into: string[]): number {
    this.state = state
    return this.keep(into, at, state.endsWith('comment') ? 2 : 1)
  }

  private keep(into: string[], at: number, count: number): number {
    for (let index = at; index < at + count; index++) into[index] = this.text[index] ?? ' '
    return count
  }
}

const scanned = new WeakMap<TextFile, Source>()

/** Scanned once a file, however many rules look at it. */
export function sourceOf(file: TextFile): Source {
  const known = scanned.get(file)
  if (known) return known
  const source = new Scanner(file.text).scan()
  scanned.set(file, source)
  return source
}

export interface Import {
  specifier: string
  /** Gone when the program runs: nothing is called through it. */
  typeOnly: boolean
  /** Where it stands in the text. */
  index: number
}

const importPattern =
  /\b(?:from\s*|import\s*\(?\s*)(['"])|\bnew URL\(\s*(['"])|\brequire\(\s*(['"])/g

/**
 * Static, dynamic and type imports, re-exports, and files named by `new URL('./x', …)` (workers).
 */
export function importsOf(file: TextFile): Import[] {
  const { text } = file
  const source = sourceOf(file)
  const found: Import[] = []
  for (const match of source.code.matchAll(importPattern)) {
    const start = match.index + match[0].length
    const quote = match[1] ?? match[2] ?? match[3] ?? "'"
    const end = text.indexOf(quote, start)
    const specifier = text.slice(start, end)
    const isUrl = match[2] !== undefined
    if (end !== -1 && !(isUrl && !specifier.startsWith('.'))) {
      const typeOnly = isTypeOnly(source.code.slice(0, match.index))
      found.push({ specifier, typeOnly, index: match.index })
    }
  }
  return found
}

/** Whether the statement that `from` belongs to begins with `import type` or `export type`. */
function isTypeOnly(before: string): boolean {
  const start = Math.max(before.lastIndexOf('import '), before.lastIndexOf('export '))
  return start !== -1 && /^(import|export) type [^;]*$/.test(before.slice(start))
}
