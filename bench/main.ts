/**
 * `npm run bench -- SCENARIO`: runs one scenario and prints a line for each cell. Ends with 1 when
 * a message went wrong or the run was stopped, with 2 when it was asked for something wrong.
 */
import { readCommandLine } from './command-line.ts'
import type { Asked, Scenarios } from './command-line.ts'
import { openWatch } from './load/watch.ts'
import { scenario } from './scenario.ts'
import type { Row } from './scenario.ts'
import { capacity } from './scenarios/capacity.ts'
import { cryptoSpeed } from './scenarios/crypto.ts'
import { idle } from './scenarios/idle.ts'
import { loginStorm } from './scenarios/login-storm.ts'
import { offline } from './scenarios/offline.ts'
import { oneToOne } from './scenarios/one-to-one.ts'

const scenarios: Scenarios = {
  'one-to-one': oneToOne,
  idle,
  offline,
  'login-storm': loginStorm,
  capacity,
  crypto: scenario({
    says: 'the Signal protocol beside the official library, in turns',
    options: {},
    async *run() {
      for await (const row of cryptoSpeed()) yield { peer: 'parley', ...row }
    },
  }),
}

function readable(row: Row): string {
  return Object.entries(row)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join('  ')
}

/** Returns the exit status. */
async function run(asked: Asked & { kind: 'run' }): Promise<number> {
  const stop = new AbortController()
  // A second Ctrl-C ends the process at once.
  process.once('SIGINT', () => stop.abort())
  const watch = openWatch(stop.signal, process.stderr)
  let errors = 0
  for (let round = 0; round < asked.runs && !stop.signal.aborted; round++) {
    for await (const cell of scenarios[asked.name]?.run(asked.values, watch) ?? []) {
      const partial = stop.signal.aborted ? true : undefined
      const row = { scenario: asked.name, ...cell, partial }
      errors += Number(cell['errors'] ?? 0)
      watch.clear()
      process.stdout.write(`${asked.json ? JSON.stringify(row) : readable(row)}\n`)
      if (stop.signal.aborted) break
    }
  }
  watch.clear()
  if (errors > 0) process.stderr.write(`${errors} things went wrong, so this run is void.\n`)
  if (stop.signal.aborted) process.stderr.write('Stopped before the end.\n')
  return errors > 0 || stop.signal.aborted ? 1 : 0
}

const asked = readCommandLine(scenarios, process.argv.slice(2))
if (asked.kind === 'run') {
  process.exitCode = await run(asked)
} else {
  const stream = asked.kind === 'print' ? process.stdout : process.stderr
  stream.write(asked.text)
  process.exitCode = asked.kind === 'print' ? 0 : 2
}
