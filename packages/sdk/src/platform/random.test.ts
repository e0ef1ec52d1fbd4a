/** E24: where the randomness comes from, and how much of it. */
import { afterEach, expect, spyOn, test } from 'bun:test'
import { requireRandom, systemRandom } from './random.ts'

const generator = spyOn(crypto, 'getRandomValues')
afterEach(() => generator.mockRestore())

test('[E24] every byte is one of the generator of the platform, also of many', () => {
  generator.mockImplementation((array) => {
    if (!(array instanceof Uint8Array)) throw new Error('bytes are what is asked for')
    array.fill(0xa7)
    return array
  })
  for (const length of [32, 65_536, 200_000]) {
    expect(systemRandom(length)).toEqual(new Uint8Array(length).fill(0xa7))
  }
  expect(() => requireRandom(systemRandom)).toThrow()
})

test('[E24] a generator that repeats itself, or gives too little, is none', () => {
  const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index)
  for (const broken of [counting, (length: number) => systemRandom(length - 1)]) {
    expect(() => requireRandom(broken)).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'no-crypto' }) }),
    )
  }
  expect(() => requireRandom(systemRandom)).not.toThrow()
})
