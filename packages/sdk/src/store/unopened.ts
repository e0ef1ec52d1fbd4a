/**
 * Messages that could not be opened yet: their ciphertext, if there was one for this device, and
 * when their sender is asked for them.
 */
import type { AccountId, DeviceId, MessageId } from '@parley/wire'
import type { Store } from './store.ts'

export interface Unopened {
  sender: AccountId
  id: MessageId
  senderDevice: DeviceId
  sequence: number
  stamp: number
  position: number
  /** absent: the entry held no envelope for this device. */
  type: 'prekey' | 'message' | 'absent'
  ciphertext: Uint8Array | undefined
  /** It stands in the chat as something that is waited for. */
  shown: boolean
  asks: number
  /** Unix ms by this device's clock. */
  askAtMs: number
}

type Row = {
  sender: AccountId
  id: MessageId
  sender_device: DeviceId
  sequence: number
  stamp: number
  position: number
  type: Unopened['type']
  ciphertext: Uint8Array | null
  shown: number
  asks: number
  ask_at: number
}

function unopenedOf(row: Row): Unopened {
  const { sender_device: senderDevice, ask_at: askAtMs, ciphertext, shown, ...rest } = row
  return { ...rest, senderDevice, askAtMs, ciphertext: ciphertext ?? undefined, shown: shown === 1 }
}

export function readUnopened(store: Store, sender: AccountId, id: MessageId): Unopened | undefined {
  const row = store.one<Row>('SELECT * FROM unopened WHERE sender = ? AND id = ?', [sender, id])
  return row && unopenedOf(row)
}

/** Those with a ciphertext, in the order of the log. */
export function readUnopenedOf(store: Store, sender: AccountId, limit: number): Unopened[] {
  return store
    .all<Row>(
      `SELECT * FROM unopened WHERE sender = ? AND ciphertext IS NOT NULL
       ORDER BY position LIMIT ?`,
      [sender, limit],
    )
    .map(unopenedOf)
}

export function countUnopened(store: Store, sender: AccountId): number {
  return (
    store.one<{ count: number }>('SELECT count(*) AS count FROM unopened WHERE sender = ?', [
      sender,
    ])?.count ?? 0
  )
}

/** Of the ciphertexts that are kept for this person. */
export function unopenedBytes(store: Store, sender: AccountId): number {
  const sum = 'SELECT sum(length(ciphertext)) AS bytes FROM unopened WHERE sender = ?'
  return store.one<{ bytes: number | null }>(sum, [sender])?.bytes ?? 0
}

export function readDueAsks(store: Store, nowMs: number, limit: number): Unopened[] {
  return store
    .all<Row>('SELECT * FROM unopened WHERE ask_at <= ? ORDER BY ask_at LIMIT ?', [nowMs, limit])
    .map(unopenedOf)
}

export function nextAskAt(store: Store): number | undefined {
  return store.one<{ at: number | null }>('SELECT min(ask_at) AS at FROM unopened')?.at ?? undefined
}

export function insertUnopened(store: Store, item: Unopened): void {
  store.run('INSERT OR REPLACE INTO unopened VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    item.sender,
    item.id,
    item.senderDevice,
    item.sequence,
    item.stamp,
    item.position,
    item.type,
    item.ciphertext ?? null,
    item.shown ? 1 : 0,
    item.asks,
    item.askAtMs,
  ])
}

/** Deletes it, and says what it was. */
export function takeUnopened(store: Store, sender: AccountId, id: MessageId): Unopened | undefined {
  const row = store.one<Row>('DELETE FROM unopened WHERE sender = ? AND id = ? RETURNING *', [
    sender,
    id,
  ])
  return row && unopenedOf(row)
}

export function deleteUnopened(store: Store, sender: AccountId, id: MessageId): void {
  store.run('DELETE FROM unopened WHERE sender = ? AND id = ?', [sender, id])
}

/** What was sealed for a device that this is not any more can only be asked for. */
export function dropCiphertexts(store: Store, askAtMs: number): void {
  store.run("UPDATE unopened SET type = 'absent', ciphertext = NULL, ask_at = ?", [askAtMs])
}

/** Another device of the account had these: they are not missed. */
export function deleteAbsentUpTo(
  store: Store,
  sender: AccountId,
  device: DeviceId,
  upTo: number,
): void {
  store.run(
    `DELETE FROM unopened WHERE sender = ? AND sender_device = ? AND sequence <= ?
     AND type = 'absent' AND shown = 0`,
    [sender, device, upTo],
  )
}

/** Those of devices that are not among these, with what they are called in the chat. */
export function readUnopenedExcept(
  store: Store,
  sender: AccountId,
  devices: readonly DeviceId[],
): Unopened[] {
  return store
    .all<Row>('SELECT * FROM unopened WHERE sender = ?', [sender])
    .map(unopenedOf)
    .filter((item) => !devices.includes(item.senderDevice))
}

export function writeAsked(
  store: Store,
  item: Pick<Unopened, 'sender' | 'id'>,
  asks: number,
  askAtMs: number,
): void {
  store.run('UPDATE unopened SET asks = ?, ask_at = ?, shown = 1 WHERE sender = ? AND id = ?', [
    asks,
    askAtMs,
    item.sender,
    item.id,
  ])
}

export function postponeAsks(store: Store, sender: AccountId, fromMs: number, toMs: number): void {
  store.run('UPDATE unopened SET ask_at = ? WHERE sender = ? AND ask_at <= ?', [
    toMs,
    sender,
    fromMs,
  ])
}
