import { expect, test } from 'bun:test'
import { stampAheadMs } from '@parley/wire'
import { nextStamp, refusedStamp } from './stamps.ts'

test('[Y2] a stamp is the server time, or one above the newest in the chat', () => {
  expect(nextStamp(1_000, 900)).toBe(1_000)
  expect(nextStamp(1_000, 1_000)).toBe(1_001)
  expect(nextStamp(1_000, 2_000)).toBe(2_001)
})

test('[Y5] a refused stamp is one that the gateway takes, whatever the newest in the chat says', () => {
  expect(refusedStamp(1_000, 900)).toBe(1_000)
  expect(refusedStamp(1_000, 1_500)).toBe(1_501)
  expect(refusedStamp(1_000, 1_000_000)).toBe(1_000 + stampAheadMs / 2)
})
