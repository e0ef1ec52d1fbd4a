/** How far each followed log is committed on this device. */
import type { Cursor, LogId } from '@parley/wire'
import type { Store } from './store.ts'

export function readCursor(store: Store, log: LogId): number {
  return (
    store.one<{ position: number }>('SELECT position FROM cursors WHERE log = ?', [log])
      ?.position ?? 0
  )
}

export function readCursors(store: Store): Cursor[] {
  return store.all<Cursor>('SELECT log, position FROM cursors')
}

/** Never moves back. */
export function writeCursor(store: Store, log: LogId, position: number): void {
  store.run(
    `INSERT INTO cursors VALUES (?, ?)
     ON CONFLICT DO UPDATE SET position = max(position, excluded.position)`,
    [log, position],
  )
}

/** The server's logs are not the ones that they were. */
export function resetCursors(store: Store): void {
  store.run('UPDATE cursors SET position = 0')
}
