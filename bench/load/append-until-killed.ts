/**
 * A process that appends to a data folder's message log as a server under load does, until it is
 * killed: what it leaves is what a server leaves. Writes a line for each round.
 */
import { join } from 'node:path'
import { openBenchLog } from './bench-log.ts'
import { Rows, ownersIn } from './rows.ts'

const rowsPerRound = 512

const folder = process.argv[2]
if (folder === undefined) throw new Error('Say which data folder.')
const rows = new Rows(ownersIn(folder))
const log = await openBenchLog(join(folder, 'log.sqlite'), () => Date.now())
for (;;) {
  const round = Array.from({ length: rowsPerRound / 2 }, () => rows.next(Date.now())).flat()
  await Promise.all(round.map((row) => log.append(row.log, row.entry)))
  process.stdout.write('.\n')
}
