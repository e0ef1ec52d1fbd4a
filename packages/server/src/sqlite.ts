/**
 * A connection to a SQLite file, as much of it as the embedded adapters use: bun:sqlite's, or one
 * of the simulator's, whose disk fails.
 */
import { Database } from 'bun:sqlite'
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'

export type SqliteValue = string | number | bigint | Uint8Array | null

/** Throws errors with SQLite's name for what happened as `code`: `SQLITE_FULL`. */
export interface SqliteStatement<Row, Parameters extends SqliteValue[]> {
  readonly columnNames: readonly string[]
  run(...parameters: Parameters): { changes: number; lastInsertRowid: number | bigint }
  get(...parameters: Parameters): Row | null
  all(...parameters: Parameters): Row[]
  iterate(...parameters: Parameters): IterableIterator<Row>
}

export interface SqliteConnection {
  readonly inTransaction: boolean
  /** One or more statements without parameters. */
  run(text: string): unknown
  prepare<Row, Parameters extends SqliteValue[]>(text: string): SqliteStatement<Row, Parameters>
  /** Like `prepare`, but the same text gives the same statement. */
  query<Row, Parameters extends SqliteValue[]>(text: string): SqliteStatement<Row, Parameters>
  close(): void
}

/**
 * Opens the file, for writing creates it too; who opens for writing has the file for itself. See
 * [Note: Writing the journal again].
 */
export type OpenSqlite = (path: string, access: 'write' | 'read') => SqliteConnection

export const openBunSqlite: OpenSqlite = (path, access) => {
  const isWriter = access === 'write'
  if (isWriter) syncJournal(journalOf(path))
  const options = isWriter ? { create: true, readwrite: true } : { readonly: true }
  return new BunConnection(new Database(path, options))
}

/**
 * While one statement is left, bun:sqlite keeps a closed file open, with its journal beside it: so
 * all of them end with the connection.
 */
class BunConnection implements SqliteConnection {
  readonly #database: Database
  readonly #prepared: { finalize(): void }[] = []

  constructor(database: Database) {
    this.#database = database
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction
  }

  run(text: string): unknown {
    return this.#database.run(text)
  }

  prepare<Row, Parameters extends SqliteValue[]>(text: string) {
    const statement = this.#database.prepare<Row, Parameters>(text)
    this.#prepared.push(statement)
    return statement as SqliteStatement<Row, Parameters>
  }

  query<Row, Parameters extends SqliteValue[]>(text: string) {
    return this.#database.query<Row, Parameters>(text) as SqliteStatement<Row, Parameters>
  }

  close(): void {
    for (const statement of this.#prepared) statement.finalize()
    this.#database.close()
  }
}

/** The write-ahead log beside a database. */
export const journalOf = (path: string) => `${path}-wal`

export interface JournalFile {
  readonly size: number
  read(offset: number, into: Uint8Array): void
  write(offset: number, bytes: Uint8Array): void
  sync(): void
}

const chunkBytes = 1024 * 1024

/**
 * [Note: Writing the journal again] A process that was killed, or stopped because a sync failed,
 * may leave transactions in the system's cache that the disk does not have. The next process finds
 * them in the journal, counts repeats of their messages as stored, and says Accepted: a power cut
 * then loses what was accepted. A sync alone does not help, because after a failed one the system
 * holds the lost pages for clean. So all of the journal is written again, the same bytes in the
 * same place, and synced, before anything is read from it.
 */
export function writeAgain(file: JournalFile): void {
  const chunk = new Uint8Array(Math.min(chunkBytes, file.size))
  for (let offset = 0; offset < file.size; offset += chunk.length) {
    const bytes = chunk.subarray(0, Math.min(chunk.length, file.size - offset))
    file.read(offset, bytes)
    file.write(offset, bytes)
  }
  file.sync()
}

function syncJournal(path: string): void {
  if (!existsSync(path)) return
  const file = openSync(path, 'r+')
  try {
    writeAgain({
      size: fstatSync(file).size,
      read: (offset, into) => void readSync(file, into, 0, into.length, offset),
      write: (offset, bytes) => void writeSync(file, bytes, 0, bytes.length, offset),
      sync: () => fsyncSync(file),
    })
  } finally {
    closeSync(file)
  }
}
