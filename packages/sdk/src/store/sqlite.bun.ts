/** The SQL driver on bun:sqlite, for the command line, bots, tests and the simulator. */
import { Database, type SQLQueryBindings, SQLiteError, type Statement } from 'bun:sqlite'
import type { SqlDriver, SqlValue } from '../platform/ports.ts'
import { eraseDatabase } from './sqlite-erase.ts'
import { storeErrorOf } from './sqlite-errors.ts'
import { StatementCache } from './statement-cache.ts'
import { Transactions } from './transaction.ts'

const busyTimeoutMs = 5_000

/**
 * A path (`:memory:` too), or a database that stays its owner's: closing the driver leaves it open.
 * Throws StoreError.
 */
export function openBunDriver(source: string | Database): SqlDriver {
  return mapped(() => {
    if (typeof source !== 'string') return new BunDriver(source, () => {})
    const database = new Database(source, { create: true })
    try {
      return new BunDriver(database, () => database.close())
    } catch (error) {
      database.close()
      throw error
    }
  })
}

class BunDriver implements SqlDriver {
  readonly #database: Database
  readonly #release: () => void
  readonly #statements: StatementCache<Statement>
  readonly #transactions: Transactions

  constructor(database: Database, release: () => void) {
    this.#database = database
    this.#release = release
    this.#statements = new StatementCache((sql) => database.prepare(sql))
    this.#transactions = new Transactions((sql) => this.run(sql))
    // A simulated crash can leave a transaction open in a database that is handed on.
    if (database.inTransaction) database.run('ROLLBACK')
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    database.run('PRAGMA journal_mode = WAL')
    database.run('PRAGMA synchronous = FULL')
    database.run('PRAGMA foreign_keys = ON')
    // Or pages that a statement changes are copied into a file outside of the profile.
    database.run('PRAGMA temp_store = MEMORY')
  }

  run(sql: string, parameters?: readonly SqlValue[]): void {
    mapped(() => {
      if (parameters === undefined) this.#database.run(sql)
      else this.#statements.get(sql).run(...bindings(parameters))
    })
  }

  all<Row>(sql: string, parameters: readonly SqlValue[] = []): Row[] {
    return mapped(() => this.#statements.get(sql).all(...bindings(parameters)) as Row[])
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
    this.#release()
  }
}

function bindings(parameters: readonly SqlValue[]): SQLQueryBindings[] {
  return parameters as SQLQueryBindings[]
}

function mapped<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof SQLiteError) throw storeErrorOf(error.errno, error.message)
    throw error
  }
}
