/**
 * Runs a target in a process of its own and watches it: what hangs is ended, what dies is found
 * out, and the input that did it is known and made small.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Finding, Verdict } from './examine.ts'
import type { Failure, Ran } from './fuzzer.ts'
import { type Answer, type Job, Scratch, scratchBytes } from './job.ts'
import { shrink } from './shrink.ts'
import { type Bounds, bounds as usualBounds, type Target } from './target.ts'

export interface RunOptions {
  /** Path of the module whose `targets` they are. */
  module: string
  seed: number
  seconds: number
  inputsMax?: number
  bounds?: Bounds
  /** How many inputs so far. */
  progress?: (inputs: number) => void
}

export interface Report extends Ran {
  target: string
  seconds: number
}

const lookEveryMs = 100
/** To get a target ready and to shrink what it finds. */
const extraMs = 240_000
/** Of the time for a hang, what a smaller input of one is given. */
const shrinkingShare = 0.1
const shrinkingMs = 60_000
const busyTriesMax = 3

/** Fuzzes it for the time, or up to the first finding. */
export async function runTarget(target: Target, options: RunOptions): Promise<Report> {
  const startMs = performance.now()
  const elapsed = () => (performance.now() - startMs) / 1000
  let inputs = 0
  for (let tries = 1; ; tries++) {
    const seconds = Math.max(0.1, options.seconds - (tries === 1 ? 0 : elapsed()))
    const ended = await runJob(jobOf(target, { ...options, seconds }), options.progress)
    if (ended.kind === 'answered' && ended.answer.kind === 'ran') {
      const { ran } = ended.answer
      inputs += ran.inputs
      return { target: target.name, ...ran, inputs, seconds: elapsed() }
    }
    const failure = await failureOf(target, options, ended)
    inputs += ended.at
    // A machine that stood still for a while is no hang.
    if (!failure && tries < busyTriesMax) continue
    return { target: target.name, inputs, behaviours: 0, failure, seconds: elapsed() }
  }
}

/** What one input does, in a process of its own. */
export async function replayInput(
  target: Target,
  options: Pick<RunOptions, 'module' | 'bounds'>,
  wanted: { function: string; input: Uint8Array },
): Promise<Verdict> {
  const once = { ...options, seed: 0, seconds: 0 }
  const job = jobOf(target, once, { function: wanted.function, inputs: [wanted.input] })
  const ended = await runJob(job)
  if (ended.kind === 'answered' && ended.answer.kind === 'replayed') {
    const [verdict] = ended.answer.verdicts
    if (verdict) return verdict
  }
  return { signature: '', finding: findingOf(ended, job.bounds) }
}

function jobOf(
  target: Target,
  options: RunOptions,
  replay?: { function: string; inputs: readonly Uint8Array[] },
): Job {
  const { bounds = usualBounds, inputsMax = Number.MAX_SAFE_INTEGER, module } = options
  const inputs = replay?.inputs.map((input) => Buffer.from(input).toString('base64')) ?? []
  return {
    module,
    target: target.name,
    seed: options.seed,
    seconds: options.seconds,
    inputsMax,
    bounds,
    replay: replay && { function: replay.function, inputs },
    scratch: '',
  }
}

type Ended = { at: number; which: number; input: Uint8Array } & (
  | { kind: 'answered'; answer: Answer }
  /** The same input for too long. */
  | { kind: 'stalled' }
  | { kind: 'died'; says: string }
)

async function runJob(wanted: Job, progress?: (inputs: number) => void): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
  const job = { ...wanted, scratch: join(folder, 'input') }
  writeFileSync(job.scratch, new Uint8Array(scratchBytes(job.bounds)))
  const scratch = new Scratch(job.scratch)
  const limitS = Math.ceil(job.seconds + extraMs / 1000)
  // Of processor time, by the kernel: an input that never ends outlives a watcher that was killed.
  const limited = ['sh', '-c', 'ulimit -t "$0"; exec "$@"', String(limitS)]
  const child = Bun.spawn(
    [...limited, process.execPath, join(import.meta.dir, 'child.ts'), JSON.stringify(job)],
    {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: Math.ceil(job.seconds * 1000) + extraMs,
      killSignal: 'SIGKILL',
    },
  )
  const stalled = watchScratch(scratch, job, { end: () => child.kill('SIGKILL'), progress })
  try {
    const output = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    await child.exited
    const place = { at: stalled.at(), ...scratch.read() }
    if (stalled.isStalled()) return { kind: 'stalled', ...place }
    const answer = answerIn(output[0])
    if (answer) return { kind: 'answered', answer, ...place }
    const how = child.signalCode ?? `exit ${child.exitCode}`
    return { kind: 'died', says: `${how} ${output[1].trim().slice(-500)}`, ...place }
  } finally {
    stalled.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function watchScratch(
  scratch: Scratch,
  { bounds, replay }: Job,
  { end, progress }: { end: () => void; progress: ((inputs: number) => void) | undefined },
) {
  const limitMs =
    replay && replay.inputs.length > 1 ? bounds.hangMs * shrinkingShare : bounds.hangMs
  let last: number | undefined
  let highest = 0
  let sinceMs = performance.now()
  let isStalled = false
  const look = () => {
    const { at } = scratch
    if (at !== last || at === undefined) {
      last = at
      sinceMs = performance.now()
    } else if (performance.now() - sinceMs > limitMs) {
      isStalled = true
      end()
    }
    highest = at ?? highest
    progress?.(highest)
  }
  const timer = setInterval(look, lookEveryMs)
  return { stop: () => clearInterval(timer), isStalled: () => isStalled, at: () => last ?? highest }
}

function answerIn(output: string): Answer | undefined {
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  return line.startsWith('{') ? (JSON.parse(line) as Answer) : undefined
}

function findingOf(ended: Ended, { hangMs }: Bounds): Finding | undefined {
  switch (ended.kind) {
    case 'stalled':
      return { kind: 'hang', says: `no end within ${hangMs} ms` }
    case 'died':
      return { kind: 'crash', says: ended.says }
    case 'answered': {
      const { answer } = ended
      return answer.kind === 'broken' ? { kind: 'crash', says: answer.says } : undefined
    }
  }
}

/** Undefined when the input is not at fault after all. */
async function failureOf(
  target: Target,
  options: RunOptions,
  ended: Ended,
): Promise<Failure | undefined> {
  const bounds = options.bounds ?? usualBounds
  const finding = findingOf(ended, bounds)
  if (!finding) return undefined
  const about = { target: target.name, seed: options.seed, iteration: ended.at }
  const names = await functionNames(target)
  const run = names[ended.which]
  const isAboutInput = ended.kind !== 'answered' && run !== undefined
  if (!isAboutInput) {
    return { ...finding, ...about, function: '', input: '', inputBytes: 0 }
  }
  const again = await replayInput(
    target,
    { module: options.module, bounds },
    {
      function: run.name,
      input: ended.input,
    },
  )
  if (ended.kind === 'stalled' && again.finding?.kind !== 'hang') return undefined
  const small =
    ended.kind === 'stalled'
      ? await smallestStalling(target, options, { run, input: ended.input })
      : ended.input
  const input = Buffer.from(small).toString('base64')
  return { ...finding, ...about, function: run.name, input, inputBytes: ended.input.length }
}

async function functionNames(target: Target) {
  const open = await target.open()
  await open.close?.()
  return open.functions
}

async function smallestStalling(
  target: Target,
  options: RunOptions,
  { run, input }: { run: OpenFunction; input: Uint8Array },
): Promise<Uint8Array> {
  const endMs = performance.now() + shrinkingMs
  return shrink(input, {
    kind: run.kind,
    isLate: () => performance.now() > endMs,
    async firstFailing(candidates) {
      if (candidates.length === 0) return undefined
      // Two at least: one alone is given all the time of a hang.
      const inputs = [...candidates, new Uint8Array(0)]
      const ended = await runJob(jobOf(target, options, { function: run.name, inputs }))
      return ended.kind === 'stalled' ? candidates[ended.at] : undefined
    },
  })
}

type OpenFunction = Awaited<ReturnType<typeof functionNames>>[number]
