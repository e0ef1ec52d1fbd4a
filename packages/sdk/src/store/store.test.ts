/** What a transaction does besides the rows: work at its end, news, and rows kept in memory. */
import { expect, test } from 'bun:test'
import { memoryStore } from '../testing/test-store.ts'
import { readMeta, writeMeta } from './meta.ts'
import type { TopicKey } from './store.ts'

const thrown = new Error('no')

test('work that is asked for under one key runs once, at the end of the transaction and inside it', () => {
  const store = memoryStore()
  const write = () => writeMeta(store, 'prekey_id', Number(readMeta(store, 'had_before')) * 10)
  store.transaction(() => {
    for (let body = 1; body <= 3; body++) {
      writeMeta(store, 'had_before', body)
      store.beforeCommit('end', write)
    }
    expect(readMeta(store, 'prekey_id')).toBeUndefined()
  })
  expect(readMeta<number>(store, 'prekey_id')).toBe(30)
})

test('without a transaction the work runs at once, and of a failed one nothing is left', () => {
  const store = memoryStore()
  let runs = 0
  store.beforeCommit('end', () => runs++)
  expect(runs).toBe(1)
  const fail = () =>
    store.transaction(() => {
      store.beforeCommit('end', () => runs++)
      throw thrown
    })
  expect(fail).toThrow(thrown)
  store.transaction(() => {})
  expect(runs).toBe(1)
})

test('work at the end that fails undoes the transaction', () => {
  const store = memoryStore()
  const fail = () =>
    store.transaction(() => {
      writeMeta(store, 'had_before', 1)
      store.beforeCommit('end', () => {
        throw thrown
      })
    })
  expect(fail).toThrow(thrown)
  expect(readMeta(store, 'had_before')).toBeUndefined()
})

test('what is kept of rows is read again after each touch, inside a transaction too', () => {
  const store = memoryStore()
  const key: TopicKey = 'chat:one'
  const body = () => store.cached(key, () => readMeta<number>(store, 'had_before'))
  const write = (value: number) => {
    writeMeta(store, 'had_before', value)
    store.touch(key)
  }
  expect(body()).toBeUndefined()
  write(1)
  expect(body()).toBe(1)
  const fail = () =>
    store.transaction(() => {
      write(2)
      expect(body()).toBe(2)
      throw thrown
    })
  expect(fail).toThrow(thrown)
  expect(body()).toBe(1)
  store.erase()
  expect(body()).toBeUndefined()
})

test('what is kept of rows is bounded', () => {
  const store = memoryStore()
  let reads = 0
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 2_000; number++) store.cached(`chat:${number}`, () => reads++)
  }
  expect(reads).toBe(4_000)
})
