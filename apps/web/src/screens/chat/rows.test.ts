/** Rows of the message pane. */
import { expect, test } from 'bun:test'
import type { TimelineItem } from '../../client/types.ts'
import { rowsOf } from './rows.ts'

const morning = new Date(2026, 2, 5, 9, 0).getTime()
const nextDay = new Date(2026, 2, 6, 9, 0).getTime()

function message(id: string, from: string, stamp = morning): TimelineItem {
  const body = { kind: 'text', text: id } as const
  const item = { id, conversation: 'c', from, mine: from === 'me', body, stamp }
  return { ...item, status: undefined, failure: undefined } as unknown as TimelineItem
}

function shapeOf(rows: ReturnType<typeof rowsOf>): string[] {
  return rows.map((row) => {
    if (row.kind !== 'message') return row.kind
    return `${row.joinsBefore ? '^' : ''}${row.item.id}${row.joinsAfter ? 'v' : ''}`
  })
}

test('neighbours of one sender join, others do not', () => {
  const items = [message('a', 'you'), message('b', 'you'), message('c', 'me')]
  expect(shapeOf(rowsOf(items, undefined))).toEqual(['day', 'av', '^b', 'c'])
})

test('each day begins with its chip, and nothing joins across it', () => {
  const items = [message('a', 'you'), message('b', 'you', nextDay)]
  expect(shapeOf(rowsOf(items, undefined))).toEqual(['day', 'a', 'day', 'b'])
})

test('the divider stands before the first unread message and parts what would join', () => {
  const items = [message('a', 'you'), message('b', 'you')]
  expect(shapeOf(rowsOf(items, { id: 'b', count: 3 }))).toEqual(['day', 'a', 'unread', 'b'])
})

test('keys are unique and stay with their message when older ones come in front', () => {
  const items = [message('a', 'you'), message('b', 'me'), message('c', 'you', nextDay)]
  const keys = rowsOf(items, undefined).map((row) => row.key)
  const later = rowsOf([message('z', 'me'), ...items], undefined).map((row) => row.key)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.every((key) => later.includes(key))).toBe(true)
})
