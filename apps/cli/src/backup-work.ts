/**
 * What backup, restore and verify have in common: a line on the terminal that says what is done,
 * how far it is and how long it takes still; and failures as sentences with their exit status.
 */
import type { Progress } from '@parley/app-server'
import type { Cli } from './cli.ts'
import { CliFailure, exitStatus } from './failure.ts'
import { stopwatch } from './platform/stopwatch.ts'

type AppServer = typeof import('@parley/app-server')

export interface BackupWork {
  /** Loaded only here: no other command needs the server. */
  server: AppServer
  watching: { signal: AbortSignal; onProgress: (progress: Progress) => void }
  /** The folder of the server, from the flag, the environment or the configuration file. */
  dataFolder: (flag: string | undefined) => string
}

const clearLine = '\r\u001b[2K'
const says: Readonly<Record<Progress['step'], string>> = {
  copy: 'Copying',
  check: 'Examining the stores',
  checksum: 'Checksum of',
  restore: 'Restoring',
}

export async function backupWork<T>(cli: Cli, run: (work: BackupWork) => Promise<T>): Promise<T> {
  const server = await import('@parley/app-server')
  const { stderr } = cli.terminal
  const isShown = stderr.isTTY === true && !cli.output.quiet
  const lineOf = progressLine()
  const onProgress = (progress: Progress) => {
    if (isShown) stderr.write(`${clearLine}${lineOf(progress)}`)
  }
  try {
    return await run({
      server,
      watching: { signal: cli.stop, onProgress },
      dataFolder: (flag) => server.dataFolderOf(flag, cli.terminal.environment),
    })
  } catch (error) {
    if (error instanceof server.ConfigError) throw failure(exitStatus.usage, error)
    if (error instanceof server.BackupError) throw failure(exitStatus.failed, error)
    throw error
  } finally {
    if (isShown) stderr.write(clearLine)
  }
}

function failure(status: CliFailure['status'], error: Error): CliFailure {
  return new CliFailure(status, error.message, { cause: error })
}

/** Estimates from how long this step on this file has taken so far. */
function progressLine(): (progress: Progress) => string {
  let current = ''
  let elapsed = stopwatch()
  return ({ step, name, doneBytes, totalBytes }) => {
    const what = `${says[step]} ${name}`.trimEnd()
    if (what !== current) elapsed = stopwatch()
    current = what
    const tookS = elapsed()
    if (totalBytes === undefined) return `${what}: ${Math.round(tookS)} s`
    const part = totalBytes === 0 ? 1 : doneBytes / totalBytes
    const line = `${what}: ${Math.floor(part * 100)} % of ${megabytes(totalBytes)}`
    if (part === 0 || tookS < 1) return line
    return `${line}, ${Math.ceil(tookS / part - tookS)} s left`
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
