/** What one opened message changes, on the tables alone. */
import { expect, test } from 'bun:test'
import type { Content } from '@parley/wire'
import { HandClock } from '../testing/test-hand-clock.ts'
import { readContact, titleOf } from '../store/contacts.ts'
import { readMarks } from '../store/marks.ts'
import { readMessage } from '../store/messages.ts'
import { readUnopened } from '../store/unopened.ts'
import { memoryCore } from '../testing/test-core.ts'
import {
  addMessage,
  own,
  peer,
  peerDevice,
  testDevice,
  testMessageId,
} from '../testing/test-store.ts'
import { isTaken, writeContent, writeNotOpened } from './incoming.ts'

const id = testMessageId(1)
const head = { sender: peer, senderDevice: peerDevice, sequence: 1, messageId: id, stamp: 2_000 }
const list = { version: 1, hash: new Uint8Array(32) }

function contentWith(change: Partial<Content>): Content {
  return {
    sender: peer,
    senderDevice: peerDevice,
    conversation: own,
    messageId: id,
    stamp: head.stamp,
    senderList: list,
    recipientList: list,
    profile: undefined,
    body: { kind: 'text', text: 'hello' },
    ...change,
  }
}

// The server had put another stamp on the outside of the first entry: the place of what was waited
// for was the server's choice, and stayed so when the message itself came.
test('[E16][Y15] a message that was waited for stands where its inside says, not where the outside did', () => {
  const core = memoryCore(new HandClock(5_000))
  const { store } = core
  const ciphertext = new Uint8Array(8)
  const relabelled = { ...head, stamp: 9_000 }
  store.transaction(() => {
    const item = { position: 1, type: 'message' as const, ciphertext, shown: true, askAtMs: 0 }
    writeNotOpened(core, relabelled, item)
  })
  const key = { conversation: peer, sender: peer, id }
  expect(readMessage(store, key)).toMatchObject({ kind: 'waiting', stamp: 9_000 })
  store.transaction(() => writeContent(core, head, contentWith({})))
  expect(readMessage(store, key)).toMatchObject({ kind: 'text', stamp: 2_000, sort: 2_000 })
})

// The author had registered anew meanwhile; the message kept one tick for ever.
test('[Y20] what another device of the author sent again counts for the device that sent it first', () => {
  const core = memoryCore(new HandClock(5_000))
  const { store } = core
  const [first, second] = [testDevice(5), testDevice(6)]
  const marksOf = (device: typeof first) => readMarks(store, peer, device)
  const sealedFor = { ...head, senderDevice: first, sequence: 10 }
  store.transaction(() => {
    const item = { position: 1, type: 'absent' as const, ciphertext: undefined, askAtMs: 0 }
    writeNotOpened(core, sealedFor, { ...item, shown: true })
  })
  expect(marksOf(first)?.delivered ?? 0).toBe(0)
  const again = { ...head, senderDevice: second, sequence: 20 }
  store.transaction(() => writeContent(core, again, contentWith({ senderDevice: second })))
  expect(marksOf(first)).toMatchObject({ delivered: 10, read: 0 })
  expect(marksOf(second)).toMatchObject({ delivered: 20 })
})

test('[E7] what cannot be opened is kept up to 8 MiB for one person, and beyond without its bytes', () => {
  const core = memoryCore(new HandClock(5_000))
  const { store } = core
  const ciphertext = new Uint8Array(1024 * 1024)
  for (let number = 0; number < 10; number++) {
    const item = { position: 1, type: 'message' as const, ciphertext, shown: true, askAtMs: 0 }
    const entry = { ...head, messageId: testMessageId(number) }
    store.transaction(() => writeNotOpened(core, entry, item))
  }
  const kept = (number: number) => readUnopened(store, peer, testMessageId(number))
  expect(kept(7)?.ciphertext).toHaveLength(ciphertext.length)
  for (const number of [8, 9]) {
    expect(kept(number)).toMatchObject({ type: 'absent', ciphertext: undefined, shown: true })
  }
})

test('[E6][Y34] what was shown, or given up, is not taken again under its id', () => {
  const core = memoryCore(new HandClock(5_000))
  const takenAs = (number: number) => isTaken(core, { ...head, messageId: testMessageId(number) })
  for (const [index, kind] of (['text', 'lost', 'waiting'] as const).entries()) {
    addMessage(core.store, index, { kind })
  }
  expect([0, 1, 2, 3].map(takenAs)).toEqual([true, true, false, false])
})

test('a name that nobody could see, or that turns the text around it, is shown without that', () => {
  const core = memoryCore(new HandClock(5_000))
  const { store } = core
  const titleWith = (name: string) => {
    const profile = { name, phone: '' }
    store.transaction(() => writeContent(core, head, contentWith({ profile })))
    const contact = readContact(store, peer)
    return contact && titleOf(contact)
  }
  expect(titleWith('  Ana \n\t\u0007 María  ')).toBe('Ana María')
  expect(titleWith('\u202eevil\u202c \u2066x\u2069')).toBe('evil x')
  expect(titleWith('👩\u200d🚀 نامه\u200cای')).toBe('👩\u200d🚀 نامه\u200cای')
  for (const blank of ['\u200b', '\u2060 \u00ad', '\u3164', '\u200d', '\u2800']) {
    expect(titleWith(blank)).toBe(peer.slice(0, 8))
  }
})
