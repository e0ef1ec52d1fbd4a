/** The embedded log as the server opens it. */
import { openLogger, openSqliteLog } from '@parley/server'
import type { SqliteLog } from '@parley/server'

/** `now`: the time of what is appended, in Unix milliseconds. */
export function openBenchLog(path: string, now: () => number): Promise<SqliteLog> {
  return openSqliteLog({
    path,
    writer: 'thread',
    sync: 'full',
    clock: {
      now,
      after(delayMs, run) {
        const timer = setTimeout(run, delayMs)
        return () => clearTimeout(timer)
      },
    },
    elapsedMs: () => performance.now(),
    soon: (run) => void setImmediate(run),
    logger: openLogger('error'),
    fileBytesMax: undefined,
    queueBytesMax: undefined,
    onBatch: undefined,
    onParked: undefined,
  })
}
