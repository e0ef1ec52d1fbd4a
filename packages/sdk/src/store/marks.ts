/**
 * Watermarks over what each device of a peer sent to this account: what is owed as a receipt, and
 * what the server has of it.
 */
import type { AccountId, DeviceId, Receipt } from '@parley/wire'
import type { Store } from './store.ts'

export interface Marks {
  peer: AccountId
  device: DeviceId
  /** Highest sequence of something that was shown. */
  taken: number
  delivered: number
  read: number
  confirmedDelivered: number
  confirmedRead: number
}

interface Row {
  peer: AccountId
  device: DeviceId
  taken: number
  delivered: number
  read: number
  confirmed_delivered: number
  confirmed_read: number
}

function marksOf(row: Row): Marks {
  const { confirmed_delivered, confirmed_read, ...rest } = row
  return { ...rest, confirmedDelivered: confirmed_delivered, confirmedRead: confirmed_read }
}

export function readMarks(store: Store, peer: AccountId, device: DeviceId): Marks | undefined {
  const row = store.one<Row>('SELECT * FROM marks WHERE peer = ? AND device = ?', [peer, device])
  return row && marksOf(row)
}

export function readOwed(store: Store, limit: number): Marks[] {
  return store
    .all<Row>(
      `SELECT * FROM marks WHERE delivered > confirmed_delivered OR read > confirmed_read LIMIT ?`,
      [limit],
    )
    .map(marksOf)
}

/**
 * Something of this sequence is shown (0: nothing new). Delivered stops below what is waited for.
 */
export function raiseMarks(
  store: Store,
  peer: AccountId,
  device: DeviceId,
  takenSequence: number,
): void {
  store.run(raise, [peer, device, takenSequence])
}

const lowestWaitedFor =
  'SELECT min(sequence) FROM unopened WHERE sender = ?1 AND sender_device = ?2'
/** How far delivered goes for this much taken. */
const deliveredFor = (taken: string) =>
  `min(${taken}, coalesce((${lowestWaitedFor}) - 1, ${taken}))`
const raised = `max(delivered, ${deliveredFor('max(taken, ?3)')})`
/** Another encryption of something that was read already needs no second look. */
const raise = `INSERT INTO marks VALUES (?1, ?2, ?3, max(0, ${deliveredFor('?3')}), 0, 0, 0)
  ON CONFLICT DO UPDATE SET
    taken = max(taken, ?3), delivered = ${raised},
    read = iif(delivered > 0 AND read >= delivered AND NOT EXISTS (
      SELECT 1 FROM messages WHERE conversation = ?1 AND sender_device = ?2 AND unread = 1),
      ${raised}, read)`

/** The person has seen what is not unread any more. */
export function raiseReadMarks(store: Store, peer: AccountId): void {
  for (const marks of readMarksOf(store, peer)) {
    const upTo = below(marks.delivered, lowestUnread(store, peer, marks.device))
    writeMarks(store, { ...marks, read: Math.max(marks.read, upTo) })
  }
}

function writeMarks(
  store: Store,
  marks: Omit<Marks, 'confirmedDelivered' | 'confirmedRead'>,
): void {
  store.run(
    `INSERT INTO marks VALUES (?, ?, ?, ?, ?, 0, 0)
     ON CONFLICT DO UPDATE SET taken = excluded.taken, delivered = excluded.delivered,
       read = excluded.read`,
    [marks.peer, marks.device, marks.taken, marks.delivered, marks.read],
  )
}

function below(mark: number, limit: number | undefined): number {
  return limit === undefined ? mark : Math.min(mark, limit - 1)
}

function lowestUnread(store: Store, peer: AccountId, device: DeviceId): number | undefined {
  return (
    store.one<{ lowest: number | null }>(
      `SELECT min(sequence) AS lowest FROM messages
       WHERE conversation = ? AND sender_device = ? AND unread = 1`,
      [peer, device],
    )?.lowest ?? undefined
  )
}

function readMarksOf(store: Store, peer: AccountId): Marks[] {
  return store.all<Row>('SELECT * FROM marks WHERE peer = ?', [peer]).map(marksOf)
}

/** The server has these marks of the account; they may be higher than what this device knew. */
export function writeConfirmed(store: Store, receipt: Receipt): void {
  const { peer, peerDevice, delivered, read } = receipt
  store.run(
    `INSERT INTO marks VALUES (?, ?, 0, 0, 0, ?, ?)
     ON CONFLICT DO UPDATE SET
       confirmed_delivered = max(confirmed_delivered, excluded.confirmed_delivered),
       confirmed_read = max(confirmed_read, excluded.confirmed_read)`,
    [peer, peerDevice, delivered, read],
  )
}

/** The server may have forgotten them. */
export function resetConfirmed(store: Store): void {
  store.run('UPDATE marks SET confirmed_delivered = 0, confirmed_read = 0')
}
