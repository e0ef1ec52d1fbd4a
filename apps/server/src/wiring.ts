/**
 * From the configuration to the backends of the embedded build. The only place that names adapters.
 */
import {
  type Clock,
  type Context,
  type Log,
  LogTooNew,
  LogUnavailable,
  openConsoleSms,
  LocalBus,
  openLogger,
  openMetrics,
  openSqliteLog,
  openSqliteSql,
  noSms,
  type RandomBytes,
  readIncarnation,
  SchemaNewer,
  type Sms,
  SqlUnavailable,
} from '@parley/server'
import type { Config } from './config.ts'
import { type DataFolder, fullDisk, openDataFolder } from './data-folder.ts'
import { elapsedMs, soon } from './platform/clock.ts'
import { addUsage } from './platform/usage.ts'
import { StartError } from './start-error.ts'

/** What tests put in the place of the system's. */
export interface Surroundings {
  clock: Clock
  random: RandomBytes
  /** Undefined: by the configuration. */
  sms: Sms | undefined
  /** Undefined: SQLite in the data folder. */
  log: (ClosableLog & Log) | undefined
  /** A line for whoever started the server. */
  print(line: string): void
}

interface ClosableLog {
  close(): Promise<void>
}

export interface Backends extends AsyncDisposable {
  context: Context
}

/** Throws a StartError; then nothing is left open. */
export async function openBackends(config: Config, surroundings: Surroundings): Promise<Backends> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(openDataFolder(config.dataFolder))
  const context = await saidPlainly(config, () => openContext(config, surroundings, folder, opened))
  const kept = opened.move()
  return { context, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

async function openContext(
  config: Config,
  surroundings: Surroundings,
  folder: DataFolder,
  opened: AsyncDisposableStack,
): Promise<Context> {
  const { clock, random } = surroundings
  const logger = openLogger(config.logLevel)
  const metrics = openMetrics()
  addUsage(metrics)
  const sql = await openSqliteSql(folder.path('accounts.sqlite'))
  opened.defer(() => sql.destroy())
  const log = surroundings.log ?? (await openLog(folder, clock, logger))
  opened.defer(() => log.close())
  return {
    log,
    bus: new LocalBus(logger),
    sql,
    sms: surroundings.sms ?? smsFor(config, surroundings),
    clock,
    random,
    logger,
    metrics,
    incarnation: await readIncarnation({ sql, random }),
  }
}

function openLog(folder: DataFolder, clock: Clock, logger: Context['logger']) {
  return openSqliteLog({
    path: folder.path('log.sqlite'),
    writer: 'thread',
    sync: 'full',
    clock,
    elapsedMs,
    soon,
    logger,
    fileBytesMax: undefined,
    queueBytesMax: undefined,
    onBatch: undefined,
    onParked: undefined,
  })
}

function smsFor({ loopback }: Config, { print }: Surroundings): Sms {
  return loopback ? openConsoleSms(print) : noSms
}

async function saidPlainly<T>({ dataFolder }: Config, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (cause) {
    throw new StartError(sayWhyNot(dataFolder, cause), { cause })
  }
}

function sayWhyNot(folder: string, cause: unknown): string {
  if (cause instanceof SchemaNewer || cause instanceof LogTooNew) {
    return `The data folder ${folder} was written by a newer version of Parley. Start that version again, or restore a backup made by this one.`
  }
  const unavailable = cause instanceof SqlUnavailable || cause instanceof LogUnavailable
  if (unavailable && cause.reason === 'full') return fullDisk(folder)
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const says = inner instanceof Error ? inner.message : String(inner)
  return `The files in ${folder} cannot be opened: ${says}. Check the disk, or restore a backup.`
}
