import { expect, test } from 'bun:test'
import { fetchEntriesMax, positionAt } from '@parley/wire'
import fc from 'fast-check'
import { LogReader } from './log-reader.ts'

const nowMs = Date.UTC(2026, 10, 1)
const base = positionAt(nowMs)

function logOf(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    position: base + index + 1,
    prev: index === 0 ? base : base + index,
  }))
}

test('[Y10] takes what follows, drops what was taken', () => {
  const reader = new LogReader(base)
  const [first, second] = logOf(2)
  if (!first || !second) throw new Error('no log')
  expect(reader.place(first, nowMs)).toBe('next')
  reader.taken(first.position)
  expect(reader.place(first, nowMs)).toBe('repeat')
  expect(reader.place(second, nowMs)).toBe('next')
})

test('[Y11] remembers a gap before CaughtUp, and asks for it once after', () => {
  const reader = new LogReader(base)
  expect(reader.place({ position: base + 2, prev: base + 1 }, nowMs)).toBe('gap')
  expect(reader.toFetch()).toBeUndefined()
  reader.caughtUp(base + 2, 0)
  expect(reader.isComplete).toBe(false)
  expect(reader.toFetch()).toBe(base)
  reader.asked()
  expect(reader.toFetch()).toBeUndefined()
  reader.unasked()
  expect(reader.toFetch()).toBe(base)
})

test('[Y11] asks on when a full answer has not closed the gap', () => {
  const reader = new LogReader(base)
  const entries = logOf(fetchEntriesMax + 10)
  reader.caughtUp(base + entries.length, 0)
  reader.asked()
  for (const entry of entries.slice(0, fetchEntriesMax)) {
    expect(reader.place(entry, nowMs)).toBe('next')
    reader.taken(entry.position)
  }
  expect(reader.toFetch()).toBe(base + fetchEntriesMax)
})

test('[Y13] begins at the oldest entry when what lay before has expired', () => {
  const reader = new LogReader(positionAt(nowMs - 100 * 86_400_000))
  expect(reader.place({ position: base + 2, prev: base + 1 }, nowMs)).toBe('next')
})

test('[Y13] does not take a gap for expiry while the cursor is young', () => {
  const reader = new LogReader(base)
  expect(reader.place({ position: base + 2, prev: base + 1 }, nowMs)).toBe('gap')
})

test('[Y10][Y11] takes every entry once and in order, whatever the bus loses, repeats and reorders', () => {
  const runs = fc.record({
    backlog: fc.integer({ min: 0, max: 20 }),
    live: fc.array(fc.integer({ min: 0, max: 39 }), { maxLength: 80 }),
    answers: fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
  })
  fc.assert(
    fc.property(runs, ({ backlog, live, answers }) => {
      const log = logOf(40)
      const reader = new LogReader(base)
      const taken: number[] = []
      const offer = (entry: { position: number; prev: number }) => {
        if (reader.place(entry, nowMs) !== 'next') return
        taken.push(entry.position)
        reader.taken(entry.position)
      }
      const serve = (isHeard: boolean) => {
        const after = reader.toFetch()
        if (after === undefined) return
        reader.asked()
        if (!isHeard) return reader.unasked()
        for (const entry of log) if (entry.position > after) offer(entry)
        reader.caughtUp(log.at(-1)?.position ?? 0, 0)
      }
      for (const entry of log.slice(0, backlog)) offer(entry)
      reader.caughtUp(base + backlog, 0)
      for (const [step, index] of live.entries()) {
        const entry = log[index]
        if (entry) offer(entry)
        if (answers[step % answers.length]) serve(step % 3 !== 0)
      }
      offer(log[39] ?? { position: 0, prev: 0 })
      serve(true)
      expect(taken).toEqual(log.map((entry) => entry.position))
    }),
    { numRuns: 500 },
  )
})
