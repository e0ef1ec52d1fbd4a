/**
 * E15: who is answered, and who is refused. On the tables alone; the way there and back is in
 * resend.system.test.ts.
 */
import { expect, test } from 'bun:test'
import type { Core } from '../core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { insertControl, writeRefused, writeRequest } from './resend-answers.ts'
import { updateContact } from '../store/contacts.ts'
import { readMarks } from '../store/marks.ts'
import { readMessage, writeSealed } from '../store/messages.ts'
import { readUnsealed } from '../store/outbox.ts'
import { insertUnopened } from '../store/unopened.ts'
import { memoryCore } from '../testing/test-core.ts'
import {
  addMessage,
  peer,
  peerDevice,
  testAccount,
  testDevice,
  testMessageId,
} from '../testing/test-store.ts'

const root = new Uint8Array(33).fill(5)
const otherRoot = new Uint8Array(33).fill(6)
const asker = {
  sender: peer,
  senderDevice: peerDevice,
  sequence: 1,
  messageId: testMessageId(900),
  stamp: 1,
}

function coreWithMessage(sealedFor: Uint8Array, clock = new HandClock(1_000)): Core {
  const core = memoryCore(clock)
  const { store } = core
  updateContact(store, peer, { rootKey: root })
  const number = addMessage(store, 1, { mine: true, status: 'accepted' })
  const sealed = { stamp: 77, sequence: 5, senderDevice: testDevice(1), profileVersion: 1 }
  writeSealed(store, number, { ...sealed, rootKey: sealedFor })
  return core
}

const queued = (core: Core) => readUnsealed(core.store, peer, 100)

test('[E15][Y35] an own message is sent again under its id and stamp to the person it was for', () => {
  const core = coreWithMessage(root)
  writeRequest(core, asker, [testMessageId(1)])
  expect(queued(core)).toMatchObject([{ id: testMessageId(1), kind: 'answer', stamp: 77 }])
})

test('[E15][Y34] under another root it is refused', () => {
  const core = coreWithMessage(otherRoot)
  writeRequest(core, asker, [testMessageId(1)])
  const [refusal] = queued(core)
  expect(refusal?.kind).toBe('control')
  expect(JSON.parse(refusal?.body ?? '')).toEqual({
    kind: 'resend-refused',
    messageIds: [testMessageId(1)],
  })
})

test('[E15] somebody else than the recipient is refused, and so is what was never sent', () => {
  const core = coreWithMessage(root)
  const stranger = testAccount(66)
  updateContact(core.store, stranger, { rootKey: root })
  writeRequest(core, { ...asker, sender: stranger }, [testMessageId(1), testMessageId(2)])
  expect(queued(core)).toEqual([])
  const [refusal] = readUnsealed(core.store, stranger, 10)
  expect(JSON.parse(refusal?.body ?? '').messageIds).toEqual([testMessageId(1), testMessageId(2)])
})

test('[E15][Y35] who asks again and again is answered three times', () => {
  const core = coreWithMessage(root)
  for (let round = 0; round < 6; round++) {
    writeRequest(core, asker, [testMessageId(1)])
    core.store.run('DELETE FROM outbox WHERE kind = ?', [round < 5 ? 'answer' : 'none'])
  }
  expect(queued(core)).toEqual([])
  writeRequest(core, { ...asker, senderDevice: testDevice(71) }, [testMessageId(1)])
  expect(queued(core).length).toBe(1)
})

test('[E15][Y35] the fourth request of a device for a message stays unanswered', () => {
  const core = coreWithMessage(root)
  const answered: boolean[] = []
  for (let round = 0; round < 4; round++) {
    writeRequest(core, asker, [testMessageId(1)])
    answered.push(queued(core).length === 1)
    core.store.run('DELETE FROM outbox')
  }
  expect(answered).toEqual([true, true, true, false])
})

test('[E15] a device that asks for very many messages is answered 256 times an hour', () => {
  const clock = new HandClock(1_000)
  const core = coreWithMessage(root, clock)
  const request = (from: number, count: number) => {
    const ids = Array.from({ length: count }, (_, index) => testMessageId(from + index))
    writeRequest(core, asker, ids)
    const refused = queued(core).flatMap((row) => JSON.parse(row.body).messageIds as string[])
    core.store.run('DELETE FROM outbox')
    return refused.length
  }
  expect(request(10_000, 200)).toBe(200)
  expect(request(20_000, 200)).toBe(56)
  expect(request(30_000, 1)).toBe(0)
  clock.setBack(-3_600_001)
  expect(request(40_000, 1)).toBe(1)
})

test('[E15] what was no message is answered with nothing under its own id, so that nobody is told of a loss', () => {
  const core = coreWithMessage(root)
  insertControl(core, peer, { kind: 'resend-request', messageIds: [] })
  const [control] = queued(core)
  if (!control) throw new Error('nothing queued')
  core.store.run('DELETE FROM outbox')
  writeRequest(core, asker, [control.id])
  const [answer] = queued(core)
  expect(answer).toMatchObject({ id: control.id, kind: 'control' })
  expect(JSON.parse(answer?.body ?? '')).toEqual({ kind: 'resend-refused', messageIds: [] })
})

test('[Y33] a refusal is shown, and the delivered mark goes on', () => {
  const core = coreWithMessage(root)
  const { store } = core
  const key = { conversation: peer, sender: peer, id: testMessageId(3) }
  addMessage(store, 3, { kind: 'waiting', text: '', sequence: 30 })
  insertUnopened(store, {
    sender: peer,
    id: testMessageId(3),
    senderDevice: peerDevice,
    sequence: 30,
    stamp: 3,
    position: 3,
    type: 'absent',
    ciphertext: undefined,
    shown: true,
    asks: 1,
    askAtMs: 0,
  })
  store.run('INSERT INTO marks VALUES (?, ?, 40, 29, 0, 0, 0)', [peer, peerDevice])
  writeRefused(core, peer, [testMessageId(3), testMessageId(4)])
  expect(readMessage(store, key)?.kind).toBe('lost')
  expect(readMarks(store, peer, peerDevice)?.delivered).toBe(40)
})
