/** Sizes, emoji and folds of messages. */
import { describe, expect, test } from 'bun:test'
import { bytesLeft, foldAt, isBigEmoji, messageBytesMax, needsTallLines } from './measure.ts'

describe('bytes left under the limit', () => {
  test('are not counted for short texts', () => {
    expect(bytesLeft('hello')).toBeUndefined()
  })
  test('are exact at the limit, in bytes and not in characters', () => {
    expect(bytesLeft('a'.repeat(messageBytesMax))).toBe(0)
    expect(bytesLeft('a'.repeat(messageBytesMax + 1))).toBe(-1)
    expect(bytesLeft('é'.repeat(messageBytesMax / 2 + 1))).toBe(-2)
    expect(bytesLeft('😀'.repeat(messageBytesMax / 4))).toBe(0)
  })
})

describe('big emoji', () => {
  test('are up to three emoji and nothing else', () => {
    for (const text of ['😀', '👩‍👩‍👧‍👦', '🇩🇪 🇫🇷', '👍🏽👍🏽👍🏽'])
      expect(isBigEmoji(text)).toBe(true)
    for (const text of ['', '😀😀😀😀', 'a😀', '12', ' ']) expect(isBigEmoji(text)).toBe(false)
  })
})

describe('folding', () => {
  test('leaves short texts alone', () => {
    expect(foldAt('word '.repeat(200))).toBeUndefined()
  })
  test('cuts long ones at a blank, and never inside a character', () => {
    const text = 'word '.repeat(500)
    expect(text.charAt(foldAt(text) ?? 0)).toBe(' ')
    const emoji = 'x'.repeat(1) + '😀'.repeat(1_000)
    expect(emoji.slice(0, foldAt(emoji)).isWellFormed()).toBe(true)
  })
  test('cuts many short lines at a line', () => {
    const text = 'a\n'.repeat(40)
    expect(text.slice(0, foldAt(text)).split('\n')).toHaveLength(22)
  })
})

test('scripts that need room are known', () => {
  expect(needsTallLines('مرحبا')).toBe(true)
  expect(needsTallLines('hello 😀')).toBe(false)
})
