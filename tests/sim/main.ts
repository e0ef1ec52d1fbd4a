/**
 * `npm run sim -- --seed N|A..B`: the real server and SDK on simulated time, network and crashes.
 * One seed tells its story.
 */
import { parseArgs } from 'node:util'
import { plants } from './plants.ts'
import type { Plant } from './plants.ts'
import { runSeed } from './run.ts'

const usage = `Usage: npm run sim -- [--seed N | --seed A..B] [--plant NAME] [--json]

  --seed N        runs one seed and tells its story
  --seed A..B     runs the seeds from A to B (1..50)
  --plant NAME    runs with a planted fault, which must be found: exit 0 when it was
  --json          one JSON object at the end

Planted faults:
${Object.entries(plants)
  .map(([name, plant]) => `  ${name.padEnd(20)} ${plant.says} (${plant.breaks})`)
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
        plant: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

const values = parse()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const range = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seed)
if (!range) wrongUsage(`not a seed or a range of seeds: ${values.seed}`)
if (values.plant !== undefined && !(values.plant in plants)) {
  wrongUsage(`There is no planted fault ${values.plant}.`)
}
const plant = values.plant as Plant | undefined
const first = Number(range[1])
const last = Number(range[2] ?? first)
const tellsStory = first === last && !values.json
const talk = (line: string) => process.stderr.write(`${line}\n`)

const failed: { seed: number; invariant: string }[] = []
let steps = 0
for (let seed = first; seed <= last; seed++) {
  const tell = tellsStory ? (line: string) => process.stdout.write(`${line}\n`) : () => {}
  const outcome = await runSeed({ seed, plant, tell })
  steps += outcome.steps
  if (outcome.failure) {
    failed.push({ seed, invariant: outcome.failure.invariant })
    talk(`seed ${seed}: ${outcome.failure.message}`)
  } else if (!values.json) {
    const { sent, crashes, traceHash } = outcome
    talk(
      `seed ${seed}: ${outcome.steps} steps, ${sent} sent, ${crashes} crashes, trace ${traceHash}`,
    )
  }
  if (plant && failed.length > 0) break
}
const seeds = last - first + 1
if (values.json) {
  process.stdout.write(`${JSON.stringify({ seeds, steps, failed })}\n`)
} else {
  process.stdout.write(`${seeds} seeds, ${steps} steps, ${failed.length} failed\n`)
}
process.exit(failed.length > 0 === (plant !== undefined) ? 0 : 1)
