/**
 * `npm run tidy`: the rules of this house that no other tool checks (docs/ARCHITECTURE.md,
 * STYLE.md). Prints each breach with its place and what to do, and fails when there is one.
 */
import { dirname } from 'node:path'
import { checkBans, checkMachinePaths } from './tidy/bans.ts'
import { checkDependencies } from './tidy/dependencies.ts'
import { checkDocumentPaths, checkOpenings, checkRules } from './tidy/documents.ts'
import { checkDeadFiles, checkImports } from './tidy/imports.ts'
import { checkSizes } from './tidy/sizes.ts'
import { readTree } from './tidy/tree.ts'
import type { Finding, Tree } from './tidy/tree.ts'

const checks: readonly ((tree: Tree) => Finding[])[] = [
  (tree) => checkImports(tree),
  (tree) => checkDeadFiles(tree),
  (tree) => checkSizes(tree),
  (tree) => checkBans(tree),
  (tree) => checkMachinePaths(tree),
  (tree) => checkDependencies(tree),
  (tree) => checkDocumentPaths(tree),
  (tree) => checkRules(tree),
  (tree) => checkOpenings(tree),
]

export function tidy(tree: Tree): Finding[] {
  return checks
    .flatMap((check) => check(tree))
    .sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
}

export function formatFinding({ path, line, rule, says }: Finding): string {
  return `${path}${line > 0 ? `:${line}` : ''} [${rule}] ${says}`
}

if (import.meta.main) {
  const findings = tidy(readTree(process.argv[2] ?? dirname(import.meta.dirname)))
  for (const finding of findings) console.error(formatFinding(finding))
  if (findings.length > 0) {
    console.error(`tidy: ${findings.length} findings`)
    process.exit(1)
  }
  console.log('tidy: nothing to tidy')
}
