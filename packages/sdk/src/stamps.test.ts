/** Stamps keep a chat in order when clocks do not. */
import { expect, test } from 'bun:test'
import { nextStamp, refusedStamp } from './stamps.ts'

test('[Y2] a stamp is above the newest of the chat though the clock fell back by a minute', () => {
  expect(nextStamp(1_000_000, 1_060_000)).toBe(1_060_001)
  expect(nextStamp(1_000_000, 900_000)).toBe(1_000_000)
})

test('[Y5] a refused stamp is set to what the server takes, even in a chat with one from the far future', () => {
  expect(refusedStamp(1_000_000, 9_000_000)).toBe(1_002_500)
  expect(refusedStamp(1_000_000, 1_000_500)).toBe(1_000_501)
  expect(refusedStamp(1_000_000, 5)).toBe(1_000_000)
})
