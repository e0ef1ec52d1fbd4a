/**
 * Logging out: everything goes out of the open database, also from its free pages. Shared by both
 * drivers.
 */
import type { SqlDriver } from '../platform/ports.ts'

interface SchemaObject {
  name: string
  type: 'table' | 'view'
}

export function eraseDatabase(driver: Pick<SqlDriver, 'run' | 'all' | 'transaction'>): void {
  driver.run('PRAGMA foreign_keys = OFF')
  driver.transaction(() => {
    // Virtual tables first: their shadow tables go with them.
    const objects = driver.all<SchemaObject>(
      `SELECT name, type FROM sqlite_schema
       WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'`,
    )
    for (const { name, type } of objects) {
      driver.run(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`)
    }
    driver.run('PRAGMA user_version = 0')
  })
  // A dropped table stays readable in the file's free pages and in the journal until these two.
  driver.run('VACUUM')
  driver.run('PRAGMA wal_checkpoint(TRUNCATE)')
  driver.run('PRAGMA foreign_keys = ON')
}
