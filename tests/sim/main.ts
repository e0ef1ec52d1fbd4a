/**
 * `npm run sim`: the real server and SDK on simulated time, network, disks and crashes. One seed
 * tells its story.
 */
import { parseArgs } from 'node:util'
import { availableParallelism } from 'node:os'
import { neverMet, table } from './coverage.ts'
import { findPlanted } from './planted.ts'
import { plants } from './plants.ts'
import type { Plant } from './plants.ts'
import { runRange } from './range.ts'
import type { Range } from './range.ts'
import { runSeed } from './run.ts'
import { linesOf } from './worker.ts'
import { storms } from './storms.ts'
import type { StormName } from './storms.ts'

const usage = `Usage: npm run sim -- [--seed N | --seed A..B] [options]

  --seed N        runs one seed and tells its story
  --seed A..B     runs the seeds from A to B (1..50)
  --storm NAME    plain: networks, disks and crashes; wide: devices, restores, strangers as well
                  (wide)
  --coverage      shows at the end which faults, frames and error paths the seeds have met
  --plant NAME    runs with a planted fault, which must be found: exit 0 when it was
  --planted       looks for each planted fault in up to 200 seeds of the plain storm: exit 0 when
                  all are found
  --jobs N        processes that run seeds (as many as there are processors)
  --json          one JSON object at the end

Exit: 1 when a seed failed, also when its process died or hung. Ctrl-C ends with the verdict on the
seeds that have run until then, marked partial: exit 1 only if one of them failed.

Planted faults:
${Object.entries(plants)
  .map(([name, plant]) => `  ${plant.breaks}  ${name.padEnd(20)} ${plant.says}`)
  .join('\n')}
`

function wrongUsage(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function parse() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string', default: '1..50' },
        storm: { type: 'string', default: 'wide' },
        plant: { type: 'string' },
        planted: { type: 'boolean', default: false },
        coverage: { type: 'boolean', default: false },
        jobs: { type: 'string', default: String(availableParallelism()) },
        /** A process that this program starts: it reads its seeds from stdin. */
        worker: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

const values = parse()

function rangeWanted(): Range {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seed)
  if (!match) wrongUsage(`not a seed or a range of seeds: ${values.seed}`)
  const first = Number(match[1])
  if (values.plant !== undefined && !(values.plant in plants)) {
    wrongUsage(`There is no planted fault ${values.plant}.`)
  }
  const jobs = Number(values.jobs)
  if (!Number.isInteger(jobs) || jobs < 1) wrongUsage(`not a number of processes: ${values.jobs}`)
  if (!(values.storm in storms)) wrongUsage(`There is no storm ${values.storm}.`)
  const storm = values.storm as StormName
  const plant = values.plant as Plant | undefined
  return { first, last: Number(match[2] ?? first), plant, storm, jobs }
}

/** One line of JSON for each seed that it is asked for. */
async function answer({ plant, storm }: Range): Promise<void> {
  // Ctrl-C goes to all processes of the terminal; the one that asks decides what becomes of it.
  process.on('SIGINT', () => {})
  for await (const line of linesOf(Bun.stdin.stream())) {
    const outcome = await runSeed({ seed: Number(line), plant, storm, tell: () => {} })
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
  }
}

async function tellStory({ first, plant, storm }: Range): Promise<number> {
  const tell = (line: string) => process.stdout.write(`${line}\n`)
  const { steps, sent, crashes, traceHash, failure, met } = await runSeed({
    seed: first,
    plant,
    storm,
    tell,
  })
  if (values.coverage) tell(table(met))
  tell(`seed ${first}: ${steps} steps, ${sent} sent, ${crashes} crashes, trace ${traceHash}`)
  if (failure) tell(failure.message + (failure.byCrash ? '\nWithout crashes it holds.' : ''))
  return Boolean(failure) === Boolean(plant) ? 0 : 1
}

async function runSeeds(range: Range): Promise<number> {
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const { seeds, steps, crashes, sent, failed, met, seconds, partial } = await runRange(range, {
    talks: !values.json || process.stderr.isTTY,
    stopsAtFailure: range.plant !== undefined,
    signal: stopping.signal,
  })
  const names = failed.map(({ seed, invariant }) => ({ seed, invariant }))
  if (values.json) {
    const coverage = values.coverage ? { met, never: neverMet(met) } : {}
    const figures = { seeds, steps, failed: names, partial, sent, crashes, ...coverage }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
  } else {
    if (values.coverage) process.stdout.write(`${table(met)}\n`)
    const rate = (seeds / seconds).toFixed(1)
    process.stdout.write(
      `${partial ? 'Stopped: ' : ''}${seeds} seeds, ${steps} steps, ${sent} sent, ${crashes} crashes, ${failed.length} failed` +
        ` (${seconds.toFixed(0)} s, ${rate} seeds/s)\n`,
    )
  }
  const found = failed.length > 0
  return found === (range.plant !== undefined) ? 0 : 1
}

async function findAll({ jobs }: Range): Promise<number> {
  const line = (text: string) => values.json || process.stdout.write(`${text}\n`)
  const { found, missed } = await findPlanted(jobs, line)
  if (values.json) process.stdout.write(`${JSON.stringify({ planted: found, missed })}\n`)
  return missed.length > 0 ? 1 : 0
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const range = rangeWanted()
  if (values.worker) {
    await answer(range)
    return 0
  }
  if (values.planted) return findAll(range)
  if (range.first === range.last && !values.json) return tellStory(range)
  return runSeeds(range)
}

process.exit(await main())
