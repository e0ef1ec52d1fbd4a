/**
 * E16: a peer says inside a message something else than the server says outside, and a server the
 * other way round.
 */
import { expect, test } from 'bun:test'
import { pad } from '@parley/crypto'
import { encodeContent, parseAccountId, parseDeviceId, parseMessageId } from '@parley/wire'
import type { Content, MessageContent } from '@parley/wire'
import {
  register,
  textsOf,
  timelineOf,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { deviceOf } from './draining.ts'
import { HostilePeer } from './hostile-peer.ts'
import type { Writing } from './hostile-peer.ts'
import { greetings, intercept, setAcquaintedStage, stateOf, withholdBundles } from './stage.ts'

const anotherAccount = parseAccountId('11111111-2222-4333-8444-555555555555')
const anotherDevice = parseDeviceId('cd'.repeat(16))
const anotherId = parseMessageId('ab'.repeat(16))

test('[E16] whatever a peer says inside otherwise than outside is not shown, and moves nothing', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben, server } = stage
  await using carol = await register(server, 'Carol')
  await ben.client.findContact(carol.phone)
  const [carols, bens] = [deviceOf(carol), deviceOf(ben)]
  const lies: Partial<Content>[] = [
    { sender: carol.account },
    { sender: carol.account, senderDevice: carols },
    { sender: ben.account, senderDevice: bens },
    { sender: anotherAccount },
    { senderDevice: anotherDevice },
    { senderDevice: bens },
    { conversation: carol.account },
    { conversation: ana.account },
    { conversation: anotherAccount },
    { messageId: anotherId },
    { stamp: 1 },
    { stamp: Date.UTC(2100, 0, 1) },
  ]
  const noContents = [
    new Uint8Array(),
    pad(new Uint8Array()),
    pad(new TextEncoder().encode('no content')),
    encodeContent({ ...insideOf(ana.account, ben.account), body: { kind: 'text', text: 'bare' } }),
    new Uint8Array(1_000),
  ]
  const writings: Writing[] = [
    ...lies.map((inside) => ({ text: 'a lie', inside })),
    ...noContents.map((plaintext) => ({ plaintext })),
  ]
  await using peer = await HostilePeer.of(ana, server.url)
  withholdBundles(evil)
  const before = stateOf(ben.database)
  const receipts = evil.receipts.length
  for (const writing of writings) await peer.write(ben.account, writing)
  const timeline = timelineOf(ben.client, ana.account)
  const all = greetings.length + writings.length
  const { items } = await until(timeline, (page) => page.items.length === all)
  expect(textsOf(items)).toEqual(greetings)
  expect(stateOf(ben.database)).toBe(before)
  expect(evil.receipts.slice(receipts)).toEqual([])
  for (const [conversation] of [[carol.account], [anotherAccount]] as const) {
    expect(timelineOf(ben.client, conversation).getSnapshot().items).toEqual([])
  }
  await peer.write(ben.account, { text: 'the truth' })
  await until(timeline, (page) => textsOf(page.items).includes('the truth'))
})

test('[E16] a number that a peer claims is nobody else’s to their name', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben, server } = stage
  await using carol = await register(server, 'Carol')
  await ben.client.findContact(carol.phone)
  await using peer = await HostilePeer.of(ana, server.url)
  const profile = { name: 'Carol', phone: carol.phone }
  const looked = () => evil.requests.filter((request) => request === 'POST /v1/lookup').length
  const before = looked()
  await peer.write(ben.account, { text: 'Carol here', inside: { profile } })
  await untilTexts(ben.client, ana.account, [...greetings, 'Carol here'])
  await evil.until(() => looked() > before)
  const header = ben.client.chat(ana.account).getSnapshot()
  expect(header.phone).not.toBe(carol.phone)
  expect(ben.client.chat(carol.account).getSnapshot().phone).toBe(carol.phone)
})

test('[E16] whatever the server says outside otherwise than inside is not shown, and the message itself is', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'the truth')
  const content = await held.next()
  const before = stateOf(ben.database)
  const lies: Partial<MessageContent>[] = [
    { messageId: anotherId },
    { stamp: content.stamp + 1 },
    { stamp: 0 },
    { stamp: Number.MAX_SAFE_INTEGER },
    { messageId: parseMessageId('ef'.repeat(16)), stamp: 2 ** 52 + 1_000 },
    { senderDevice: anotherDevice },
    { sender: anotherAccount },
  ]
  for (const lie of lies) await evil.deliver({ ...content, ...lie })
  expect(stateOf(ben.database)).toBe(before)
  expect(textsOf(timelineOf(ben.client, ana.account).getSnapshot().items)).toEqual(greetings)
  await evil.deliver(content)
  const { items } = await until(timelineOf(ben.client, ana.account), (page) =>
    textsOf(page.items).includes('the truth'),
  )
  await ben.client.sendText(ana.account, 'the answer')
  await untilTexts(ana.client, ben.account, [...greetings, 'the truth', 'the answer'])
  // What nobody has vouched for stays above what is written after it.
  const last = timelineOf(ben.client, ana.account).getSnapshot().items.at(-1)
  expect(last?.body).toEqual({ kind: 'text', text: 'the answer' })
  expect(last?.stamp).toBeLessThan(content.stamp + 60_000)
  // In the place that it says itself, whatever an entry had said before.
  expect(items.find(({ id }) => id === content.messageId)?.stamp).toBe(content.stamp)
})

function insideOf(
  sender: Content['sender'],
  conversation: Content['conversation'],
): Omit<Content, 'body'> {
  const list = { version: 1, hash: new Uint8Array(32) }
  return {
    sender,
    senderDevice: anotherDevice,
    conversation,
    messageId: anotherId,
    stamp: 1,
    senderList: list,
    recipientList: list,
    profile: undefined,
  }
}
