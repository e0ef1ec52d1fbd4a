/**
 * `npm run check`: format, lint, types, wire, tidy and unit tests, in under a minute and the same
 * everywhere. Each step prints a line; what a step has to say follows when it fails.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const wire = join(root, 'packages/wire')

interface Step {
  name: string
  /** Names in node_modules/.bin, with their arguments. */
  commands: readonly (readonly string[])[]
  folder: string
}

/** A browser's code is checked with a browser's types. */
const typeProjects = [
  'tsconfig.json',
  'apps/web/tsconfig.json',
  'apps/web/tsconfig.worker.json',
  'tests/browser/tsconfig.json',
]

/** Two at a time: the slow ones first, so that the lanes end together. */
const steps: readonly Step[] = [
  { name: 'unit tests', commands: [unitTests()], folder: root },
  {
    name: 'types',
    commands: typeProjects.map((project) => ['tsc', '--noEmit', '-p', project]),
    folder: root,
  },
  {
    name: 'lint',
    commands: [['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives']],
    folder: root,
  },
  { name: 'format', commands: [['biome', 'format', '--reporter=summary']], folder: root },
  { name: 'unused', commands: [['knip', '--no-progress', '--no-config-hints']], folder: root },
  {
    name: 'wire',
    commands: [
      ['buf', 'lint'],
      ['buf', 'breaking', '--against', 'proto.binpb'],
    ],
    folder: wire,
  },
  { name: 'tidy', commands: [['bun', 'tools/tidy.ts']], folder: root },
]

/** Tests that start a whole server (*.system.test.ts) take minutes; `npm test` runs them. */
function unitTests(): string[] {
  const folders = ['./packages', './apps', './tools', './bench', './tests/fuzz/parsers.test.ts']
  const unit = '--path-ignore-patterns=**/*.system.test.ts'
  return ['bun', 'test', '--parallel', '--only-failures', '--timeout=60000', unit, ...folders]
}

interface Outcome {
  ok: boolean
  output: string
}

async function run(command: readonly string[], folder: string): Promise<Outcome> {
  const [program = '', ...options] = command
  const child = Bun.spawn([join(root, 'node_modules/.bin', program), ...options], {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const texts = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { ok: (await child.exited) === 0, output: texts.join('') }
}

async function take(step: Step): Promise<boolean> {
  const start = performance.now()
  const outcomes: Outcome[] = []
  for (const command of step.commands) outcomes.push(await run(command, step.folder))
  if (step.name === 'wire') outcomes.push(await generatedIsCurrent())
  const failed = outcomes.filter((outcome) => !outcome.ok)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${failed.length === 0 ? 'ok    ' : 'FAILED'}  ${step.name} (${seconds} s)`)
  for (const { output } of failed) console.log(output.trimEnd())
  return failed.length === 0
}

/** Generates into a folder of its own and compares with what is committed. */
async function generatedIsCurrent(): Promise<Outcome> {
  const fresh = mkdtempSync(join(tmpdir(), 'parley-gen-'))
  const generated = await run(['buf', 'generate', '-o', fresh], wire)
  const stale = generated.ok ? differences(join(fresh, 'src/gen'), join(wire, 'src/gen')) : []
  rmSync(fresh, { recursive: true })
  if (!generated.ok) return generated
  const says = `Not current: ${stale.join(', ')}. Run npx buf generate in packages/wire.`
  return { ok: stale.length === 0, output: says }
}

function differences(fresh: string, committed: string): string[] {
  const inFresh = filesUnder(fresh)
  const inCommitted = filesUnder(committed)
  const names = new Set([...inFresh.keys(), ...inCommitted.keys()])
  return [...names].filter((name) => inFresh.get(name) !== inCommitted.get(name))
}

function filesUnder(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  )
}

const waiting = [...steps]
const results: boolean[] = []
async function lane(): Promise<void> {
  for (let step = waiting.shift(); step; step = waiting.shift()) results.push(await take(step))
}
await Promise.all([lane(), lane()])

const failed = results.filter((ok) => !ok).length
console.log(`${results.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
