/**
 * `npm run bench -- SCENARIO`: runs one scenario against a server of its own and prints a line for
 * each cell.
 */
import { parseArgs } from 'node:util'
import { cryptoSpeed } from './scenarios/crypto.ts'
import { idle } from './scenarios/idle.ts'
import { oneToOne } from './scenarios/one-to-one.ts'
import { startBenchServer } from './load/server.ts'

type Row = Record<string, string | number | boolean | undefined>

interface Options {
  users: number
  w: number[]
  ratesPerS: number[]
  sessions: number
  runs: number
  warmS: number
  measureS: number
  settleS: number
}

interface Scenario {
  says: string
  run(options: Options): AsyncGenerator<Row>
}

const common = { peer: 'parley', durable: true }

const scenarios: Record<string, Scenario> = {
  'one-to-one': {
    says: 'users in pairs, 300-byte bodies, delivered receipts; --users --w --rate --runs',
    async *run(options) {
      const loops = [
        ...options.w.map((w) => ({ w, ratePerS: 0 })),
        ...options.ratesPerS.map((ratePerS) => ({ w: 0, ratePerS })),
      ]
      for (const loop of loops) {
        await using server = await startBenchServer(options.users)
        yield {
          scenario: 'one-to-one',
          ...common,
          ...(await oneToOne(server, { ...options, ...loop })),
        }
      }
    },
  },
  idle: {
    says: 'logs sessions in, keeps them idle, weighs the server; --sessions --settle --runs',
    async *run(options) {
      await using server = await startBenchServer(options.sessions)
      yield { scenario: 'idle', ...common, ...(await idle(server, options)) }
    },
  },
  crypto: {
    says: 'the Signal protocol beside the official library, in turns; --runs',
    async *run() {
      for await (const row of cryptoSpeed()) yield { scenario: 'crypto', peer: 'parley', ...row }
    },
  },
}

const usage = `Usage: npm run bench -- SCENARIO [options]

Scenarios:
${Object.entries(scenarios)
  .map(([name, scenario]) => `  ${name.padEnd(12)} ${scenario.says}`)
  .join('\n')}
  list         the names above

Options:
  --json           one JSON object a line
  --runs N         repeats each cell (1)
  --users N        one-to-one: users, an even number (1000)
  --w LIST         one-to-one: messages in flight per user, closed loop (1,8)
  --rate LIST      one-to-one: messages a second in all, open loop (1000)
  --measure S      one-to-one: seconds measured at least (8)
  --sessions N     idle: sessions (15000)
  --settle S       idle: seconds before the second weighing (40)
`

function numbers(text: string): number[] {
  const values = text.split(',').filter(Boolean).map(Number)
  if (values.some((value) => !Number.isInteger(value) || value < 0))
    wrongUsage(`not numbers: ${text}`)
  return values.filter((value) => value > 0)
}

function wrongUsage(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        runs: { type: 'string', default: '1' },
        users: { type: 'string', default: '1000' },
        w: { type: 'string' },
        rate: { type: 'string' },
        measure: { type: 'string', default: '8' },
        sessions: { type: 'string', default: '15000' },
        settle: { type: 'string', default: '40' },
      },
    })
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

const { values, positionals } = parse()
const name = positionals[0] ?? 'list'
if (values.help || name === 'list') {
  process.stdout.write(values.help ? usage : `${Object.keys(scenarios).join('\n')}\n`)
  process.exit(0)
}
const scenario = scenarios[name] ?? wrongUsage(`There is no scenario ${name}.`)
const one = (text: string) => numbers(text)[0] ?? wrongUsage(`not a number above 0: ${text}`)
const only = (given: string | undefined, other: string | undefined, usual: string) =>
  numbers(given ?? (other === undefined ? usual : ''))
const options: Options = {
  users: one(values.users) + (one(values.users) % 2),
  w: only(values.w, values.rate, '1,8'),
  ratesPerS: only(values.rate, values.w, '1000'),
  sessions: one(values.sessions),
  runs: one(values.runs),
  warmS: 3,
  measureS: one(values.measure),
  settleS: one(values.settle),
}
let errors = 0
for (let run = 0; run < options.runs; run++) {
  for await (const row of scenario.run(options)) {
    errors += Number(row.errors ?? 0)
    process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${readable(row)}\n`)
  }
}
if (errors > 0) {
  process.stderr.write(`${errors} messages went wrong: look at the errors column.\n`)
  process.exit(1)
}

function readable(row: Row): string {
  return Object.entries(row)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join('  ')
}
