/**
 * A copy of one SQLite file while somebody else writes to it: one moment of it, as one file without
 * a write-ahead log.
 */
import { Database } from 'bun:sqlite'
import { syncPath } from './durable-files.ts'

const busyTimeoutMs = 60_000

/**
 * Reads in one transaction, so the writer goes on and the copy does not see it; the write-ahead log
 * is not emptied meanwhile. Throws what SQLite says.
 */
export function copyStore({ from, to }: { from: string; to: string }): void {
  const database = new Database(from, { readonly: true })
  try {
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    database.run('VACUUM INTO ?', [to])
  } finally {
    database.close()
  }
  syncPath(to)
}

/** How large the copy will be, nearly; 0 when nobody can say. */
export function copyBytes(path: string): number {
  const database = new Database(path, { readonly: true })
  try {
    const pragma = (name: string) =>
      database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  } finally {
    database.close()
  }
}
