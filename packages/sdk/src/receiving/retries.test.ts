/** How often a message that could not be opened is tried again. */
import { expect, test } from 'bun:test'
import { Retries } from './retries.ts'

test('[E7] a message may fail three times, each by itself', () => {
  const retries = new Retries()
  const spentAfterEach = () =>
    Array.from({ length: 4 }, () => {
      retries.count('one')
      return retries.areSpent('one')
    })
  expect(retries.areSpent('one')).toBe(false)
  expect(spentAfterEach()).toEqual([false, false, true, true])
  expect(retries.areSpent('two')).toBe(false)
})

test('[I9] no more than 4,096 are remembered', () => {
  const retries = new Retries()
  for (let i = 0; i < 3; i++) retries.count('first')
  for (let i = 0; i < 4_095; i++) retries.count(String(i))
  expect(retries.areSpent('first')).toBe(true)
  retries.count('one more')
  expect(retries.areSpent('first')).toBe(false)
})
