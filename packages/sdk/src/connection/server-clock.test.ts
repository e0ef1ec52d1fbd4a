import { expect, test } from 'bun:test'
import { encodeClientFrame, inboxOf, positionTimeMs } from '@parley/wire'
import { pendingSort } from '../store/messages.ts'
import { takeSequence } from '../store/outbox.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { memoryStore, peer, testMessageId } from '../testing/test-store.ts'
import { createServerClock } from './server-clock.ts'

const nowMs = Date.UTC(2026, 10, 22)

for (const lie of [positionTimeMs(Number.MAX_SAFE_INTEGER), 2 ** 52, Number.MAX_SAFE_INTEGER]) {
  // Sequences never go back. One Welcome of the year 2095 left four thousand of them, and then the
  // profile could send nothing more, for good.
  test(`[E23] a server that says it is the millisecond ${lie} uses up neither sequences nor stamps`, () => {
    const store = memoryStore()
    const clock = createServerClock(new HandClock(nowMs))
    clock.correct(lie)
    const first = takeSequence(store, clock.now())
    expect(clock.now()).toBeLessThan(pendingSort)
    clock.correct(nowMs)
    expect(clock.now()).toBe(nowMs)
    expect(takeSequence(store, clock.now())).toBe(first + 1)
    expect(Number.MAX_SAFE_INTEGER - first).toBeGreaterThan(2 ** 50)
    const frame = encodeClientFrame({
      kind: 'send',
      log: inboxOf(peer),
      sequence: first,
      messageId: testMessageId(1),
      stamp: clock.now(),
      deviceList: new Uint8Array(32),
      envelopes: [],
    })
    expect(frame.length).toBeGreaterThan(0)
  })
}
