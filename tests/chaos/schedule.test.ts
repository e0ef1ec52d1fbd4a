/** The seed decides the faults, and a run of any length has each kind of them. */
import { expect, test } from 'bun:test'
import { scheduleOf } from './schedule.ts'

test('a seed gives the same schedule each time, another seed another one', () => {
  const options = { seed: 7, loadMs: 600_000, kills: 33 }
  expect(scheduleOf(options)).toEqual(scheduleOf(options))
  expect(scheduleOf(options)).not.toEqual(scheduleOf({ ...options, seed: 8 }))
})

test('every kind of fault happens, in the order of time, with the kills that were asked for', () => {
  for (let seed = 1; seed <= 50; seed++) {
    for (const [loadMs, kills] of [
      [15_000, 2],
      [3_180_000, 200],
    ] as const) {
      const schedule = scheduleOf({ seed, loadMs, kills })
      const times = schedule.map(({ atMs }) => atMs)
      expect(times).toEqual(times.toSorted((left, right) => left - right))
      expect(times.every((atMs) => atMs >= 0 && atMs < loadMs)).toBe(true)
      expect(schedule.filter(({ kind }) => kind === 'kill').length).toBe(kills)
      expect(new Set(schedule.map(({ kind }) => kind)).size).toBe(8)
    }
  }
})
