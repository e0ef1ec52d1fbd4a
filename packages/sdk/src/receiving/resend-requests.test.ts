import { expect, test } from 'bun:test'
import { positionAt, resendItemsMax } from '@parley/wire'
import { HandClock } from '../testing/test-hand-clock.ts'
import { ResendRequests } from './resend-requests.ts'
import { retentionMs } from '../retention.ts'
import { readUnsealed } from '../store/outbox.ts'
import { insertUnopened } from '../store/unopened.ts'
import { memoryCore } from '../testing/test-core.ts'
import { peer, peerDevice, testMessageId } from '../testing/test-store.ts'

const nowMs = Date.UTC(2026, 10, 1)
const hourMs = 3_600_000

function waitingFor(count: number) {
  const clock = new HandClock(nowMs)
  const core = memoryCore(clock)
  for (let number = 1; number <= count; number++) {
    insertUnopened(core.store, {
      sender: peer,
      id: testMessageId(number),
      senderDevice: peerDevice,
      sequence: positionAt(nowMs) + number,
      stamp: nowMs,
      position: positionAt(nowMs) + number,
      type: 'absent',
      ciphertext: undefined,
      shown: false,
      asks: 0,
      askAtMs: nowMs,
    })
  }
  const requests = new ResendRequests(core, {
    live: () => true,
    retry: () => Promise.resolve(),
    queued: () => {},
  })
  const asked = () =>
    readUnsealed(core.store, peer, 1_000).map((row) => JSON.parse(row.body).messageIds.length)
  return { core, clock, requests, asked }
}

test('[Y31] a request carries a bounded number of ids, and the next one waits', async () => {
  const { clock, requests, asked } = waitingFor(resendItemsMax + 10)
  requests.connected()
  await clock.advance(1_000)
  expect(asked()).toEqual([resendItemsMax])
  await clock.advance(60_000)
  expect(asked()).toEqual([resendItemsMax, 10])
})

test('[Y31] while nothing comes that can be opened, asking becomes ever more seldom', async () => {
  const { clock, requests, asked } = waitingFor(1)
  requests.connected()
  await clock.advance(2 * hourMs)
  expect(asked().length).toBe(3)
  await clock.advance(22 * hourMs)
  expect(asked().length).toBe(3)
  await clock.advance(6 * 24 * hourMs)
  expect(asked().length).toBe(4)
})

test('[Y31] what is older than any log is lost, and nobody is asked any more', async () => {
  const { core, clock, requests, asked } = waitingFor(1)
  core.store.run('UPDATE unopened SET stamp = ?', [nowMs - retentionMs - 1])
  requests.connected()
  await clock.advance(1_000)
  expect(asked()).toEqual([])
  expect(core.store.all('SELECT * FROM unopened')).toEqual([])
})

test('[Y31] somebody of whom something was opened is asked again without waiting', async () => {
  const { core, clock, requests, asked } = waitingFor(resendItemsMax + 10)
  requests.connected()
  await clock.advance(1_000)
  core.store.run('UPDATE unopened SET ask_at = ? WHERE asks = 0', [clock.now()])
  requests.heard(peer)
  requests.dueAt(clock.now())
  await clock.advance(1_000)
  expect(asked()).toEqual([resendItemsMax, 10])
})
