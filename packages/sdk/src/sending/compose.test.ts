import { expect, test } from 'bun:test'
import { composeText, retryMessage } from './compose.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { problemOf } from '../problems.ts'
import { timelineQuery } from '../state/timeline.ts'
import { updateContact } from '../store/contacts.ts'
import { readMessageById, writeFailed } from '../store/messages.ts'
import { deleteOutbox, readOutboxOf } from '../store/outbox.ts'
import { memoryCore } from '../testing/test-core.ts'
import { addMessage, peer, testMessageId } from '../testing/test-store.ts'

function written(text: string) {
  const core = memoryCore(new HandClock(5_000))
  updateContact(core.store, peer, {})
  return { core, id: composeText(core, peer, text, undefined) }
}

test('[Y2] what was written is there at once with its clock, and in the queue', () => {
  const { core, id } = written('hello')
  expect(readMessageById(core.store, id)).toMatchObject({ status: 'pending', text: 'hello' })
  expect(readOutboxOf(core.store, id)).toMatchObject({ kind: 'text', sequence: 0, stamp: 0 })
})

test('[Y8] a retried message keeps its place, id and stamp, and goes to the end of the queue', () => {
  const { core, id } = written('first')
  const { store } = core
  const failed = readMessageById(store, id)?.number ?? 0
  deleteOutbox(store, readOutboxOf(store, id)?.number ?? 0)
  writeFailed(store, failed, problemOf('refused'), 4_000)
  addMessage(store, 6_000)
  const second = composeText(core, peer, 'second', undefined)
  expect(retryMessage(core, id)).toBe(peer)
  expect(retryMessage(core, id)).toBeUndefined()
  const query = timelineQuery(store, { conversation: peer, around: undefined, limit: 9 })
  expect(query.getSnapshot().items.map((item) => item.id)).toEqual([
    id,
    testMessageId(6_000),
    second,
  ])
  const row = readOutboxOf(store, id)
  expect(row).toMatchObject({ stamp: 4_000, sequence: 0 })
  expect(row?.number).toBeGreaterThan(readOutboxOf(store, second)?.number ?? 0)
})
