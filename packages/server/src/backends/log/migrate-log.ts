/**
 * From format 1 of the log, whose entries had an index that each append wrote. The entries stay
 * where they are; `places` is filled in the order of the old index, in steps, and the old index
 * goes last. So while that index is there, the migration is not finished, wherever it was killed.
 */
import type { SqliteConnection } from '../../sqlite.ts'

export const columnsOfFormat2 = ['device BLOB', 'sequence INTEGER'] as const
export const tablesOfFormat2 = `
CREATE TABLE places (
  log INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (log, position)
) WITHOUT ROWID;
CREATE TABLE indexed (position INTEGER NOT NULL);
`

/** Logs are copied one after the other. */
export interface MigrationProgress {
  doneLogs: number
  totalLogs: number
}

interface Place {
  log: number
  position: number
}

const usualStepEntries = 50_000
const beginStatements = `
BEGIN IMMEDIATE;
${columnsOfFormat2.map((column) => `ALTER TABLE entries ADD COLUMN ${column};`).join('\n')}
${tablesOfFormat2}
INSERT INTO indexed SELECT ifnull(max(position), 0) FROM entries;
PRAGMA user_version = 2;
COMMIT
`

/** Begins or goes on; returns at once when there is nothing to do. Throws what SQLite says. */
export function finishMigration(
  database: SqliteConnection,
  onProgress: (progress: MigrationProgress) => void,
  stepEntries = usualStepEntries,
): void {
  if (!has(database, 'entries_by_log')) return
  if (!has(database, 'places')) runWhole(database, beginStatements)
  const totalLogs = one(database, 'SELECT ifnull(max(number), 0) AS value FROM logs')
  for (let last = lastPlace(database); ; ) {
    onProgress({ doneLogs: last.log, totalLogs })
    copyStep(database, last, stepEntries)
    database.run('PRAGMA wal_checkpoint(PASSIVE)')
    const next = lastPlace(database)
    if (next.log === last.log && next.position === last.position) break
    last = next
  }
  runWhole(database, 'BEGIN IMMEDIATE; DROP INDEX entries_by_log; COMMIT')
}

function runWhole(database: SqliteConnection, statements: string): void {
  try {
    database.run(statements)
  } catch (error) {
    if (database.inTransaction) database.run('ROLLBACK')
    throw error
  }
}

function copyStep(database: SqliteConnection, { log, position }: Place, entries: number): void {
  database
    .query<never, [number, number, number]>(
      'INSERT INTO places SELECT log, position FROM entries INDEXED BY entries_by_log ' +
        'WHERE (log, position) > (?, ?) ORDER BY log, position LIMIT ?',
    )
    .run(log, position, entries)
}

function lastPlace(database: SqliteConnection): Place {
  const text = 'SELECT log, position FROM places ORDER BY log DESC, position DESC LIMIT 1'
  return database.query<Place, []>(text).get() ?? { log: 0, position: 0 }
}

function has(database: SqliteConnection, name: string): boolean {
  return one(database, `SELECT count(*) AS value FROM sqlite_master WHERE name = '${name}'`) > 0
}

function one(database: SqliteConnection, text: string): number {
  return database.query<{ value: number }, []>(text).get()?.value ?? 0
}
