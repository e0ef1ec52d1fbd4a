/**
 * The process in which one target is fuzzed, or one input run again: `bun tests/fuzz/child.ts JOB`.
 * A target that hangs or dies takes only this process with it.
 */
import { examine, saysOf, type Verdict } from './examine.ts'
import { fuzz } from './fuzzer.ts'
import { type Answer, type Job, Scratch } from './job.ts'
import type { FuzzFunction, OpenTarget, Target } from './target.ts'

async function answer(job: Job): Promise<Answer> {
  const strays: unknown[] = []
  process.on('uncaughtException', (error) => strays.push(error))
  process.on('unhandledRejection', (error) => strays.push(error))
  const scratch = new Scratch(job.scratch)
  const { targets } = (await import(job.module)) as { targets: readonly Target[] }
  const target = targets.find(({ name }) => name === job.target)
  if (!target) return { kind: 'broken', says: `there is no target ${job.target}` }
  const open = await target.open()
  const watch = (at: number, run: FuzzFunction, input: Uint8Array) =>
    scratch.write(at, open.functions.indexOf(run), input)
  const hooks = { watch, rest: () => scratch.rest(), strays: () => strays.splice(0) }
  try {
    if (job.replay) return await replay(open, job, hooks)
    return { kind: 'ran', ran: await fuzz(open, { ...job, ...hooks }) }
  } finally {
    scratch.rest()
    await open.close?.()
  }
}

interface Hooks {
  watch(at: number, run: FuzzFunction, input: Uint8Array): void
  strays(): unknown[]
}

async function replay(
  { functions }: OpenTarget,
  { bounds, replay: wanted }: Job,
  hooks: Hooks,
): Promise<Answer> {
  const run = functions.find(({ name }) => name === wanted?.function)
  if (!run) return { kind: 'broken', says: `there is no function ${wanted?.function}` }
  const verdicts: Verdict[] = []
  for (const [at, base64] of (wanted?.inputs ?? []).entries()) {
    const input = new Uint8Array(Buffer.from(base64, 'base64'))
    hooks.watch(at, run, input)
    const verdict = await examine({ run, bounds, twice: true }, input)
    await new Promise((resolve) => setImmediate(resolve))
    const [stray] = hooks.strays()
    const says = `nobody caught ${saysOf(stray)}`
    const finding =
      stray === undefined ? verdict.finding : ({ kind: 'untyped-error', says } as const)
    verdicts.push({ ...verdict, finding })
  }
  return { kind: 'replayed', verdicts }
}

const job = JSON.parse(process.argv[2] ?? '') as Job
const said = await answer(job).catch(
  (error: unknown): Answer => ({ kind: 'broken', says: saysOf(error) }),
)
process.stdout.write(`\n${JSON.stringify(said)}\n`, () => process.exit(0))
