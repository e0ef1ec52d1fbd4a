import { expect, test } from 'bun:test'
import { HandClock } from '../testing/test-hand-clock.ts'
import { writeReceiptEntry } from './receipts.ts'
import { readMessageByNumber } from '../store/messages.ts'
import { eventsOf } from '../state/events.ts'
import { memoryCore } from '../testing/test-core.ts'
import { addMessage, peer, testDevice, testMessageId } from '../testing/test-store.ts'

const device = testDevice(1)

function sent() {
  const core = memoryCore(new HandClock(1_000))
  const numbers = [1, 2, 3].map((sequence) =>
    addMessage(core.store, sequence, {
      mine: true,
      senderDevice: device,
      sequence,
      status: 'accepted',
    }),
  )
  const receive = (delivered: number, read: number, sendingDevice = device) =>
    core.store.transaction(() =>
      writeReceiptEntry(core, { kind: 'receipt', reader: peer, sendingDevice, delivered, read }),
    )
  const statuses = () => numbers.map((number) => readMessageByNumber(core.store, number)?.status)
  return { core, receive, statuses }
}

test('[Y23] a mark raises the ticks of everything up to it', () => {
  const { receive, statuses } = sent()
  receive(2, 0)
  expect(statuses()).toEqual(['delivered', 'delivered', 'accepted'])
  receive(3, 1)
  expect(statuses()).toEqual(['read', 'delivered', 'delivered'])
})

test('[Y23] a late mark takes nothing back', () => {
  const { core, receive, statuses } = sent()
  receive(3, 3)
  receive(1, 0)
  expect(statuses()).toEqual(['read', 'read', 'read'])
  expect(eventsOf(core, 10).length).toBe(2)
})

test('[Y23] a mark counts only for the device that it names, and events name the newest message', () => {
  const { core, receive, statuses } = sent()
  receive(3, 3, testDevice(5))
  expect(statuses()).toEqual(['accepted', 'accepted', 'accepted'])
  receive(2, 0)
  expect(eventsOf(core, 10)).toMatchObject([
    { type: 'receipt', status: 'delivered', upTo: testMessageId(2), conversation: peer },
  ])
})
