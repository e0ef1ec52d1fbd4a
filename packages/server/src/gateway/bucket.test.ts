/** The rate limit of a connection, at its exact edges. */
import { expect, test } from 'bun:test'
import { Bucket } from './bucket.ts'

const size = { burst: 10, refillMs: 100 }

test('[W6] a full bucket gives its burst and not one more', () => {
  const bucket = new Bucket()
  for (let n = 0; n < 10; n++) expect(bucket.take(size, 1, 5_000)).toBe(0)
  expect(bucket.take(size, 1, 5_000)).toBe(100)
  expect(bucket.take(size, 1, 5_099)).toBe(1)
  expect(bucket.take(size, 1, 5_100)).toBe(0)
  expect(bucket.take(size, 1, 5_100)).toBe(100)
})

test('[W6] it fills up to the burst, however long it rests', () => {
  const bucket = new Bucket()
  expect(bucket.take(size, 10, 0)).toBe(0)
  expect(bucket.take(size, 10, 1_000_000)).toBe(0)
  expect(bucket.take(size, 1, 1_000_000)).toBe(100)
})

test('[W6] a clock that is set back holds nobody up', () => {
  const bucket = new Bucket()
  expect(bucket.take(size, 10, 1_000_000)).toBe(0)
  expect(bucket.take(size, 10, 900_000)).toBe(0)
  expect(bucket.take(size, 1, 900_000)).toBe(100)
})
