// `npm run interop`: the differential test of our Signal protocol against the official library.

import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { expectationOf, IN_WORDS } from './expectations.ts'
import { PINNED_ORACLE } from './install.ts'
import type { Job } from './jobs.ts'
import { judge, type Verdict } from './report.ts'
import type { Problem } from './run.ts'
import { performIn, type Runtime, RUNTIMES } from './runtimes.ts'
import type { Schedule } from './schedule.ts'

const USAGE = `Usage: npm run interop -- [--deliveries N] [--seed N] [--oracle VERSION] [--runtime R]
                          [--mutations N] [--replay FILE] [--json]

  --deliveries N     messages that must arrive (default 2000)
  --seed N           repeats the schedule of an earlier run (default: a new one, printed)
  --oracle VERSION   version of @signalapp/libsignal-client (default ${PINNED_ORACLE})
  --runtime R        where our side runs: ${RUNTIMES.join(', ')} or all (default bun)
  --mutations N      spoilt messages to judge on both sides; without --deliveries these alone
  --replay FILE      plays the schedule in a file, as a failure prints it
  --json             the last line is {"oracle","deliveries","errors","seed",…}

Some versions are expected not to talk to us, or not freely: what is expected of one is printed.
Exit code 1 when anything else is seen: a message lost, altered, refused, or taken twice.`
const PROBLEMS_SHOWN_MAX = 20
const SCHEDULE_SHOWN_MAX = 4_000

const { values } = parse()

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

const { oracle } = values
const seed =
  values.seed === undefined
    ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
    : wholeNumber('--seed', values.seed)
const say = values.json ? console.error : console.log

const runtimes = wantedRuntimes()
const jobs = wantedJobs()
say(`seed ${seed}`)
const verdicts: Record<string, Verdict> = {}
try {
  for (const runtime of runtimes) {
    for (const job of jobs) {
      const verdict = await perform(runtime, job)
      verdicts[runtime] = sum(verdicts[runtime], verdict)
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

const total = Object.values(verdicts).reduce((a, b) => sum(a, b))
if (values.json) {
  const { deliveries, errors } = total
  console.log(JSON.stringify({ oracle, deliveries, errors, seed, runtimes: verdicts }))
}
process.exit(total.errors === 0 ? 0 : 1)

async function perform(runtime: Runtime, job: Job): Promise<Verdict> {
  const started = performance.now()
  const result = await performIn(runtime, job)
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1))
  const { verdict, problems, details } = judge(job, result, seconds)
  say(
    `${runtime}, oracle ${oracle}: ${verdict.deliveries} deliveries, ` +
      `${verdict.errors} errors, ${seconds} s`,
  )
  for (const [name, count] of Object.entries(details))
    say(`  ${String(count).padStart(8)}  ${name}`)
  for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) show(problem, runtime)
  say(problems.length === 0 ? 'As expected.' : 'Not as expected.')
  return verdict
}

function parse() {
  try {
    return parseArgs({
      options: {
        deliveries: { type: 'string' },
        seed: { type: 'string' },
        oracle: { type: 'string', default: PINNED_ORACLE },
        runtime: { type: 'string', default: 'bun' },
        mutations: { type: 'string' },
        replay: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function show({ text, schedule }: Problem, runtime: Runtime): void {
  console.error(text)
  if (schedule === undefined) return
  const json = JSON.stringify(schedule)
  const file = join(tmpdir(), `parley-interop-${schedule.seed}-${schedule.stream}.json`)
  writeFileSync(file, json)
  if (json.length <= SCHEDULE_SHOWN_MAX) console.error(`  ${json}`)
  console.error(
    `  again: npm run interop -- --oracle ${oracle} --runtime ${runtime} --replay ${file}`,
  )
}

function wantedJobs(): Job[] {
  if (values.replay !== undefined) {
    const schedule = JSON.parse(readFileSync(values.replay, 'utf8')) as Schedule
    return [{ kind: 'replay', oracle, schedule }]
  }
  const jobs: Job[] = []
  if (values.mutations === undefined || values.deliveries !== undefined) {
    const deliveries = wholeNumber('--deliveries', values.deliveries ?? '2000')
    const expectation = expectationOf(oracle)
    say(`Expected of ${oracle}: ${IN_WORDS[expectation]}.`)
    jobs.push({ kind: 'run', expectation, oracle, deliveries, seed })
  }
  if (values.mutations !== undefined) {
    const mutations = wholeNumber('--mutations', values.mutations)
    say('Expected: both judge spoilt messages alike, but where ours is listed as the stricter.')
    jobs.push({ kind: 'mutations', oracle, mutations, seed })
  }
  return jobs
}

function wantedRuntimes(): readonly Runtime[] {
  if (values.runtime === 'all') return RUNTIMES
  const runtime = RUNTIMES.find((each) => each === values.runtime)
  return runtime ? [runtime] : wrong(`--runtime takes ${RUNTIMES.join(', ')} or all`)
}

function sum(a: Verdict | undefined, b: Verdict): Verdict {
  if (a === undefined) return b
  return {
    deliveries: a.deliveries + b.deliveries,
    errors: a.errors + b.errors,
    mutations: a.mutations + b.mutations,
    seconds: Number((a.seconds + b.seconds).toFixed(1)),
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  return wrong(`${option} takes a whole number, not "${text}"`)
}

function wrong(problem: string): never {
  console.error(`${problem}\n\n${USAGE}`)
  process.exit(2)
}
