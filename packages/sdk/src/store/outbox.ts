/**
 * What is to be sent, in order per person: drafts without a sequence, then sealed frames that wait
 * for Accepted.
 */
import type { AccountId, MessageId } from '@parley/wire'
import { nextPosition } from '@parley/wire'
import { readMeta, writeMeta } from './meta.ts'
import type { Store } from './store.ts'

export type OutboxKind =
  /** An own message of the messages table. */
  | 'text'
  /** The same once more, because the other side could not open it. */
  | 'answer'
  /** A body that is not shown: asking for messages, refusing them. */
  | 'control'

export interface OutboxRow {
  number: number
  peer: AccountId
  id: MessageId
  kind: OutboxKind
  /** JSON of a control's body; '' otherwise. */
  body: string
  /** 0 until it is fixed. */
  stamp: number
  /** 0 until it was first encrypted; kept when it has to be encrypted again. */
  sequence: number
  /** The encoded Send; undefined while it has to be encrypted (again). */
  frame: Uint8Array | undefined
}

type Row = Omit<OutboxRow, 'frame'> & { frame: Uint8Array | null }

function rowOf(row: Row): OutboxRow {
  return { ...row, frame: row.frame ?? undefined }
}

export function insertOutbox(
  store: Store,
  row: Pick<OutboxRow, 'peer' | 'id' | 'kind' | 'body' | 'stamp'>,
): void {
  store.run(
    `INSERT INTO outbox (peer, id, kind, body, stamp, sequence, frame)
     VALUES (?, ?, ?, ?, ?, 0, NULL)`,
    [row.peer, row.id, row.kind, row.body, row.stamp],
  )
}

export function readOutboxPeers(store: Store): AccountId[] {
  return store
    .all<{ peer: AccountId }>('SELECT peer FROM outbox GROUP BY peer ORDER BY min(number)')
    .map((row) => row.peer)
}

/** What has to be encrypted: first what has a sequence already, then drafts in order. */
export function readUnsealed(store: Store, peer: AccountId, limit: number): OutboxRow[] {
  const again = store.all<Row>(
    `SELECT * FROM outbox WHERE peer = ? AND sequence > 0 AND frame IS NULL
     ORDER BY sequence LIMIT ?`,
    [peer, limit],
  )
  const drafts = store.all<Row>(
    'SELECT * FROM outbox WHERE peer = ? AND sequence = 0 ORDER BY number LIMIT ?',
    [peer, limit - again.length],
  )
  return [...again, ...drafts].map(rowOf)
}

/** In order of their sequences, up to the first that has to be encrypted again. */
export function readSealed(
  store: Store,
  peer: AccountId,
  above: number,
  limit: number,
): OutboxRow[] {
  const rows = store
    .all<Row>('SELECT * FROM outbox WHERE peer = ? AND sequence > ? ORDER BY sequence LIMIT ?', [
      peer,
      above,
      limit,
    ])
    .map(rowOf)
  const unsealed = rows.findIndex((row) => row.frame === undefined)
  return unsealed === -1 ? rows : rows.slice(0, unsealed)
}

export function readOutboxOf(store: Store, id: MessageId): OutboxRow | undefined {
  const row = store.one<Row>('SELECT * FROM outbox WHERE id = ? LIMIT 1', [id])
  return row && rowOf(row)
}

export function readOutboxBySequence(
  store: Store,
  peer: AccountId,
  sequence: number,
): OutboxRow | undefined {
  const row = store.one<Row>('SELECT * FROM outbox WHERE peer = ? AND sequence = ?', [
    peer,
    sequence,
  ])
  return row && rowOf(row)
}

/** A sequence that this device never used and that is above all it did (L3). */
export function takeSequence(store: Store, serverNowMs: number): number {
  const sequence = nextPosition(lastSequence(store), serverNowMs)
  writeMeta(store, 'sequence', sequence)
  return sequence
}

/** The highest that was ever issued. */
export function lastSequence(store: Store): number {
  return readMeta<number>(store, 'sequence') ?? 0
}

export function writeSealedFrame(
  store: Store,
  row: { number: number; stamp: number; sequence: number; frame: Uint8Array },
): void {
  store.run('UPDATE outbox SET stamp = ?, sequence = ?, frame = ? WHERE number = ?', [
    row.stamp,
    row.sequence,
    row.frame,
    row.number,
  ])
}

/** From this sequence on the frames are of no use: number and id stay, the rest is made again. */
export function writeUnsealed(store: Store, peer: AccountId, from: number): void {
  store.run('UPDATE outbox SET frame = NULL WHERE peer = ? AND sequence >= ?', [peer, from])
}

export function writeRestamp(store: Store, number: number, stamp: number): void {
  store.run('UPDATE outbox SET stamp = ?, frame = NULL WHERE number = ?', [stamp, number])
}

/** Everything becomes a draft again: sequences that were issued are of no use any more. */
export function resetOutbox(store: Store): void {
  store.run('UPDATE outbox SET sequence = 0, frame = NULL')
}

/** Gives all rows new numbers behind the ones that were put in since. */
export function moveToEnd(store: Store, upTo: number): void {
  store.run(
    `INSERT INTO outbox (peer, id, kind, body, stamp, sequence, frame)
     SELECT peer, id, kind, body, stamp, sequence, frame FROM outbox WHERE number <= ?
     ORDER BY number`,
    [upTo],
  )
  store.run('DELETE FROM outbox WHERE number <= ?', [upTo])
}

export function newestOutboxNumber(store: Store): number {
  return (
    store.one<{ number: number | null }>('SELECT max(number) AS number FROM outbox')?.number ?? 0
  )
}

export function deleteOutbox(store: Store, number: number): void {
  store.run('DELETE FROM outbox WHERE number = ?', [number])
}

export function readAcceptedUpTo(store: Store, peer: AccountId, upTo: number): OutboxRow[] {
  return store
    .all<Row>(
      'SELECT * FROM outbox WHERE peer = ? AND sequence BETWEEN 1 AND ? ORDER BY sequence',
      [peer, upTo],
    )
    .map(rowOf)
}

export function hasOutbox(store: Store, number: number): boolean {
  return store.one('SELECT 1 FROM outbox WHERE number = ?', [number]) !== undefined
}

/** Ids of the own messages that wait for this person. */
export function readTextIds(store: Store, peer: AccountId): MessageId[] {
  return store
    .all<{ id: MessageId }>(
      "SELECT id FROM outbox WHERE peer = ? AND kind = 'text' ORDER BY number",
      [peer],
    )
    .map((row) => row.id)
}

export function hasOutboxFor(store: Store, peer: AccountId): boolean {
  return store.one('SELECT 1 FROM outbox WHERE peer = ? LIMIT 1', [peer]) !== undefined
}
