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
import { client } from './scenarios/client.ts'
import { cryptoSpeed } from './scenarios/crypto.ts'
import { growth } from './scenarios/growth.ts'
import { idle } from './scenarios/idle.ts'
import { loginStorm } from './scenarios/login-storm.ts'
import { offline } from './scenarios/offline.ts'
import { oneToOne } from './scenarios/one-to-one.ts'
import { report } from './scenarios/report.ts'
import { startup } from './scenarios/startup.ts'
import { versus } from './scenarios/versus.ts'

const scenarios: Scenarios = {
  'one-to-one': oneToOne,
  idle,
  offline,
  'login-storm': loginStorm,
  startup,
  growth,
  capacity,
  client,
  versus,
  report,
  crypto: scenario({
    says: 'the Signal protocol beside the official library, in turns',
    options: {},
    async *run() {
      for await (const row of cryptoSpeed()) yield { peer: 'parley', ...row }
    },
  }),
}

/** A run that was stopped early may have nothing to divide by. */
function measured(row: Row): Row {
  const isFigure = (value: Row[string]) => typeof value !== 'number' || Number.isFinite(value)
  return Object.fromEntries(Object.entries(row).filter(([, value]) => isFigure(value)))
}

function readable(row: Row): string {
  return Object.entries(row)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join('  ')
}

/** What goes wrong at another server stands in its row, and is no fault of this one. */
function isOurs({ peer }: Row): boolean {
  return peer === undefined || peer === 'parley' || String(peer).startsWith('relay')
}

/** npm hands a Ctrl-C on that the terminal has sent as well. */
const sameSignalMs = 1_000

/** Aborted by Ctrl-C, which lets a run come to its end; by the second one the process ends. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAtMs = 0
  process.on('SIGINT', () => {
    if (!stop.signal.aborted) firstAtMs = performance.now()
    else if (performance.now() - firstAtMs > sameSignalMs) process.exit(130)
    stop.abort()
  })
  process.on('SIGTERM', () => process.exit(143))
  return stop.signal
}

/** Returns the exit status. */
async function run(asked: Asked & { kind: 'run' }): Promise<number> {
  const signal = stopSignal()
  const watch = openWatch(signal, process.stderr)
  const asks = scenarios[asked.name]
  const rounds = asks?.runsItself ? 1 : asked.runs
  let errors = 0
  for (let round = 0; round < rounds && !signal.aborted; round++) {
    for await (const cell of asks?.run(asked.values, watch) ?? []) {
      const partial = signal.aborted ? true : undefined
      const row = { scenario: asked.name, ...measured(cell), partial }
      if (isOurs(cell)) errors += Number(cell['errors'] ?? 0)
      watch.clear()
      process.stdout.write(`${asked.json ? JSON.stringify(row) : readable(row)}\n`)
      if (signal.aborted && !asks?.runsItself) break
    }
  }
  watch.clear()
  if (errors > 0) process.stderr.write(`${errors} things went wrong, so this run is void.\n`)
  if (signal.aborted) process.stderr.write('Stopped before the end.\n')
  return errors > 0 || signal.aborted ? 1 : 0
}

const asked = readCommandLine(scenarios, process.argv.slice(2))
if (asked.kind === 'run') {
  process.exitCode = await run(asked)
} else {
  const stream = asked.kind === 'print' ? process.stdout : process.stderr
  stream.write(asked.text)
  process.exitCode = asked.kind === 'print' ? 0 : 2
}
