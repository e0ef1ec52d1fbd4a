import { expect, test } from 'bun:test'
import { pendingSort, writeAccepted, writeSealed } from '../store/messages.ts'
import {
  addMessage,
  memoryStore,
  own,
  peer,
  peerDevice,
  testMessageId,
} from '../testing/test-store.ts'
import type { TimelinePage } from '../types.ts'
import { timelineQuery } from './timeline.ts'

const numbersOf = (page: TimelinePage) => page.items.map((item) => Number(item.id))

function filled(count: number) {
  const store = memoryStore()
  for (let number = 1; number <= count; number++) addMessage(store, number)
  return store
}

function page(count: number, around: number | undefined, limit: number): TimelinePage {
  const at = around === undefined ? undefined : { stamp: around, id: testMessageId(around) }
  const query = { conversation: peer, around: at, limit }
  return timelineQuery(filled(count), query).getSnapshot()
}

test('ends at the newest', () => {
  const newest = page(10, undefined, 4)
  expect(numbersOf(newest)).toEqual([7, 8, 9, 10])
  expect(newest).toMatchObject({ moreBefore: true, moreAfter: false })
})

test('is taken around an item, which is on it', () => {
  const middle = page(20, 10, 6)
  expect(numbersOf(middle)).toEqual([8, 9, 10, 11, 12, 13])
  expect(middle).toMatchObject({ moreBefore: true, moreAfter: true })
})

test('fills itself from the other side near an end', () => {
  expect(numbersOf(page(20, 2, 6))).toEqual([1, 2, 3, 4, 5, 6])
  expect(numbersOf(page(20, 20, 6))).toEqual([15, 16, 17, 18, 19, 20])
  expect(numbersOf(page(3, 2, 6))).toEqual([1, 2, 3])
})

test('[Y2] orders by stamp, then by id, and puts what waits for its stamp last, in order of writing', () => {
  const store = memoryStore()
  addMessage(store, 9, { stamp: 5, sort: 5 })
  addMessage(store, 4, { stamp: 5, sort: 5 })
  addMessage(store, 8, { mine: true, stamp: 1, sort: undefined })
  addMessage(store, 3, { mine: true, stamp: 1, sort: undefined })
  addMessage(store, 1, { stamp: 6, sort: 6 })
  const query = timelineQuery(store, { conversation: peer, around: undefined, limit: 180 })
  expect(numbersOf(query.getSnapshot())).toEqual([4, 9, 1, 8, 3])
})

test('[Y2] a pending message takes its place when its stamp is fixed', () => {
  const store = memoryStore()
  const number = addMessage(store, 8, { mine: true, stamp: 1, sort: undefined })
  addMessage(store, 3, { stamp: 10, sort: 10 })
  const query = timelineQuery(store, { conversation: peer, around: undefined, limit: 180 })
  expect(numbersOf(query.getSnapshot())).toEqual([3, 8])
  const sealed = { stamp: 4, sequence: 1, senderDevice: peerDevice, rootKey: new Uint8Array(33) }
  store.transaction(() => writeSealed(store, number, { ...sealed, profileVersion: 1 }))
  expect(numbersOf(query.getSnapshot())).toEqual([8, 3])
  expect(query.getSnapshot().items[0]?.stamp).toBeLessThan(pendingSort)
})

test('[Y50] the snapshot stays the same object until something of this chat is committed', () => {
  const store = filled(3)
  const query = timelineQuery(store, { conversation: peer, around: undefined, limit: 180 })
  let calls = 0
  query.subscribe(() => calls++)
  const first = query.getSnapshot()
  addMessage(store, 50, { conversation: own })
  expect(query.getSnapshot()).toBe(first)
  store.transaction(() => {
    addMessage(store, 51)
    addMessage(store, 52)
    expect(calls).toBe(0)
  })
  expect(calls).toBe(1)
  expect(query.getSnapshot()).not.toBe(first)
})

test('[Y50] nobody hears of a transaction that failed', () => {
  const store = filled(3)
  let calls = 0
  store.onChange(() => calls++)
  const failing = () =>
    store.transaction(() => {
      writeAccepted(store, 1)
      addMessage(store, 51)
      throw new Error('no')
    })
  expect(failing).toThrow('no')
  expect(calls).toBe(0)
})

test('the first unread message is the one from when the page was opened', () => {
  const store = memoryStore()
  addMessage(store, 1)
  addMessage(store, 2, { unread: true })
  addMessage(store, 3, { unread: true })
  const query = timelineQuery(store, { conversation: peer, around: undefined, limit: 180 })
  expect(query.getSnapshot().firstUnread).toBe(testMessageId(2))
  store.transaction(() => {
    store.run('UPDATE messages SET unread = 0')
    store.touch(`timeline:${peer}`)
  })
  expect(query.getSnapshot().firstUnread).toBe(testMessageId(2))
})
