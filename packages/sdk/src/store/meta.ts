/** Single values by name. */
import type { SqlValue } from '../platform/ports.ts'
import type { Store } from './store.ts'

export type MetaName =
  | 'pending_device'
  | 'sequence'
  | 'incarnation'
  | 'had_before'
  | 'bring_back'
  | 'prekey_id'
  | 'prekeys_rotated_at'
  | 'prekeys_upload'
  | 'events_done'
  | 'lookups_day'
  | 'lookups_used'

export function readMeta<T extends SqlValue>(store: Store, name: MetaName): T | undefined {
  return store.one<{ value: T }>('SELECT value FROM meta WHERE name = ?', [name])?.value
}

export function writeMeta(store: Store, name: MetaName, value: SqlValue | undefined): void {
  if (value === undefined) store.run('DELETE FROM meta WHERE name = ?', [name])
  else store.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', [name, value])
}
