/**
 * The file of the embedded log: its tables, its settings and its version. `entries` is all that an
 * append writes, in the order of positions; what finds one log's entries is written late, in bulk
 * (late-index.ts).
 *
 *   entries    position → log, prev, body, device, sequence   append-only, in position order
 *   places     (log, position)                   of the entries up to `indexed`
 *   sequences  (device, log) → last send sequence (L3), of the entries up to `indexed`
 *   indexed    one position
 *   logs       number ↔ log id, kept             kept: newest expired position, or head if empty
 *   cursors    (log, device) → position
 *   followers  follower → position
 *   parked     (follower, position)              given up (L6)
 */
import { openBunSqlite } from '../../sqlite.ts'
import type { SqliteConnection } from '../../sqlite.ts'
import type { LatePace } from './late-index.ts'
import { columnsOfFormat2, finishMigration, tablesOfFormat2 } from './migrate-log.ts'
import type { MigrationProgress } from './migrate-log.ts'

export const logFormat = 2
const cacheKiB = 32 * 1024
const busyTimeoutMs = 5_000
/** A longer one, after a reader had kept it from starting over, is cut to this. */
const journalBytesMax = 32 * 1024 * 1024

const tables = `
CREATE TABLE logs (number INTEGER PRIMARY KEY, log TEXT NOT NULL UNIQUE, kept INTEGER NOT NULL);
CREATE TABLE entries (
  position INTEGER PRIMARY KEY, log INTEGER NOT NULL, prev INTEGER NOT NULL, body BLOB NOT NULL,
  ${columnsOfFormat2.join(', ')}
);
CREATE TABLE sequences (
  device TEXT NOT NULL, log INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (device, log)
) WITHOUT ROWID;
${tablesOfFormat2}
INSERT INTO indexed VALUES (0);
CREATE TABLE cursors (
  log INTEGER NOT NULL, device TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (log, device)
) WITHOUT ROWID;
CREATE TABLE followers (follower TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE parked (
  follower TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (follower, position)
) WITHOUT ROWID;
PRAGMA user_version = ${logFormat};
`

/** The file was written by a newer version of the software; it was not touched. */
export class LogTooNew extends Error {
  override readonly name = 'LogTooNew'
}

export interface WriterSettings {
  path: string
  /** `off` leaves durability to the operating system: for simulated crashes of the process only. */
  sync: 'full' | 'off'
  /** The file grows no further; appends are then refused as on a full disk. */
  fileBytesMax: number
  /** How much may wait for the index; undefined for what suits a server. */
  pace?: LatePace | undefined
}

/** How the file is opened, and who is told how far a migration is. */
export interface OpeningForWriting {
  open?: typeof openBunSqlite | undefined
  onMigration?: ((progress: MigrationProgress) => void) | undefined
}

/** The one connection that writes. Throws LogTooNew, or what SQLite says. */
export function openForWriting(
  settings: WriterSettings,
  { open = openBunSqlite, onMigration = () => {} }: OpeningForWriting = {},
): SqliteConnection {
  const database = open(settings.path, 'write')
  try {
    prepareFile(database, settings)
    finishMigration(database, onMigration)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareFile(database: SqliteConnection, settings: WriterSettings): void {
  database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  const version = pragma(database, 'user_version')
  if (version > logFormat) {
    throw new LogTooNew(
      `The message log has format ${version}, and this version of Parley knows ${logFormat}. ` +
        'Start the newer version again, or restore a backup made by this one.',
    )
  }
  database.run('PRAGMA journal_mode = WAL')
  database.run(`PRAGMA synchronous = ${settings.sync}`)
  // Checkpoints happen between batches, when the writer says so.
  database.run('PRAGMA wal_autocheckpoint = 0')
  database.run(`PRAGMA journal_size_limit = ${journalBytesMax}`)
  database.run(`PRAGMA cache_size = -${cacheKiB}`)
  const pageBytes = pragma(database, 'page_size')
  database.run(`PRAGMA max_page_count = ${Math.floor(settings.fileBytesMax / pageBytes)}`)
  if (version === 0) database.run(`BEGIN IMMEDIATE; ${tables} COMMIT`)
}

function pragma(database: SqliteConnection, name: string): number {
  const row = database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()
  return row?.[name] ?? 0
}

/** A connection that only reads, beside the writer's. */
export function openForReading(path: string, open = openBunSqlite): SqliteConnection {
  const database = open(path, 'read')
  database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  database.run(`PRAGMA cache_size = -${cacheKiB}`)
  return database
}
