import { expect, test } from 'bun:test'
import { inboxOf } from '@parley/wire'
import { bringBack } from './bring-back.ts'
import { judgeWelcome } from './rollback.ts'
import { readCursor, readHadBefore, writeCursor } from '../store/cursors.ts'
import { raiseMarks, readOwed, writeConfirmed } from '../store/marks.ts'
import { readMessageById, writeStatus } from '../store/messages.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { deleteOutbox, insertOutbox, readUnsealed } from '../store/outbox.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import {
  addMessage,
  own,
  peer,
  testAccount,
  testDevice,
  testMessageId,
} from '../testing/test-store.ts'

function sender() {
  const core = memoryCore(new HandClock(1_000))
  const { store } = core
  const welcome = (incarnation: string, lastSequence: number | undefined) =>
    judgeWelcome(core, { kind: 'welcome', time: 1_000, incarnation, lastSequence })
  const mine = (number: number, status: 'accepted' | 'delivered' | 'pending', to = peer) => {
    const row = { mine: true, sequence: number, senderDevice: testDevice(1), status } as const
    return addMessage(store, number, { ...row, conversation: to })
  }
  const queued = (to = peer) => readUnsealed(store, to, 100).map(({ id }) => id)
  store.transaction(() => writeMeta(store, 'sequence', 50))
  return { core, store, welcome, mine, queued }
}

test('[Y42] what was accepted and is not known to be delivered goes out again, before what is newer; the rest does not', () => {
  const { store, welcome, mine, queued } = sender()
  expect(welcome('first', 40)).toBe('as-known')
  mine(10, 'delivered')
  mine(11, 'accepted')
  mine(12, 'pending')
  store.transaction(() =>
    insertOutbox(store, { peer, id: testMessageId(12), kind: 'text', body: '', stamp: 0 }),
  )
  expect(welcome('first', 40)).toBe('as-known')
  expect(queued()).toEqual([testMessageId(12)])
  expect(welcome('second', 5)).toBe('server-restored')
  expect(queued()).toEqual([testMessageId(11), testMessageId(12)])
  expect(readMessageById(store, testMessageId(11))?.status).toBe('pending')
  expect(readMessageById(store, testMessageId(10))?.status).toBe('delivered')
})

// Welcome names the highest sequence over all logs; that of one person may lie below it.
test('[Y42] a message that is missing below a sequence that another log has goes out again', () => {
  const { welcome, mine, queued } = sender()
  const other = testAccount(8)
  welcome('first', 0)
  mine(20, 'accepted')
  mine(21, 'accepted', other)
  welcome('second', 21)
  expect(queued()).toEqual([testMessageId(20)])
  expect(queued(other)).toEqual([testMessageId(21)])
})

test('[Y42] another restore is noticed too, and asks for nothing twice', () => {
  const { store, welcome, mine, queued } = sender()
  welcome('first', 0)
  const number = mine(20, 'accepted')
  welcome('second', 0)
  welcome('third', 0)
  expect(queued()).toEqual([testMessageId(20)])
  const [row] = readUnsealed(store, peer, 1)
  store.transaction(() => {
    deleteOutbox(store, row?.number ?? 0)
    writeStatus(store, [number], 'accepted')
  })
  expect(welcome('third', 0)).toBe('as-known')
  expect(queued()).toEqual([])
  expect(welcome('first', 0)).toBe('server-restored')
  expect(queued()).toEqual([testMessageId(20)])
})

test('[Y43, Y44] cursors begin again, and it is remembered how far they had come and what has to be brought', () => {
  const { store, welcome } = sender()
  const log = inboxOf(own)
  welcome('first', 0)
  store.transaction(() => writeCursor(store, log, 700))
  expect([readHadBefore(store), readMeta(store, 'bring_back')]).toEqual([0, undefined])
  welcome('second', 0)
  expect([readCursor(store, log), readHadBefore(store)]).toEqual([0, 700])
  expect(readMeta<string>(store, 'bring_back')).toBe('second')
  store.transaction(() => writeCursor(store, log, 300))
  welcome('third', 0)
  expect([readCursor(store, log), readHadBefore(store)]).toEqual([0, 700])
})

test('[Y45] the server is told again what was delivered and read', () => {
  const { store, welcome } = sender()
  welcome('first', 0)
  const device = testDevice(70)
  store.transaction(() => {
    raiseMarks(store, peer, device, 9)
    writeConfirmed(store, { peer, peerDevice: device, delivered: 9, read: 0 })
  })
  expect(readOwed(store, 10)).toEqual([])
  welcome('second', 0)
  expect(readOwed(store, 10)).toMatchObject([{ peer, device, delivered: 9 }])
})

test('[Y44] what has to be brought stays due while the server cannot be reached', async () => {
  const { core, store, welcome } = sender()
  welcome('first', 0)
  await bringBack(core)
  welcome('second', 0)
  await expect(bringBack(core)).rejects.toBeDefined()
  expect(readMeta<string>(store, 'bring_back')).toBe('second')
})
