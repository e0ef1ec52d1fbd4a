/** Private prekeys, and who has used them (E8, E9). */
import type { NamedPreKeys, PreKeyMessageHeader } from '@parley/crypto'
import type { PreKeyBatch } from '../account/prekeys.ts'
import { readMeta, writeMeta } from './meta.ts'
import type { Store } from './store.ts'

/** Ids fit 24 bits and start again after that. */
const preKeyIdMax = 0xff_ffff

/** Reserves ids for so many keys; the first of them. */
export function takePreKeyIds(store: Store, count: number): number {
  const next = readMeta<number>(store, 'prekey_id') ?? 1
  const first = next + count > preKeyIdMax ? 1 : next
  writeMeta(store, 'prekey_id', first + count)
  return first
}

/** Puts a batch in. The signed and last-resort keys before it count as replaced from then on. */
export function writePreKeys(store: Store, batch: PreKeyBatch, nowMs: number): void {
  store.run('UPDATE signed_prekeys SET replaced_at = ? WHERE replaced_at IS NULL', [nowMs])
  store.run('UPDATE kyber_prekeys SET replaced_at = ? WHERE replaced_at IS NULL AND one_time = 0', [
    nowMs,
  ])
  const { signed } = batch
  store.run('INSERT OR REPLACE INTO signed_prekeys VALUES (?, ?, ?, ?, ?, NULL)', [
    signed.id,
    signed.publicKey,
    signed.privateKey,
    signed.signature,
    nowMs,
  ])
  for (const key of [batch.kyber, ...batch.oneTimeKyber]) {
    store.run('INSERT OR REPLACE INTO kyber_prekeys VALUES (?, ?, ?, ?, ?, ?, NULL)', [
      key.id,
      key.publicKey,
      key.privateKey,
      key.signature,
      key === batch.kyber ? 0 : 1,
      nowMs,
    ])
  }
  for (const key of batch.oneTime) {
    store.run('INSERT OR REPLACE INTO one_time_prekeys VALUES (?, ?, ?, ?)', [
      key.id,
      key.publicKey,
      key.privateKey,
      nowMs,
    ])
  }
  writeMeta(store, 'prekeys_rotated_at', nowMs)
}

/** Private one-time keys that no message has named yet. */
export function countOneTimePreKeys(store: Store): { curve: number; kyber: number } {
  const count = (sql: string) => store.one<{ count: number }>(sql)?.count ?? 0
  return {
    curve: count('SELECT count(*) AS count FROM one_time_prekeys'),
    kyber: count('SELECT count(*) AS count FROM kyber_prekeys WHERE one_time = 1'),
  }
}

interface KeyRow {
  id: number
  public_key: Uint8Array
  private_key: Uint8Array
}

/** The private keys that a prekey message names; undefined when one of them is gone. */
export function readNamedPreKeys(
  store: Store,
  header: PreKeyMessageHeader,
): NamedPreKeys | undefined {
  const find = (table: string, id: number) =>
    store.one<KeyRow>(`SELECT * FROM ${table} WHERE id = ?`, [id])
  const signed = find('signed_prekeys', header.signedPreKeyId)
  const kyber = find('kyber_prekeys', header.kyberPreKeyId)
  const { oneTimePreKeyId } = header
  const oneTime =
    oneTimePreKeyId === undefined ? undefined : find('one_time_prekeys', oneTimePreKeyId)
  if (!signed || !kyber || (oneTimePreKeyId !== undefined && !oneTime)) return undefined
  return {
    signed: keyOf(signed),
    kyber: { id: kyber.id, privateKey: kyber.private_key },
    oneTime: oneTime && keyOf(oneTime),
  }
}

function keyOf(row: KeyRow) {
  return { id: row.id, publicKey: row.public_key, privateKey: row.private_key }
}

/** E8: a session was started with this base key and these prekeys before. */
export function wasBaseKeyUsed(store: Store, header: PreKeyMessageHeader): boolean {
  return (
    store.one(
      'SELECT 1 FROM used_base_keys WHERE signed_id = ? AND kyber_id = ? AND base_key = ?',
      [header.signedPreKeyId, header.kyberPreKeyId, header.baseKey],
    ) !== undefined
  )
}

/** One-time keys go, the base key is remembered for the life of the signed and last-resort ones. */
export function writePreKeysUsed(store: Store, header: PreKeyMessageHeader): void {
  if (header.oneTimePreKeyId !== undefined) {
    store.run('DELETE FROM one_time_prekeys WHERE id = ?', [header.oneTimePreKeyId])
  }
  store.run('DELETE FROM kyber_prekeys WHERE id = ? AND one_time = 1', [header.kyberPreKeyId])
  store.run('INSERT OR IGNORE INTO used_base_keys VALUES (?, ?, ?)', [
    header.signedPreKeyId,
    header.kyberPreKeyId,
    header.baseKey,
  ])
}

/**
 * Removes keys replaced before the time, one-time keys made before `oneTimeBeforeMs`, and the
 * memory of what used them.
 */
export function deleteOldPreKeys(
  store: Store,
  replacedBeforeMs: number,
  oneTimeBeforeMs: number,
): void {
  store.run('DELETE FROM signed_prekeys WHERE replaced_at < ?', [replacedBeforeMs])
  store.run('DELETE FROM kyber_prekeys WHERE one_time = 0 AND replaced_at < ?', [replacedBeforeMs])
  store.run('DELETE FROM kyber_prekeys WHERE one_time = 1 AND created_at < ?', [oneTimeBeforeMs])
  store.run('DELETE FROM one_time_prekeys WHERE created_at < ?', [oneTimeBeforeMs])
  store.run('DELETE FROM used_base_keys WHERE signed_id NOT IN (SELECT id FROM signed_prekeys)')
}
