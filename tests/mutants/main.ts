/**
 * `npm run mutants`: plants each of the known faults in a copy of the tree, and runs the test that
 * is named for it. One that survives is a hole in the tests.
 */
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import type { Fault, NamedTest } from './fault.ts'
import { faults } from './faults.ts'
import { Ground, type Outcome } from './plant.ts'

const usage = `Usage: npm run mutants -- [NAME...] [--list] [--json] [--types]

Plants realistic faults, one after another, in a copy of the tree; the test that is named for each
must fail. Exit 1 when one survives, or is no fault any more.

  NAME      only these
  --list    prints the faults and the tests that kill them
  --json    one JSON object at the end: {"planted","killed","survivors"}
  --types   demands of each fault that it passes the type check, too (slower)
`

const lanes = 2
const root = dirname(dirname(import.meta.dirname))

function wrongUsage(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        types: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error))
  }
}

const { values, positionals } = parse()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const unknown = positionals.filter((name) => !faults.some((fault) => fault.name === name))
if (unknown.length > 0) wrongUsage(`There is no fault ${unknown.join(', ')}.`)
const wanted = faults.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (values.list) {
  for (const { name, why, killedBy } of wanted) {
    process.stdout.write(`${name}: ${why}\n    ${killedBy.file}: ${killedBy.test}\n`)
  }
  process.exit(0)
}

/** The result goes to stdout, what happens on the way does not mix with it. */
function tell(line: string): void {
  ;(values.json ? process.stderr : process.stdout).write(`${line}\n`)
}

const grounds: Ground[] = []

function clear(): void {
  for (const ground of grounds) ground[Symbol.dispose]()
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clear()
    process.exit(130)
  })
}

/** Each item once, on whichever lane is free. */
async function onLanes<T>(
  items: readonly T[],
  work: (ground: Ground, item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  await Promise.all(
    grounds.map(async (ground) => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        await work(ground, item)
      }
    }),
  )
}

/** Without a fault every named test must pass, or its failing would show nothing. */
async function checkClean(): Promise<string[]> {
  const tests = new Map<string, NamedTest>()
  for (const { killedBy } of wanted) tests.set(`${killedBy.file} ${killedBy.test}`, killedBy)
  const complaints: string[] = []
  if (values.types) complaints.push((await grounds[0]?.typeErrors()) ?? '')
  await onLanes([...tests.values()], async (ground, test) => {
    complaints.push((await ground.complaint(test)) ?? '')
  })
  return complaints.filter((complaint) => complaint !== '')
}

async function plantAll(): Promise<Map<Fault, Outcome>> {
  const outcomes = new Map<Fault, Outcome>()
  await onLanes(wanted, async (ground, fault) => {
    const startedMs = performance.now()
    const outcome = await ground.try(fault, { types: values.types })
    outcomes.set(fault, outcome)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    const says = outcome.kind === 'survived' ? `${fault.why}; ${fault.killedBy.test}` : outcome.says
    tell(`${outcome.kind.padEnd(9)} ${fault.name} (${seconds} s): ${says}`)
  })
  return outcomes
}

async function run(): Promise<boolean> {
  const startedMs = performance.now()
  const complaints = await checkClean()
  for (const complaint of complaints) tell(complaint)
  if (complaints.length > 0) return false
  const outcomes = await plantAll()
  const named = (kind: Outcome['kind']) =>
    wanted.filter((fault) => outcomes.get(fault)?.kind === kind).map(({ name }) => name)
  const [killed, survivors, invalid] = [named('killed'), named('survived'), named('invalid')]
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0)
  tell(`${wanted.length} planted, ${killed.length} killed in ${seconds} s`)
  tell(`survivors: ${survivors.join(', ') || 'none'}`)
  if (invalid.length > 0) tell(`not valid: ${invalid.join(', ')}`)
  if (values.json) {
    const result = { planted: wanted.length, killed: killed.length, survivors }
    process.stdout.write(`${JSON.stringify(result)}\n`)
  }
  return killed.length === wanted.length
}

try {
  for (let lane = 0; lane < lanes; lane++) grounds.push(new Ground(root))
  process.exitCode = (await run()) ? 0 : 1
} finally {
  clear()
}
