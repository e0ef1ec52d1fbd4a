/** Paced calls. */
import { expect, test } from 'bun:test'
import { paced } from './paced.ts'

/** A pause that the test ends by hand. */
function gates() {
  const open: (() => void)[] = []
  const pause = () => new Promise<void>((resolve) => open.push(resolve))
  const turn = async () => {
    open.shift()?.()
    for (let ticks = 0; ticks < 5; ticks++) await Promise.resolve()
  }
  return { pause, turn }
}

test('the first call is made at once, then one after each pause, with the newest value', async () => {
  const { pause, turn } = gates()
  const called: number[] = []
  const tell = paced(async (value: number) => void called.push(value), pause)
  tell(1)
  for (const value of [2, 3, 4]) tell(value)
  expect(called).toEqual([1])
  await turn()
  expect(called).toEqual([1])
  await turn()
  expect(called).toEqual([1, 4])
  await turn()
  tell(5)
  expect(called).toEqual([1, 4, 5])
})
