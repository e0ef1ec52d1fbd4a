/** How far each followed log is committed on this device. */
import type { Cursor, LogId } from '@parley/wire'
import { readMeta, writeMeta } from './meta.ts'
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

/**
 * The server's logs are not the ones that they were: reading starts again. How far the inbox was
 * read stays known.
 */
export function resetCursors(store: Store, inbox: LogId): void {
  writeMeta(store, 'had_before', Math.max(readHadBefore(store), readCursor(store, inbox)))
  store.run('UPDATE cursors SET position = 0')
}

/** Up to here the inbox was read before it had to be read again. */
export function readHadBefore(store: Store): number {
  return readMeta<number>(store, 'had_before') ?? 0
}
