/** The server's connections to files on a simulated disk. */
import { journalOf, writeAgain } from '../../../packages/server/src/sqlite.ts'
import type {
  OpenSqlite,
  SqliteConnection,
  SqliteStatement,
  SqliteValue,
} from '../../../packages/server/src/sqlite.ts'
import { sqlite, vfsName } from './vfs.ts'
import type { Mount, SqliteDatabase } from './vfs.ts'

type Prepared = ReturnType<SqliteDatabase['prepare']>

const { capi, wasm } = sqlite
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** SQLite's name for what happened is the code, as in bun:sqlite. */
class DiskSqliteError extends Error {
  override readonly name = 'SQLiteError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

function named<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof sqlite.SQLite3Error)) throw error
    throw new DiskSqliteError(
      capi.sqlite3_js_rc_str(error.resultCode) ?? 'SQLITE_ERROR',
      error.message,
    )
  }
}

/** Opens on the mount; `flags` as in fopen. */
export function openDatabase(mount: Mount, file: string, flags: 'c' | 'r'): SqliteDatabase {
  const database = new sqlite.oo1.DB({ filename: mount.path(file), flags, vfs: vfsName })
  capi.sqlite3_extended_result_codes(database, 1)
  mount.databases.add(database)
  return database
}

class DiskStatement<Row, Parameters extends SqliteValue[]>
  implements SqliteStatement<Row, Parameters>
{
  readonly #database: SqliteDatabase
  readonly #prepared: Prepared
  readonly columnNames: readonly string[]

  constructor(database: SqliteDatabase, prepared: Prepared) {
    this.#database = database
    this.#prepared = prepared
    this.columnNames = prepared.columnCount > 0 ? prepared.getColumnNames() : []
  }

  run(...parameters: Parameters) {
    for (const _ of this.iterate(...parameters));
    const changes = capi.sqlite3_changes(this.#database)
    return { changes, lastInsertRowid: capi.sqlite3_last_insert_rowid(this.#database) }
  }

  get(...parameters: Parameters): Row | null {
    for (const row of this.iterate(...parameters)) return row
    return null
  }

  all(...parameters: Parameters): Row[] {
    return [...this.iterate(...parameters)]
  }

  *iterate(...parameters: Parameters): Generator<Row, undefined> {
    const prepared = this.#prepared
    try {
      named(() => parameters.length > 0 && prepared.bind([...parameters]))
      while (this.#step()) yield this.#row()
    } finally {
      capi.sqlite3_reset(prepared)
      prepared.clearBindings()
    }
    return undefined
  }

  #step(): boolean {
    const code = capi.sqlite3_step(this.#prepared)
    if (code === capi.SQLITE_ROW) return true
    if (code !== capi.SQLITE_DONE) named(() => sqlite.oo1.DB.checkRc(this.#database, code))
    return false
  }

  #row(): Row {
    const row: Record<string, SqliteValue> = {}
    for (const [index, name] of this.columnNames.entries()) row[name] = this.#column(index)
    return row as Row
  }

  #column(index: number): SqliteValue {
    const prepared = this.#prepared
    switch (capi.sqlite3_column_type(prepared, index)) {
      case capi.SQLITE_INTEGER:
        return Number(capi.sqlite3_column_int64(prepared, index))
      case capi.SQLITE_FLOAT:
        return capi.sqlite3_column_double(prepared, index)
      case capi.SQLITE_TEXT:
        return decoder.decode(this.#bytes(index))
      case capi.SQLITE_BLOB:
        return this.#bytes(index)
      default:
        return null
    }
  }

  #bytes(index: number): Uint8Array<ArrayBuffer> {
    const start = Number(capi.sqlite3_column_blob(this.#prepared, index))
    const length = capi.sqlite3_column_bytes(this.#prepared, index)
    return new Uint8Array(wasm.heap8u().slice(start, start + length))
  }
}

class DiskConnection implements SqliteConnection {
  readonly #database: SqliteDatabase
  readonly #known = new Map<string, SqliteStatement<never, never>>()

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  get inTransaction(): boolean {
    return this.#database.isOpen() && capi.sqlite3_get_autocommit(this.#database) === 0
  }

  run(text: string): void {
    named(() => this.#database.exec(text))
  }

  prepare<Row, Parameters extends SqliteValue[]>(text: string) {
    return named(
      () => new DiskStatement<Row, Parameters>(this.#database, this.#database.prepare(text)),
    )
  }

  query<Row, Parameters extends SqliteValue[]>(text: string): SqliteStatement<Row, Parameters> {
    const known = this.#known.get(text) as SqliteStatement<Row, Parameters> | undefined
    if (known) return known
    const statement = this.prepare<Row, Parameters>(text)
    this.#known.set(text, statement as unknown as SqliteStatement<never, never>)
    return statement
  }

  close(): void {
    this.#database.close()
  }
}

/** As server and command line do before they open a file for themselves. */
export function writeJournalAgain({ disk }: Mount, path: string): void {
  const journal = journalOf(path)
  if (!disk.has(journal)) return
  writeAgain({
    size: disk.size(journal),
    read: (offset, into) => void disk.read(journal, offset, into),
    write: (offset, bytes) => disk.write(journal, offset, bytes),
    sync: () => disk.sync(journal),
  })
}

/** For the adapters of the server; `rewrites`: as bun:sqlite's is opened by the server. */
export function sqliteOn(mount: Mount, rewrites: boolean): OpenSqlite {
  return (path, access) => {
    const isWriter = access === 'write'
    if (isWriter && rewrites) writeJournalAgain(mount, path)
    return named(() => new DiskConnection(openDatabase(mount, path, isWriter ? 'c' : 'r')))
  }
}
