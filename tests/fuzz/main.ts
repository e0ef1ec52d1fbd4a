/** `npm run fuzz -- [TARGET...] [--seconds N] [--seed N]`: every parser, with spoilt inputs. */
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import type { Failure } from './fuzzer.ts'
import { runAll } from './run-all.ts'
import { type Target, textOf } from './target.ts'
import { targets } from './targets.ts'
import { replayInput, type Report } from './watch.ts'

const usage = `Usage: npm run fuzz -- [TARGET...] [--seconds N] [--seed N] [--parallel N] [--json]
       npm run fuzz -- TARGET --function NAME --input BASE64

  TARGET           only these; see --list (default: all)
  --seconds N      for each target (default 60); its functions take turns in that time
  --seed N         repeats a run (default: a new one, printed)
  --parallel N     targets at once (default: 1)
  --input BASE64   runs this one input through the function
  --function NAME  of the target, as a finding names it
  --list           the targets and what is in them
  --json           the last line is {"targets","inputs","seconds","seed","failures":[...]}

Exit code 1 when something was found, 2 for wrong usage.
`
const module = join(import.meta.dir, 'targets.ts')
const inputShownMax = 2_000
const optionsKnown = {
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string' },
  parallel: { type: 'string', default: '1' },
  input: { type: 'string' },
  function: { type: 'string' },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

function wrongUsage(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function parse() {
  try {
    return parseArgs({ options: optionsKnown, allowPositionals: true })
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

function number(option: string, value: string, { min, max }: { min: number; max: number }): number {
  const parsed = Number(value)
  if (value.trim() !== '' && parsed >= min && parsed <= max) return parsed
  return wrongUsage(`${option} takes a number from ${min} to ${max}, not "${value}".`)
}

function chosen(names: readonly string[]): readonly Target[] {
  const unknown = names.filter((name) => !targets.some((target) => target.name === name))
  if (unknown.length > 0) {
    const known = targets.map(({ name }) => name).join(', ')
    wrongUsage(`There is no target ${unknown.join(', ')}. There are: ${known}.`)
  }
  return names.length === 0 ? targets : targets.filter(({ name }) => names.includes(name))
}

async function list(): Promise<void> {
  for (const target of targets) {
    const open = await target.open()
    const names = open.functions.map(({ name }) => name)
    await open.close?.()
    console.log(`${target.name.padEnd(22)} ${target.says}`)
    console.log(`${' '.repeat(22)} ${names.join(', ')}\n`)
  }
}

async function replay(wanted: readonly Target[], name: string | undefined, base64: string) {
  const [target] = wanted
  if (!target || wanted.length !== 1) wrongUsage('--input needs one target.')
  if (name === undefined) wrongUsage('--input needs --function.')
  const input = new Uint8Array(Buffer.from(base64, 'base64'))
  const { finding, signature } = await replayInput(target, { module }, { function: name, input })
  console.log(finding ? `${finding.kind}: ${finding.says}` : `no finding: ${signature}`)
  process.exit(finding ? 1 : 0)
}

function tell(failure: Failure): void {
  const { input, target } = failure
  const bytes = Buffer.from(input, 'base64')
  const shown = input.length > inputShownMax ? `${input.slice(0, inputShownMax)}…` : input
  const text = JSON.stringify(textOf(new Uint8Array(bytes))).slice(0, 200)
  console.error(`
${failure.kind} in ${target}, ${failure.function}: ${failure.says}
  seed ${failure.seed}, iteration ${failure.iteration}, ${bytes.length} bytes (found with ${failure.inputBytes})
  input ${shown}
  as text ${text}
  npm run fuzz -- ${target} --seed ${failure.seed}
  npm run fuzz -- ${target} --function "${failure.function}" --input BASE64`)
}

function row({ behaviours, failure, inputs, seconds, target }: Report): string {
  const rate = Math.round(inputs / seconds)
  const figures = `${String(inputs).padStart(9)} inputs ${String(rate).padStart(7)}/s`
  return `${target.padEnd(22)} ${figures} ${String(behaviours).padStart(6)} behaviours  ${failure?.kind ?? 'ok'}`
}

const { positionals, values } = parse()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const wanted = chosen(positionals)
if (values.list) {
  await list()
  process.exit(0)
}
if (values.input !== undefined) await replay(wanted, values.function, values.input)
const seconds = number('--seconds', values.seconds, { min: 0.1, max: 86_400 })
const parallel = number('--parallel', values.parallel, { min: 1, max: 64 })
const anySeed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
const seed = number('--seed', values.seed ?? String(anySeed), { min: 0, max: 2 ** 32 - 1 })

const isTerminal = process.stderr.isTTY === true
console.error(`seed ${seed}, ${wanted.length} targets, ${seconds} s each`)
const started = performance.now()
const reports = await runAll(wanted, {
  module,
  seed,
  seconds,
  parallel: Math.floor(parallel),
  ended(report) {
    console.error(`${isTerminal ? '\r\u001b[K' : ''}${row(report)}`)
    if (report.failure) tell(report.failure)
  },
  progress(target, inputs) {
    if (isTerminal) process.stderr.write(`\r\u001b[K${target} ${inputs} inputs`)
  },
})
const failures = reports.flatMap(({ failure }) => failure ?? [])
const inputs = reports.reduce((sum, report) => sum + report.inputs, 0)
const took = Math.round((performance.now() - started) / 100) / 10
if (values.json) {
  const names = reports.map(({ target }) => target)
  console.log(JSON.stringify({ targets: names, inputs, seconds: took, seed, failures }))
} else {
  console.log(`${reports.length} targets, ${inputs} inputs, ${took} s, ${failures.length} findings`)
}
process.exit(failures.length === 0 ? 0 : 1)
