import { expect, test } from 'bun:test'
import { indented, printable, timestamp } from './output.ts'

test('what others wrote cannot steer the terminal', () => {
  expect(printable('\u001b[2Jgone\u0007\u009b31m\r')).toBe('\ufffd[2Jgone\ufffd\ufffd31m\ufffd')
})

test('words in any script, emoji, tabs and line breaks stay as they are', () => {
  const text = 'مرحبا\tשלום\n👩‍👧‍👦 \u2067abc\u2069'
  expect(printable(text)).toBe(text)
})

test('lines of one message stay apart from the next message', () => {
  expect(indented('one\ntwo')).toBe('one\n    two')
})

test('scripts get times in UTC', () => {
  expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006Z')
})
