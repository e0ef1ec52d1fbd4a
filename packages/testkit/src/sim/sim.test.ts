/** The simulator's own parts do what the simulation leans on. */
import { expect, test } from 'bun:test'
import { ProcessClock, Scheduler } from './clock.ts'
import { SimNetwork } from './network.ts'
import { SimRandom } from './random.ts'

test('events run by time, and in order of scheduling at the same time', () => {
  const scheduler = new Scheduler(1000)
  const seen: number[] = []
  const random = new SimRandom(1)
  const times = Array.from({ length: 200 }, () => 1000 + random.below(20))
  for (const [index, time] of times.entries()) scheduler.at(time, () => seen.push(index))
  while (scheduler.step());
  const expected = times.map((_, index) => index)
  expected.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b)
  expect(seen).toEqual(expected)
})

test('timers of a killed process do not fire', () => {
  const scheduler = new Scheduler(0)
  const clock = new ProcessClock(scheduler, 500)
  let fired = 0
  clock.after(10, () => fired++)
  const cancel = clock.after(10, () => fired++)
  cancel()
  expect(scheduler.step()).toBe(true)
  expect(clock.now()).toBe(510)
  clock.after(10, () => fired++)
  clock.kill()
  while (scheduler.step());
  expect(fired).toBe(1)
})

test('a socket keeps order under any delay', () => {
  const scheduler = new Scheduler(0)
  const network = new SimNetwork(scheduler, new SimRandom(7))
  network.weather = { delayMsMax: 100, cut: 0, lose: 0 }
  const seen: number[] = []
  network.server = {
    open: () => ({ message: (bytes) => seen.push(bytes[0] ?? 0), closed() {} }),
    fetch: () => Promise.reject(new Error('not used')),
  }
  const handlers = { message() {}, closed() {} }
  const end = network.open('a', handlers, () => {
    for (let index = 0; index < 50; index++) end.send(Uint8Array.of(index))
  })
  while (scheduler.step());
  expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index))
})

test('one seed gives one sequence, another seed another', () => {
  const first = new SimRandom(42)
  const second = new SimRandom(42)
  const words = Array.from({ length: 100 }, () => first.word())
  expect(Array.from({ length: 100 }, () => second.word())).toEqual(words)
  expect(new SimRandom(43).word()).not.toBe(words[0])
  expect(new Set(words).size).toBe(100)
})
