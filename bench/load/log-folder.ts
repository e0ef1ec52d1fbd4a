/** A data folder with accounts and a message log that grows on demand; it goes with the run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provision } from '@parley/testkit'
import { endWithUs } from './end-with-us.ts'
import { LogFill } from './fill-log.ts'
import { ownersIn } from './rows.ts'
import type { Owner } from './rows.ts'
import type { Watch } from './watch.ts'

export interface LogFolder extends Disposable {
  path: string
  logPath: string
  owners: readonly Owner[]
  fill: LogFill
}

export async function openLogFolder(
  { users, entriesMax }: { users: number; entriesMax: number },
  watch: Watch,
): Promise<LogFolder> {
  const path = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  const forget = endWithUs(() => rmSync(path, { recursive: true, force: true }))
  const remove = () => {
    forget()
    rmSync(path, { recursive: true, force: true })
  }
  try {
    watch.begin(`making ${users.toLocaleString('en')} accounts`)
    await provision(path, users)
    const owners = ownersIn(path)
    const logPath = join(path, 'log.sqlite')
    const fill = new LogFill(logPath, owners, entriesMax)
    return { path, logPath, owners, fill, [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw error
  }
}

/**
 * The system keeps nothing of this file in its memory, as after a restart of the machine: dd tells
 * it so, which takes no rights. Nobody may have the file open.
 */
export function dropFromCache(path: string): void {
  const { exitCode, stderr } = Bun.spawnSync([
    'dd',
    `if=${path}`,
    'iflag=nocache',
    'count=0',
    'status=none',
  ])
  if (exitCode !== 0) throw new Error(`the cache keeps ${path}: ${stderr.toString().trim()}`)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
