/**
 * The SQL driver in a browser: SQLite as WASM on files of the origin (OPFS), in a dedicated worker,
 * since only those have synchronous file handles. Where the browser gives no files, in a private
 * window for one, the database is in memory and says so.
 */
import sqlite3InitModule, {
  type Database,
  type PreparedStatement,
  type SAHPoolUtil,
  type Sqlite3Static,
} from '@sqlite.org/sqlite-wasm'
import { type Clock, type SqlDriver, type SqlValue, StoreError } from '../platform/ports.ts'
import { eraseDatabase } from './sqlite-erase.ts'
import { storeErrorOf } from './sqlite-errors.ts'
import { StatementCache } from './statement-cache.ts'
import { Transactions } from './transaction.ts'

export interface OpenedStore {
  driver: SqlDriver
  /** False: everything is gone when the worker ends. */
  persistent: boolean
}

/** A worker that is just ending may hold the files a moment longer. */
const handleTries = 20
const handleRetryMs = 250
/** Database, journal, and room for temporary files. */
const filesInPool = 6
const ioError = 10
const full = 13
const rowCode = 100
const doneCode = 101

/** SQLite as WASM; a call gives an instance of its own. */
export function loadSqlite(): Promise<Sqlite3Static> {
  return sqlite3InitModule()
}

/**
 * The driver on a database that was opened on any file layer; `release` runs after it is closed.
 * Throws StoreError.
 */
export function openWasmDriver(
  sqlite3: Sqlite3Static,
  database: Database,
  release: () => void,
): SqlDriver {
  return new WasmDriver(sqlite3, database, release)
}

/** `name` names a folder of the origin with one database in it. Throws StoreError. */
export async function openBrowserDriver(name: string, clock: Clock): Promise<OpenedStore> {
  const sqlite3 = await loadSqlite()
  const pool = await installPool(sqlite3, name, clock)
  if (!pool) {
    const database = new sqlite3.oo1.DB(':memory:')
    return { driver: openWasmDriver(sqlite3, database, () => {}), persistent: false }
  }
  const path = `/${name}.db`
  await expectFile(pool, name, path)
  const database = openDatabase(sqlite3, pool, path)
  try {
    const driver = openWasmDriver(sqlite3, database, () => pool.pauseVfs())
    await writeMark(name)
    return { driver, persistent: true }
  } catch (error) {
    database.close()
    pool.pauseVfs()
    throw error
  }
}

function openDatabase(sqlite3: Sqlite3Static, pool: SAHPoolUtil, path: string): Database {
  try {
    return new pool.OpfsSAHPoolDb(path)
  } catch (error) {
    pool.pauseVfs()
    if (!(error instanceof sqlite3.SQLite3Error)) throw error
    throw storeErrorOf(error.resultCode, error.message)
  }
}

/** Removes the folder and everything in it; its driver must be closed. */
export async function removeBrowserStore(name: string): Promise<void> {
  const root = await fileRoot()
  await root.removeEntry(markOf(name)).catch(ignoreMissing)
  await root.removeEntry(folderOf(name), { recursive: true }).catch(ignoreMissing)
}

/** Undefined where the browser gives no files. */
async function installPool(
  sqlite3: Sqlite3Static,
  name: string,
  clock: Clock,
): Promise<SAHPoolUtil | undefined> {
  const options = {
    name: `parley-${name}`,
    directory: folderOf(name),
    initialCapacity: filesInPool,
    // Without these a failure to open would delete what is there, and be remembered for good.
    preserveOnInitFailure: true,
    forceReinitIfPreviouslyFailed: true,
  }
  for (let tries = 1; ; tries++) {
    try {
      const pool = await sqlite3.installOpfsSAHPoolVfs(options)
      return pool.isPaused() ? await pool.unpauseVfs() : pool
    } catch (error) {
      const { name: reason } = error as Error
      if (reason === 'QuotaExceededError') throw new StoreError('full', 'no room for the database')
      if (reason !== 'NoModificationAllowedError') return undefined
      if (tries === handleTries) throw new StoreError('busy', 'the database is open elsewhere')
      await new Promise<void>((resolve) => clock.after(handleRetryMs, resolve))
    }
  }
}

/** The parts of the file system of an origin that are used here. */
interface Folder {
  getFileHandle(name: string, options?: { create: boolean }): Promise<unknown>
  removeEntry(name: string, options?: { recursive: boolean }): Promise<void>
}

function fileRoot(): Promise<Folder> {
  const { storage } = navigator as unknown as { storage: { getDirectory(): Promise<Folder> } }
  return storage.getDirectory()
}

const folderOf = (name: string) => `parley-${name}`
const markOf = (name: string) => `parley-${name}-present`

/**
 * [Note: The mark beside the pool] The pool empties a file whose header is damaged and goes on as
 * if it had never been. An empty file beside the pool says that there was a database, so that a
 * lost one is told from a new profile.
 */
async function expectFile(pool: SAHPoolUtil, name: string, path: string): Promise<void> {
  if (pool.getFileNames().includes(path)) return
  const root = await fileRoot()
  const isMarked = await root.getFileHandle(markOf(name)).then(
    () => true,
    () => false,
  )
  if (!isMarked) return
  pool.pauseVfs()
  throw new StoreError('corrupt', 'the database file is damaged or gone')
}

async function writeMark(name: string): Promise<void> {
  await (await fileRoot()).getFileHandle(markOf(name), { create: true })
}

function ignoreMissing(error: unknown): void {
  if ((error as Error).name !== 'NotFoundError') throw error
}

class WasmDriver implements SqlDriver {
  readonly #sqlite3: Sqlite3Static
  readonly #database: Database
  readonly #release: () => void
  readonly #statements: StatementCache<PreparedStatement>
  readonly #transactions: Transactions
  // A leading mark of the byte order is part of a text.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(sqlite3: Sqlite3Static, database: Database, release: () => void) {
    this.#sqlite3 = sqlite3
    this.#database = database
    this.#release = release
    this.#statements = new StatementCache((sql) => database.prepare(sql))
    this.#transactions = new Transactions((sql) => this.run(sql))
    // The pool has no shared memory; with the only connection SQLite needs none for its write-ahead
    // log.
    this.run('PRAGMA locking_mode = EXCLUSIVE')
    this.run('PRAGMA journal_mode = WAL')
    this.run('PRAGMA synchronous = FULL')
    this.run('PRAGMA foreign_keys = ON')
    this.run('PRAGMA temp_store = MEMORY')
  }

  run(sql: string, parameters?: readonly SqlValue[]): void {
    this.#mapped('writing', () => {
      if (parameters === undefined) this.#database.exec(sql)
      else this.#rows(sql, parameters, () => undefined)
    })
  }

  all<Row>(sql: string, parameters: readonly SqlValue[] = []): Row[] {
    return this.#mapped('reading', () => {
      const rows: Row[] = []
      this.#rows(sql, parameters, (statement, names) => {
        rows.push(this.#row(statement, names) as Row)
      })
      return rows
    })
  }

  transaction<T>(body: () => T): T {
    return this.#transactions.run(body)
  }

  erase(): void {
    this.#statements.clear()
    eraseDatabase(this)
    this.#statements.clear()
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
    this.#release()
  }

  #rows(
    sql: string,
    parameters: readonly SqlValue[],
    take: (statement: PreparedStatement, names: string[]) => void,
  ): void {
    const { capi } = this.#sqlite3
    const statement = this.#statements.get(sql)
    try {
      if (parameters.length > 0) statement.bind([...parameters])
      const names = statement.columnCount > 0 ? statement.getColumnNames() : []
      for (;;) {
        const code = capi.sqlite3_step(statement)
        if (code === doneCode) return
        if (code !== rowCode) this.#sqlite3.oo1.DB.checkRc(this.#database, code)
        take(statement, names)
      }
    } finally {
      capi.sqlite3_reset(statement)
      statement.clearBindings()
    }
  }

  #row(statement: PreparedStatement, names: string[]): Record<string, SqlValue> {
    const row: Record<string, SqlValue> = {}
    for (const [index, name] of names.entries()) row[name] = this.#column(statement, index)
    return row
  }

  #column(statement: PreparedStatement, index: number): SqlValue {
    const { capi } = this.#sqlite3
    switch (capi.sqlite3_column_type(statement, index)) {
      case capi.SQLITE_INTEGER:
        return Number(capi.sqlite3_column_int64(statement, index))
      case capi.SQLITE_FLOAT:
        return capi.sqlite3_column_double(statement, index)
      case capi.SQLITE_TEXT:
        // Read as bytes: as a C string it would end at the first zero.
        return this.#decoder.decode(this.#bytes(statement, index))
      case capi.SQLITE_BLOB:
        return this.#bytes(statement, index)
      default:
        return null
    }
  }

  #bytes(statement: PreparedStatement, index: number): Uint8Array<ArrayBuffer> {
    const { capi, wasm } = this.#sqlite3
    const start = Number(capi.sqlite3_column_blob(statement, index))
    const length = capi.sqlite3_column_bytes(statement, index)
    return new Uint8Array(wasm.heap8u().slice(start, start + length))
  }

  #mapped<T>(what: 'reading' | 'writing', work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof this.#sqlite3.SQLite3Error)) throw error
      const { message, resultCode } = error
      // Files of an origin fail to be written for one reason: its quota is used up.
      const isFull = what === 'writing' && (resultCode & 0xff) === ioError
      throw storeErrorOf(isFull ? full : resultCode, message)
    }
  }
}
