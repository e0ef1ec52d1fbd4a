/** Positions: grow whatever the clock does, and tell their time. */
import { expect, test } from 'bun:test'
import {
  formatPosition,
  nextPosition,
  positionAt,
  positionEpochMs,
  positionTimeMs,
} from './position.ts'

test('[L4] the next position is above the last one, however the clock stands', () => {
  const now = Date.UTC(2026, 5, 1)
  const last = positionAt(now)
  expect(nextPosition(0, now)).toBe(last)
  expect(nextPosition(last, now)).toBe(last + 1)
  expect(nextPosition(last, now - 1e9)).toBe(last + 1)
  expect(nextPosition(last, now + 1)).toBe(last + 4096)
  expect(nextPosition(last, 0)).toBe(last + 1)
})

test('a position tells its millisecond, and stays a safe integer until 2095', () => {
  const late = Date.UTC(2095, 0, 1)
  expect(Number.isSafeInteger(positionAt(late))).toBe(true)
  for (const ms of [positionEpochMs, Date.UTC(2026, 5, 1, 12, 30, 15, 123), late]) {
    expect(positionTimeMs(positionAt(ms))).toBe(ms)
    expect(positionTimeMs(positionAt(ms) + 4095)).toBe(ms)
  }
})

test('it prints as date, time and sequence', () => {
  const position = positionAt(Date.UTC(2026, 10, 22, 6, 5, 4, 3)) + 7
  expect(formatPosition(position)).toBe('202611220605040030007')
})
