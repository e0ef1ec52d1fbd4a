/**
 * Plants a fault in a copy of the tree, and runs the one test that must notice it. A fault counts
 * as killed only when the test fails by what it expects: a crash or a time-out shows nothing.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Fault, NamedTest } from './fault.ts'

/** For a test, and for the process that runs it. */
const testMs = 20_000
const processMs = 60_000
const copied = ['packages', 'apps/server', 'tsconfig.base.json', 'package.json']
const typeProject = 'tsconfig.planted.json'
const scope = '@parley'

const crash = /\b(?:TypeError|ReferenceError|SyntaxError|RangeError): .*|\btimed out after .*/
const failure = /^(?:error|\w*Error): (.*)/m
const unloaded =
  /Cannot find (?:module|package).*|matched 0 tests.*|Unhandled error between tests[\s-]*.*/

/**
 * `killed` says by what; `invalid` says why the fault, or the test that it names, is no good.
 */
export type Outcome = { kind: 'survived' } | { kind: 'killed' | 'invalid'; says: string }

/** Throws an Error that says so unless the place that the fault speaks of is there exactly once. */
export function planted(text: string, { name, file, find, put }: Fault): string {
  const places = text.split(find).length - 1
  if (places !== 1) throw new Error(`${name}: its text is in ${file} ${places} times, not once`)
  if (find === put) throw new Error(`${name}: changes nothing`)
  return text.replace(find, () => put)
}

/** A copy of the tree in a temporary folder, which goes with it. */
export class Ground implements Disposable {
  readonly #folder: string
  #child: Bun.Subprocess | undefined

  constructor(root: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'parley-mutants-'))
    const skipped = new Set(['node_modules', 'dist'])
    for (const name of copied) {
      const filter = (from: string) => !skipped.has(basename(from))
      cpSync(join(root, name), join(this.#folder, name), { recursive: true, filter })
    }
    symlinkSync(join(root, 'vectors'), join(this.#folder, 'vectors'))
    linkModules(root, this.#folder)
    const project = { extends: './tsconfig.base.json', include: ['packages'] }
    writeFileSync(join(this.#folder, typeProject), JSON.stringify(project))
  }

  /** Undefined when the test passes here, as it must before anything is planted. */
  async complaint(test: NamedTest): Promise<string | undefined> {
    const { passed, output } = await this.#test(test)
    return passed ? undefined : `${test.file}: "${test.test}" fails by itself\n${output}`
  }

  /** The fault is out again afterwards. `types`: it must also pass the type check. */
  async try(fault: Fault, { types }: { types: boolean }): Promise<Outcome> {
    const path = join(this.#folder, fault.file)
    const text = readFileSync(path, 'utf8')
    try {
      writeFileSync(path, planted(text, fault))
      const says = types ? await this.typeErrors() : undefined
      return says === undefined ? outcomeOf(await this.#test(fault.killedBy)) : invalid(says)
    } catch (error) {
      return invalid(error instanceof Error ? error.message : String(error))
    } finally {
      writeFileSync(path, text)
    }
  }

  /** Of the copy as it is. */
  async typeErrors(): Promise<string | undefined> {
    const tsc = join(this.#folder, 'node_modules/.bin/tsc')
    const { passed, output } = await this.#run([tsc, '--noEmit', '-p', typeProject])
    return passed ? undefined : output
  }

  #test({ file, test }: NamedTest): Promise<Run> {
    const pattern = test.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    return this.#run([process.execPath, 'test', `--timeout=${testMs}`, '-t', pattern, `./${file}`])
  }

  async #run(command: string[]): Promise<Run> {
    const child = Bun.spawn(command, {
      cwd: this.#folder,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: processMs,
      killSignal: 'SIGKILL',
    })
    this.#child = child
    const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()]
    const output = (await Promise.all(texts)).join('\n')
    const passed = (await child.exited) === 0
    const stopped = child.signalCode ? `\ntimed out after ${processMs} ms` : ''
    return { passed, output: `${output}${stopped}` }
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Run {
  passed: boolean
  output: string
}

function outcomeOf({ passed, output }: Run): Outcome {
  if (passed) return { kind: 'survived' }
  const broken = crash.exec(output) ?? unloaded.exec(output)
  if (broken) return invalid(`the test breaks instead of failing: ${broken[0]}`)
  const failed = Number(/^\s*(\d+) fail$/m.exec(output)?.[1] ?? 0)
  if (failed === 0) return invalid(`no test ran\n${output}`)
  return { kind: 'killed', says: failure.exec(output)?.[1] ?? 'no reason given' }
}

function invalid(says: string): Outcome {
  return { kind: 'invalid', says }
}

/** Packages of others are those of the tree; links to ours are relative, and lead to the copies. */
function linkModules(root: string, folder: string): void {
  const [from, to] = [join(root, 'node_modules'), join(folder, 'node_modules')]
  mkdirSync(join(to, scope), { recursive: true })
  for (const name of readdirSync(from)) {
    if (name !== scope) symlinkSync(join(from, name), join(to, name))
  }
  for (const name of readdirSync(join(from, scope))) {
    symlinkSync(readlinkSync(join(from, scope, name)), join(to, scope, name))
  }
}
