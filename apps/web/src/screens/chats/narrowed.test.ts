/** Searching and filtering the chat list. */
import { expect, test } from 'bun:test'
import type { ChatRow } from '../../client/types.ts'
import { narrowed } from './narrowed.ts'

function chat(title: string, unread = 0): ChatRow {
  const conversation = `id-${title}` as ChatRow['conversation']
  const quiet = { preview: '', previewMine: false, previewStatus: undefined, stamp: 0, draft: '' }
  return { conversation, title, alias: '+49 151 1234', unread, typing: false, ...quiet }
}

const chats = [chat('Nadia Rahman', 2), chat('Tomás'), chat('+44 20 7946 0000')]
const titles = (shown: readonly ChatRow[]) => shown.map((row) => row.title)
const all = { search: '', unreadOnly: false, open: undefined }

test('nothing asked shows the same list, without a copy', () => {
  expect(narrowed(chats, all)).toBe(chats)
})

test('names are found without case and accents, numbers without blanks', () => {
  expect(titles(narrowed(chats, { ...all, search: 'tomas' }))).toEqual(['Tomás'])
  expect(titles(narrowed(chats, { ...all, search: '442079' }))).toEqual(['+44 20 7946 0000'])
})

test('the unread filter keeps the open chat', () => {
  const open = chats[1]?.conversation
  expect(titles(narrowed(chats, { ...all, unreadOnly: true }))).toEqual(['Nadia Rahman'])
  expect(narrowed(chats, { ...all, unreadOnly: true, open })).toHaveLength(2)
})
