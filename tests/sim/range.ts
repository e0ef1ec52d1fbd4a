/** Runs many seeds in several processes, shows how far it is, and can be stopped with a verdict. */
import { join } from 'node:path'
import { Coverage } from './coverage.ts'
import type { Met } from './coverage.ts'
import type { Plant } from './plants.ts'
import type { StormName } from './storms.ts'
import type { RunOutcome } from './world.ts'

export interface Range {
  first: number
  last: number
  plant: Plant | undefined
  storm: StormName
  /** Processes. */
  jobs: number
}

export interface RangeOutcome {
  /** Run to their end. */
  seeds: number
  steps: number
  sent: number
  crashes: number
  failed: { seed: number; invariant: string; byCrash: boolean }[]
  met: Met
  seconds: number
}

interface Manner {
  /** Says on stderr what failed, and on a terminal how far it is. */
  talks: boolean
  stopsAtFailure: boolean
}

export async function runRange(range: Range, manner: Manner): Promise<RangeOutcome> {
  const startMs = performance.now()
  const total = range.last - range.first + 1
  const outcome: RangeOutcome = {
    seeds: 0,
    steps: 0,
    sent: 0,
    crashes: 0,
    failed: [],
    met: {},
    seconds: 0,
  }
  const coverage = new Coverage()
  const jobs = Math.min(range.jobs, total)
  const parts = Array.from({ length: jobs }, (_, index) => startPart(range, `${index}/${jobs}`))
  const stop = () => {
    for (const part of parts) part.kill()
  }
  process.once('SIGINT', stop)
  const take = (line: string) => {
    const seed = JSON.parse(line) as RunOutcome
    count(outcome, seed)
    coverage.add(seed.met)
    outcome.seconds = (performance.now() - startMs) / 1_000
    if (manner.talks) show(outcome, seed, total)
    if (seed.failure && manner.stopsAtFailure) stop()
  }
  await Promise.all(parts.map((part) => eachLine(part.stdout, take)))
  await Promise.all(parts.map((part) => part.exited))
  process.off('SIGINT', stop)
  outcome.met = coverage.met
  outcome.failed.sort((a, b) => a.seed - b.seed)
  if (manner.talks && process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return outcome
}

function startPart({ first, last, plant, storm }: Range, part: string) {
  const planted = plant === undefined ? [] : ['--plant', plant]
  const program = join(import.meta.dirname, 'main.ts')
  return Bun.spawn(
    [
      process.execPath,
      program,
      '--seed',
      `${first}..${last}`,
      '--storm',
      storm,
      '--part',
      part,
      ...planted,
    ],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' },
  )
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  }
}

function count(outcome: RangeOutcome, { seed, steps, sent, crashes, failure }: RunOutcome): void {
  outcome.seeds++
  outcome.steps += steps
  outcome.sent += sent
  outcome.crashes += crashes
  if (!failure) return
  outcome.failed.push({ seed, invariant: failure.invariant, byCrash: failure.byCrash })
}

function show(outcome: RangeOutcome, { seed, failure }: RunOutcome, total: number): void {
  const { seeds, seconds, failed } = outcome
  const line = process.stderr.isTTY ? '\r\u001b[K' : ''
  if (failure) {
    const crash = failure.byCrash ? ' (without crashes it holds)' : ''
    process.stderr.write(`${line}seed ${seed}${crash}: ${failure.message}\n`)
  }
  if (!process.stderr.isTTY) return
  const left = Math.ceil((seconds / seeds) * (total - seeds))
  process.stderr.write(`${line}${seeds} of ${total} seeds, ${failed.length} failed, ${left} s left`)
}
