/**
 * E7: a server that delivers in any order, twice, or not at all; and bytes that ask for the
 * impossible.
 */
import { expect, test } from 'bun:test'
import { SimRandom } from '@parley/testkit'
import { inboxOf, messageIdOf } from '@parley/wire'
import type { Envelope, MessageContent } from '@parley/wire'
import { parseRatchetMessage } from '../../packages/crypto/src/messages.ts'
import { encodeFields } from '../../packages/crypto/src/protobuf.ts'
import { systemRandom } from '../../packages/sdk/src/platform/random.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import { textsOf, timelineOf, until } from '../../packages/sdk/src/testing/test-people.ts'
import { intercept, setAcquaintedStage, withholdBundles } from './stage.ts'
import { SkippingClock } from './skipping-clock.ts'

test.each([1, 2, 3])(
  '[E7] any schedule over five chains shows each message once, and right: seed %i',
  async (seed) => {
    await using stage = await setAcquaintedStage()
    const { evil, ana, ben } = stage
    withholdBundles(evil)
    const random = new SimRandom(seed)
    const held = intercept(evil)
    const schedule: MessageContent[] = []
    const shown = new Set(['hello'])
    let dropped = 0
    for (let chain = 0; chain < 5; chain++) {
      for (let index = 0; index < 8; index++) {
        await ana.client.sendText(ben.account, `${chain}.${index}`)
        const content = await held.next()
        const copies = random.below(4)
        if (copies === 0 && index > 0) dropped++
        else shown.add(`${chain}.${index}`)
        for (let copy = 0; copy < copies; copy++) schedule.push(content)
        // One message of the chain has to come for the answer to begin the next.
        if (index === 0) await evil.deliver(content)
      }
      await ben.client.sendText(ana.account, `turn ${chain}`)
      await until(timelineOf(ana.client, ben.account), ({ items }) =>
        textsOf(items).includes(`turn ${chain}`),
      )
    }
    for (const content of shuffled(schedule, random)) await evil.deliver(content)
    const { items } = timelineOf(ben.client, ana.account).getSnapshot()
    const theirs = items.filter((item) => !item.mine)
    expect(textsOf(theirs)).toEqual([...shown])
    expect(theirs.every(({ body }) => body.kind === 'text')).toBe(true)
    expect(dropped).toBeGreaterThan(0)
  },
)

function shuffled<T>(items: readonly T[], random: SimRandom): T[] {
  const order = [...items]
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.below(at + 1)
    const [one, two] = [order[at] as T, order[other] as T]
    order[at] = two
    order[other] = one
  }
  return order
}

/** As a peer could send it too, who has a session: nothing but the numbers is not theirs. */
function leaping(content: MessageContent, change: { counter?: number; pqRatchet?: Uint8Array }) {
  const envelope = content.envelope as Envelope
  const message = { ...parseRatchetMessage(envelope.ciphertext), ...change }
  const fields = encodeFields([
    [1, message.ratchetKey],
    [2, message.counter],
    [3, message.previousCounter],
    [4, message.ciphertext],
    [5, message.pqRatchet],
  ])
  const ciphertext = Uint8Array.of(envelope.ciphertext[0] ?? 0, ...fields, ...message.mac)
  const messageId = messageIdOf(systemRandom(16))
  return { ...content, messageId, envelope: { ...envelope, ciphertext } }
}

test('[E7] a leap of 2^32 - 1 stalls nothing, is shown as waited for, and the next message opens', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'an honest one')
  const content = await held.next()
  const leaps = [
    { counter: 2 ** 32 - 1 },
    { counter: 25_002 },
    // Version 1, epoch 1, index 2^32 - 1, no chunk.
    { pqRatchet: Uint8Array.of(1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0) },
  ]
  const tries: number[] = []
  for (let round = 0; round < 3; round++) {
    for (const leap of leaps) {
      const startedMs = performance.now()
      await evil.deliver(leaping(content, leap))
      tries.push(performance.now() - startedMs)
    }
  }
  // With what else a delivery takes; deriving the keys would take hours.
  expect(Math.min(...tries)).toBeLessThan(500)
  await evil.deliver(content)
  const { items } = await until(timelineOf(ben.client, ana.account), (page) =>
    textsOf(page.items).includes('an honest one'),
  )
  const waiting = items.filter(({ body }) => body.kind === 'unreadable')
  expect(waiting).toHaveLength(tries.length)
})

test('[E7] two hundred messages that nobody can open are asked for a few times in an hour, not each', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'a genuine head')
  const content = await held.next()
  await ana.client.stop()
  await ben.client[Symbol.asyncDispose]()
  const clock = new SkippingClock()
  const engine = engineOn(openBunDriver(ben.database), evil.url, clock)
  engine.start()
  await until(engine.connection.state, ({ status }) => status === 'online')
  const sent = evil.sends.length
  const bundles = () => evil.requests.filter((request) => request.endsWith('/bundles')).length
  const taken = bundles()
  for (let count = 0; count < 200; count++) {
    const messageId = messageIdOf(systemRandom(16))
    const envelope = { ...(content.envelope as Envelope), ciphertext: systemRandom(300) }
    await evil.deliver({ ...content, messageId, envelope })
  }
  for (let passedMs = 0; passedMs < 3_600_000; passedMs += 5_000) {
    clock.skip(5_000)
    // What was on its way has been taken when another answer has come.
    await fetch(`${evil.url}/v1/server`)
  }
  const requests = new Set(evil.sends.slice(sent).map(({ sequence }) => sequence)).size
  expect(requests).toBeGreaterThan(1)
  // 10 s, doubling, up to an hour.
  expect(requests).toBeLessThanOrEqual(12)
  expect(bundles() - taken).toBeLessThanOrEqual(3)
  await engine.end()
})

test('[E7] a gap that the server never fills is asked about now and then, and hinders nothing', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  const log = inboxOf(ben.account)
  const farAhead = { kind: 'caught-up' as const, log, position: 2 ** 52, expiredUpTo: 0 }
  const askedAtMs: number[] = []
  evil.alterClientFrame = (frame) => {
    if (frame.kind !== 'fetch') return [frame]
    askedAtMs.push(performance.now())
    evil.say(farAhead)
    return []
  }
  evil.say(farAhead)
  await evil.until(() => askedAtMs.length >= 4)
  expect((askedAtMs[3] ?? 0) - (askedAtMs[0] ?? 0)).toBeGreaterThan(500)
  await ana.client.sendText(ben.account, 'meanwhile')
  await until(timelineOf(ben.client, ana.account), ({ items }) =>
    textsOf(items).includes('meanwhile'),
  )
})
