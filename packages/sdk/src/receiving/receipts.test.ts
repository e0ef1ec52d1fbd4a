import { expect, test } from 'bun:test'
import type { ClientFrame } from '@parley/wire'
import { HandClock } from '../testing/test-hand-clock.ts'
import { Receipts, writeReceiptEntry } from './receipts.ts'
import { raiseMarks, raiseReadMarks, readMarks } from '../store/marks.ts'
import { readMessageByNumber } from '../store/messages.ts'
import { eventsOf } from '../state/events.ts'
import { memoryCore } from '../testing/test-core.ts'
import { addMessage, peer, testAccount, testDevice, testMessageId } from '../testing/test-store.ts'

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

function sending() {
  const clock = new HandClock(1_000)
  const core = memoryCore(clock)
  const frames: ClientFrame[] = []
  const send = (frame: ClientFrame) => frames.push(frame) > 0
  const receipts = new Receipts(core, { live: () => true, send })
  const take = (sequence: number, from = peer) => {
    core.store.transaction(() => raiseMarks(core.store, from, device, sequence))
    receipts.send()
  }
  const confirm = (delivered: number) =>
    receipts.confirmed([{ peer, peerDevice: device, delivered, read: 0 }])
  const said = () => frames.map((frame) => (frame.kind === 'receipt' ? frame.delivered : undefined))
  const confirmed = () => readMarks(core.store, peer, device)?.confirmedDelivered
  return { clock, core, receipts, take, confirm, confirmed, said }
}

test('[Y22] while a mark waits to be confirmed a backlog raises it unsaid; then the newest goes out', async () => {
  const { clock, confirm, confirmed, said, take } = sending()
  for (let sequence = 1; sequence <= 100; sequence++) take(sequence)
  expect(said()).toEqual([1])
  confirm(1)
  await clock.advance(50)
  expect([said(), confirmed()]).toEqual([[1, 100], 1])
})

test('[Y22] what a person has read is said at once, whatever waits to be confirmed', async () => {
  const { clock, confirm, confirmed, core, receipts, said, take } = sending()
  take(1)
  take(2)
  core.store.transaction(() => raiseReadMarks(core.store, peer))
  receipts.send()
  expect(said()).toEqual([1, 2])
  confirm(1)
  await clock.advance(50)
  expect([said(), confirmed()]).toEqual([[1, 2], 1])
})

test('[Y22] a mark that nobody confirms is said again after ten seconds', async () => {
  const { clock, said, take } = sending()
  take(1)
  await clock.advance(9_999)
  expect(said()).toEqual([1])
  take(2)
  await clock.advance(1)
  expect(said()).toEqual([1, 2])
})

test('confirmations that come together are written in one transaction', async () => {
  const { clock, core, receipts, take } = sending()
  const people = Array.from({ length: 20 }, (_, number) => testAccount(100 + number))
  for (const person of people) take(1, person)
  let commits = 0
  const { transaction } = core.store
  core.store.transaction = (body) => {
    commits++
    return transaction.call(core.store, body) as ReturnType<typeof body>
  }
  for (const person of people) {
    receipts.confirmed([{ peer: person, peerDevice: device, delivered: 1, read: 0 }])
  }
  await clock.advance(50)
  expect(commits).toBe(1)
})

test('[Y45] what an old connection confirmed says nothing about the server of the next', async () => {
  const { clock, confirm, confirmed, receipts, said, take } = sending()
  take(1)
  confirm(1)
  receipts.lost()
  receipts.connected()
  await clock.advance(1_000)
  expect([said(), confirmed()]).toEqual([[1, 1], 0])
})
