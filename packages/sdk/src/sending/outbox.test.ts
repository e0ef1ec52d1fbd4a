/**
 * How the outbox waits, whatever the server and the clock say. On the tables and a connection in
 * the test's hand; the way to a real server is in people.system.test.ts and
 * errors.system.test.ts.
 */
import { expect, test } from 'bun:test'
import { encodeClientFrame, inboxOf } from '@parley/wire'
import type { ClientFrame, RejectReason } from '@parley/wire'
import { insertOutbox, writeSealedFrame } from '../store/outbox.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { peer, testMessageId } from '../testing/test-store.ts'
import { Outbox } from './outbox.ts'

const log = inboxOf(peer)
const hourMs = 3_600_000

/** Answers each frame with a refusal, as long as there is one. */
class RefusingEnd {
  readonly sent: ClientFrame[] = []
  refuse: ((sequence: number) => void) | undefined

  send(frame: ClientFrame): boolean {
    this.sent.push(frame)
    const { refuse } = this
    if (frame.kind === 'send' && refuse) queueMicrotask(() => refuse(frame.sequence))
    return true
  }
  reconnect(): void {}
}

function sealedOutbox() {
  const clock = new HandClock(Date.UTC(2026, 10, 22))
  const core = memoryCore(clock)
  const { store } = core
  for (const sequence of [1, 2]) {
    const id = testMessageId(sequence)
    const frame = encodeClientFrame({
      kind: 'send',
      log,
      sequence,
      messageId: id,
      stamp: 1,
      deviceList: new Uint8Array(32),
      envelopes: [],
    })
    store.transaction(() => {
      insertOutbox(store, { peer, id, kind: 'control', body: '{}', stamp: 1 })
      writeSealedFrame(store, { number: sequence, stamp: 1, sequence, frame })
    })
  }
  const end = new RefusingEnd()
  const outbox = new Outbox(core, end)
  const refuse = (reason: RejectReason, retryAfterMs: number) => {
    end.refuse = (sequence) =>
      outbox.rejected({
        kind: 'rejected',
        log,
        sequence,
        reason,
        retryAfterMs,
        time: 0,
        deviceLists: [],
      })
  }
  return { clock, end, outbox, refuse }
}

test('[Y5][Y7] a server that refuses the same sends for ever is asked ever more seldom', async () => {
  const { clock, end, outbox, refuse } = sealedOutbox()
  refuse('out-of-order', 0)
  outbox.connected()
  await clock.advance(1_000)
  expect(end.sent.length).toBeLessThan(20)
  await clock.advance(hourMs)
  expect(end.sent.length).toBeGreaterThan(60)
  expect(end.sent.length).toBeLessThan(400)
})

test('[Y7] a server that says to wait for weeks is asked again within minutes', async () => {
  const { clock, end, outbox, refuse } = sealedOutbox()
  refuse('unavailable', 2 ** 32 - 1)
  outbox.connected()
  await clock.advance(1_000)
  const before = end.sent.length
  await clock.advance(11 * 60_000)
  expect(end.sent.length).toBeGreaterThan(before)
})

test('[Y7] a clock that is set back while a refused message waits holds it up for minutes, not hours', async () => {
  const { clock, end, outbox, refuse } = sealedOutbox()
  refuse('unavailable', 30_000)
  outbox.connected()
  await clock.advance(1_000)
  const before = end.sent.length
  clock.setBack(hourMs)
  await clock.advance(60_000)
  expect(end.sent.length).toBeGreaterThan(before)
})
