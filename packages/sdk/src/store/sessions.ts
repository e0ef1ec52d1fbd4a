/**
 * Ratchets, one row per remote device. A state is written only over the one that it was made from.
 */
import type { SessionRecord } from '@parley/crypto'
import type { AccountId, DeviceId } from '@parley/wire'
import type { Store } from './store.ts'

export interface RemoteDevice {
  account: AccountId
  device: DeviceId
}

export interface StoredSession {
  record: SessionRecord
  version: number
  /** When it was last begun anew to mend something, Unix ms; 0 for never. */
  renewedAtMs: number
}

export interface SessionChange extends RemoteDevice {
  record: SessionRecord
  /** The version that the state was made from; 0 when there was none. */
  basedOn: number
  renewedAtMs: number
}

/**
 * Somebody else has stepped the ratchet meanwhile: what was made of the old state must not be used.
 */
export class StaleSession extends Error {
  override readonly name = 'StaleSession'
}

export function readSession(store: Store, remote: RemoteDevice): StoredSession | undefined {
  const row = store.one<{ record: Uint8Array; version: number; renewed_at: number }>(
    'SELECT record, version, renewed_at FROM sessions WHERE account = ? AND device = ?',
    [remote.account, remote.device],
  )
  return row && { record: row.record, version: row.version, renewedAtMs: row.renewed_at }
}

/** Throws StaleSession unless the state in the store is the one that the change is based on. */
export function writeSession(store: Store, change: SessionChange): void {
  const { device, account, record, basedOn, renewedAtMs } = change
  const written =
    basedOn === 0
      ? store.one(
          'INSERT INTO sessions VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING RETURNING version',
          [account, device, record, renewedAtMs],
        )
      : store.one(
          `UPDATE sessions SET record = ?, version = version + 1, renewed_at = ?
           WHERE account = ? AND device = ? AND version = ? RETURNING version`,
          [record, renewedAtMs, account, device, basedOn],
        )
  if (written === undefined) throw new StaleSession('the ratchet was stepped by somebody else')
}

export function deleteSession(store: Store, remote: RemoteDevice): void {
  store.run('DELETE FROM sessions WHERE account = ? AND device = ?', [
    remote.account,
    remote.device,
  ])
}

export function deleteSessionsWith(store: Store, account: AccountId): void {
  store.run('DELETE FROM sessions WHERE account = ?', [account])
}

export function deleteAllSessions(store: Store): void {
  store.run('DELETE FROM sessions')
}
