/** The embedded log on the time that a test steps. */
import { join } from 'node:path'
import { pino } from 'pino'
import type { ProcessClock } from '../../../../testkit/src/sim/clock.ts'
import { openSqliteLog } from './log-sqlite.ts'
import type { SqliteLog, SqliteLogOptions } from './log-sqlite.ts'

interface SteppedRig {
  clock: ProcessClock
  scheduler: { nowMs: number }
  soon: (run: () => void) => void
  onParked?: () => void
}

/** In `log.sqlite` of the folder; inline and without syncs unless told. */
export function openSteppedLog(
  folder: string,
  rig: SteppedRig,
  overrides: Partial<SqliteLogOptions> = {},
): Promise<SqliteLog> {
  return openSqliteLog({
    path: join(folder, 'log.sqlite'),
    writer: 'inline',
    sync: 'off',
    clock: rig.clock,
    elapsedMs: () => rig.scheduler.nowMs,
    soon: rig.soon,
    logger: pino({ level: 'silent' }),
    fileBytesMax: undefined,
    queueBytesMax: undefined,
    onBatch: undefined,
    onParked: rig.onParked,
    ...overrides,
  })
}
