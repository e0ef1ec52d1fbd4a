// `npm run interop`: the differential test of our Signal protocol against the official library.

import { parseArgs } from 'node:util'
import { PINNED_ORACLE } from './install.ts'
import { runInterop } from './run.ts'

const USAGE = `Usage: npm run interop -- [--deliveries N] [--seed N] [--oracle VERSION] [--json]

  --deliveries N     messages that must arrive (default 2000)
  --seed N           repeats the schedule of an earlier run (default: a new one, printed)
  --oracle VERSION   version of @signalapp/libsignal-client (default ${PINNED_ORACLE})
  --json             the last line is {"oracle","deliveries","errors","seed"}

Exit code 1 when a message was lost, altered, refused, or taken twice.`
const PROBLEMS_SHOWN_MAX = 20

const { values } = parseArgs({
  options: {
    deliveries: { type: 'string', default: '2000' },
    seed: { type: 'string' },
    oracle: { type: 'string', default: PINNED_ORACLE },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(USAGE)
  process.exit(0)
}

const deliveries = positive('--deliveries', values.deliveries)
const seed =
  values.seed === undefined
    ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
    : positive('--seed', values.seed)
const { oracle } = values

let shown = 0
const started = performance.now()
const report = (problem: string) => {
  if (shown++ < PROBLEMS_SHOWN_MAX) console.error(problem)
}
const tally = await runInterop({ oracle, deliveries, seed, report }).catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
const seconds = ((performance.now() - started) / 1000).toFixed(1)

console.log(`oracle ${oracle}, seed ${seed}, ${seconds} s`)
for (const [name, count] of Object.entries(tally)) console.log(`  ${name.padEnd(18)} ${count}`)
if (values.json) {
  const { deliveries, errors } = tally
  console.log(JSON.stringify({ oracle, deliveries, errors, seed }))
}
process.exit(tally.errors === 0 ? 0 : 1)

function positive(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(`${option} takes a whole number, not "${text}"\n\n${USAGE}`)
    process.exit(2)
  }
  return value
}
