/**
 * The SQL store of the embedded build: one SQLite file in WAL mode, one connection, Kysely's SQLite
 * dialect on bun:sqlite.
 */
import { Kysely, SqliteDialect } from 'kysely'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { openBunSqlite } from '../../sqlite.ts'
import type { OpenSqlite, SqliteConnection, SqliteValue } from '../../sqlite.ts'
import { migrate } from './migrate.ts'
import { type Sql, SqlUnavailable } from './sql.ts'

const busyTimeoutMs = 5_000
/** There are about a hundred different queries. */
const statementsKeptMax = 256
const nothingDone = { changes: 0, lastInsertRowid: 0 }
const ownMistakes = ['SQLITE_ERROR', 'SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_RANGE']

/** Opens or creates the file. Rejects with SqlUnavailable or SchemaNewer. */
export async function openSqliteSql(path: string, open: OpenSqlite = openBunSqlite): Promise<Sql> {
  const database = guarded(() => open(path, 'write'))
  try {
    guarded(() => {
      database.run(`pragma busy_timeout = ${busyTimeoutMs}`)
      database.run('pragma journal_mode = wal')
      database.run('pragma synchronous = full')
    })
    const sql: Sql = new Kysely({ dialect: new SqliteDialect({ database: adapt(database) }) })
    await migrate(sql, { bytes: 'blob', integer: 'integer' })
    return sql
  } catch (error) {
    database.close()
    throw error
  }
}

/** bun:sqlite in the shape that Kysely's dialect asks for. */
function adapt(database: SqliteConnection): SqliteDatabase {
  // Preparing takes longer than most of the queries.
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => database.close(),
    prepare(text) {
      const known = statements.get(text)
      if (known) return known
      const statement = guarded(() => statementOf(database, text))
      if (statements.size >= statementsKeptMax) statements.clear()
      statements.set(text, statement)
      return statement
    },
  }
}

function statementOf(database: SqliteConnection, text: string): SqliteStatement {
  const statement = database.prepare<unknown, SqliteValue[]>(text)
  // SQLite has rolled back by itself when the disk was full, and would complain.
  const isOver = () => text === 'rollback' && !database.inTransaction
  return {
    reader: statement.columnNames.length > 0,
    all: (parameters) => guarded(() => statement.all(...bindings(parameters))),
    run: (parameters) =>
      isOver() ? nothingDone : guarded(() => statement.run(...bindings(parameters))),
    iterate: (parameters) => guarded(() => statement.iterate(...bindings(parameters))),
  }
}

function bindings(parameters: readonly unknown[]): SqliteValue[] {
  return parameters as SqliteValue[]
}

/** What is our own mistake goes up as it is; the rest is the disk's or the file's. */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    const { code } = cause as { code?: unknown }
    if (typeof code !== 'string') throw new SqlUnavailable('failed', { cause })
    if (ownMistakes.some((mistake) => code.startsWith(mistake))) throw cause
    throw new SqlUnavailable(code === 'SQLITE_FULL' ? 'full' : 'failed', { cause })
  }
}
