/**
 * How often a message was sent again to a device that could not open it, so that asking cannot be
 * abused (E15); and which ids were never a message, so that nobody is told that one was lost.
 */
import type { DeviceId, MessageId } from '@parley/wire'
import type { Store } from './store.ts'

export function countAnswers(store: Store, device: DeviceId, id: MessageId): number {
  return (
    store.one<{ times: number }>('SELECT times FROM resend_answers WHERE device = ? AND id = ?', [
      device,
      id,
    ])?.times ?? 0
  )
}

export function countAnswersSince(store: Store, device: DeviceId, sinceMs: number): number {
  return (
    store.one<{ count: number }>(
      'SELECT count(*) AS count FROM resend_answers WHERE device = ? AND answered_at >= ?',
      [device, sinceMs],
    )?.count ?? 0
  )
}

export function writeAnswered(store: Store, device: DeviceId, id: MessageId, nowMs: number): void {
  store.run(
    `INSERT INTO resend_answers VALUES (?, ?, ?, 1)
     ON CONFLICT DO UPDATE SET times = times + 1, answered_at = excluded.answered_at`,
    [device, id, nowMs],
  )
}

export function deleteAnswersBefore(store: Store, beforeMs: number): void {
  store.run('DELETE FROM sent_controls WHERE sent_at < ?', [beforeMs])
  store.run('DELETE FROM resend_answers WHERE answered_at < ?', [beforeMs])
}

export function writeControlSent(store: Store, id: MessageId, nowMs: number): void {
  store.run('INSERT OR REPLACE INTO sent_controls VALUES (?, ?)', [id, nowMs])
}

export function wasControlSent(store: Store, id: MessageId): boolean {
  return store.one('SELECT 1 FROM sent_controls WHERE id = ?', [id]) !== undefined
}
