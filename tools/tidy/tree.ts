/** What tidy looks at: the text files of the repository, read once, and the findings about them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface Finding {
  path: string
  /** From 1; 0 when the file as a whole is meant. */
  line: number
  rule: string
  /** A sentence that says what to do. */
  says: string
}

export interface TextFile {
  /** From the root, with forward slashes. */
  path: string
  text: string
}

export interface Tree {
  files: readonly TextFile[]
  /** Whether there is a file or folder of that name, seen by tidy or not. */
  exists(path: string): boolean
}

const skippedFolders = new Set(['node_modules', 'dist', 'data', '.git', '.cache', 'test-results'])
const textExtensions = new Set(
  ['.ts', '.tsx', '.js', '.css', '.html', '.json', '.md', '.proto', '.sql', '.sh', ''].concat([
    '.yaml',
    '.yml',
  ]),
)

export function readTree(root: string): Tree {
  const files: TextFile[] = []
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) visit(path)
      if (entry.isFile() && textExtensions.has(extname(entry.name))) {
        files.push({ path, text: readFileSync(join(root, path), 'utf8') })
      }
    }
  }
  visit('')
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, exists: (path) => existsSync(join(root, path)) }
}

/** TypeScript that people wrote. */
export function isCode(path: string): boolean {
  return /\.tsx?$/.test(path) && !isGenerated(path)
}

export function isGenerated(path: string): boolean {
  return path.includes('/gen/')
}

/**
 * A test, or what only tests run (x.contract.ts, x.fixture.ts, test-x.ts): nothing that is shipped.
 */
export function isTest(path: string): boolean {
  return (
    /\.(test|contract|fixture)\.tsx?$|\/test-[\w-]+\.ts$/.test(path) || path.startsWith('tests/')
  )
}

export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}
