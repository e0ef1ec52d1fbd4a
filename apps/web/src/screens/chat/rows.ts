/**
 * Turns a page of the timeline into the rows of the pane: day chips, the unread divider, messages
 * that join their neighbours.
 */
import type { TimelineItem } from '../../client/types.ts'
import { startOfDay } from '../../text/times.ts'

export type PaneRow =
  | { kind: 'day'; key: string; day: number }
  | { kind: 'unread'; key: string; count: number }
  | { kind: 'message'; key: string; item: TimelineItem; joinsBefore: boolean; joinsAfter: boolean }

/** The first unread message when the chat was opened, and how many there were. */
export interface UnreadMark {
  id: string
  count: number
}

export function rowsOf(
  items: readonly TimelineItem[],
  unread: UnreadMark | undefined,
): readonly PaneRow[] {
  const rows: PaneRow[] = []
  items.forEach((item, index) => {
    const before = items[index - 1]
    const after = items[index + 1]
    const day = startOfDay(item.stamp)
    if (before === undefined || startOfDay(before.stamp) !== day) {
      rows.push({ kind: 'day', key: `day-${day}`, day })
    }
    if (unread?.id === item.id) rows.push({ kind: 'unread', key: 'unread', count: unread.count })
    rows.push({
      kind: 'message',
      key: item.id,
      item,
      joinsBefore: item.id !== unread?.id && joins(before, item),
      joinsAfter: after?.id !== unread?.id && joins(item, after),
    })
  })
  return rows
}

function joins(first: TimelineItem | undefined, second: TimelineItem | undefined): boolean {
  if (first === undefined || second === undefined) return false
  if (first.body.kind === 'notice' || second.body.kind === 'notice') return false
  return first.from === second.from && startOfDay(first.stamp) === startOfDay(second.stamp)
}
