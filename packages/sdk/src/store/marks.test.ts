import { expect, test } from 'bun:test'
import { addMessage, memoryStore, peer, peerDevice, testMessageId } from '../testing/test-store.ts'
import { raiseMarks, raiseReadMarks, readMarks, readOwed, writeConfirmed } from './marks.ts'
import { writeRead } from './messages.ts'
import { deleteUnopened, insertUnopened } from './unopened.ts'

function unopened(number: number, sequence: number) {
  return {
    sender: peer,
    id: testMessageId(number),
    senderDevice: peerDevice,
    sequence,
    stamp: 1,
    position: 1,
    type: 'absent' as const,
    ciphertext: undefined,
    shown: true,
    asks: 0,
    askAtMs: 0,
  }
}

test('[Y20] delivered is the highest sequence of what is shown', () => {
  const store = memoryStore()
  raiseMarks(store, peer, peerDevice, 10)
  raiseMarks(store, peer, peerDevice, 7)
  expect(readMarks(store, peer, peerDevice)).toMatchObject({ delivered: 10, read: 0 })
})

test('[Y20][Y33] delivered stops below what is waited for, and goes on when that is settled', () => {
  const store = memoryStore()
  raiseMarks(store, peer, peerDevice, 3)
  insertUnopened(store, unopened(1, 5))
  raiseMarks(store, peer, peerDevice, 9)
  expect(readMarks(store, peer, peerDevice)?.delivered).toBe(4)
  deleteUnopened(store, peer, testMessageId(1))
  raiseMarks(store, peer, peerDevice, 0)
  expect(readMarks(store, peer, peerDevice)?.delivered).toBe(9)
})

test('[E19] what could not be opened raises no mark by itself', () => {
  const store = memoryStore()
  insertUnopened(store, unopened(1, 5))
  raiseMarks(store, peer, peerDevice, 0)
  expect(readMarks(store, peer, peerDevice)).toMatchObject({ delivered: 0, read: 0 })
  expect(readOwed(store, 10)).toEqual([])
})

test('[Y21] nothing counts as read before a person has read it', () => {
  const store = memoryStore()
  raiseMarks(store, peer, peerDevice, 10)
  expect(readMarks(store, peer, peerDevice)?.read).toBe(0)
})

test('[Y21] read stops below what is still unread', () => {
  const store = memoryStore()
  for (const number of [1, 2, 3]) {
    addMessage(store, number, { unread: true })
    raiseMarks(store, peer, peerDevice, number)
  }
  writeRead(store, peer, { sort: 2, id: testMessageId(2) })
  raiseReadMarks(store, peer)
  expect(readMarks(store, peer, peerDevice)).toMatchObject({ delivered: 3, read: 2 })
})

test('[Y21] another encryption of something that was read is read at once', () => {
  const store = memoryStore()
  addMessage(store, 1)
  raiseMarks(store, peer, peerDevice, 1)
  raiseReadMarks(store, peer)
  raiseMarks(store, peer, peerDevice, 8)
  expect(readMarks(store, peer, peerDevice)).toMatchObject({ delivered: 8, read: 8 })
})

test('[Y22] a mark is owed until it is confirmed', () => {
  const store = memoryStore()
  raiseMarks(store, peer, peerDevice, 4)
  expect(readOwed(store, 10).length).toBe(1)
  writeConfirmed(store, { peer, peerDevice, delivered: 3, read: 0 })
  expect(readOwed(store, 10).length).toBe(1)
  writeConfirmed(store, { peer, peerDevice, delivered: 4, read: 0 })
  expect(readOwed(store, 10)).toEqual([])
})
