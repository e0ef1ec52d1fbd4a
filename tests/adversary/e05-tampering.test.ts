/** E5: a server changes, reflects, redirects and relabels what real people send each other. */
import { expect, test } from 'bun:test'
import type { Envelope, MessageContent } from '@parley/wire'
import {
  register,
  timelineOf,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { HostileServer } from './hostile-server.ts'
import {
  acquaint,
  flipped,
  greetings,
  intercept,
  setAcquaintedStage,
  setStage,
  stateOf,
  withholdBundles,
} from './stage.ts'

function envelopeOf({ envelope }: MessageContent): Envelope {
  if (!envelope) throw new Error('the entry holds nothing')
  return envelope
}

test('[E5] no changed bit of a message moves anything, and the message itself still opens', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'untouched')
  const content = await held.next()
  const envelope = envelopeOf(content)
  const before = stateOf(ben.database)
  const bits = envelope.ciphertext.length * 8
  for (let part = 0; part < 24; part++) {
    const bit = Math.floor((part * (bits - 1)) / 23)
    const ciphertext = flipped(envelope.ciphertext, bit)
    await evil.deliver({ ...content, envelope: { ...envelope, ciphertext } })
  }
  await evil.deliver({ ...content, envelope: { ...envelope, type: 'prekey' } })
  await evil.deliver({
    ...content,
    envelope: { ...envelope, ciphertext: envelope.ciphertext.subarray(0, -1) },
  })
  expect(stateOf(ben.database)).toBe(before)
  const { items } = timelineOf(ben.client, ana.account).getSnapshot()
  expect(items.at(-1)?.body).toEqual({ kind: 'unreadable', state: 'waiting' })
  await evil.deliver(content)
  await untilTexts(ben.client, ana.account, [...greetings, 'untouched'])
})

test('[E5] no changed bit of a first message begins a session or uses a prekey up', async () => {
  await using stage = await setStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'untouched')
  const content = await held.next()
  const envelope = envelopeOf(content)
  expect(envelope.type).toBe('prekey')
  // The list of a stranger is fetched with the first entry, whatever that holds.
  const tables = ['sessions', 'signed_prekeys', 'kyber_prekeys', 'one_time_prekeys']
  tables.push('used_base_keys')
  const before = stateOf(ben.database, tables)
  const bits = envelope.ciphertext.length * 8
  for (let part = 0; part < 24; part++) {
    const bit = Math.floor((part * (bits - 1)) / 23)
    const ciphertext = flipped(envelope.ciphertext, bit)
    await evil.deliver({ ...content, envelope: { ...envelope, ciphertext } })
  }
  await evil.deliver({ ...content, envelope: { ...envelope, type: 'message' } })
  expect(stateOf(ben.database, tables)).toBe(before)
  await evil.deliver(content)
  await untilTexts(ben.client, ana.account, ['untouched'])
  expect(stateOf(ben.database, tables)).not.toBe(before)
})

test('[E5] a message that is reflected to who wrote it opens nothing', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const own = evil.sends.length
  await ben.client.sendText(ana.account, 'to Ana')
  await evil.until(() => evil.sends.length > own)
  const [sent] = evil.sends.slice(own)
  const account = ana.client.account.getSnapshot()
  if (!sent || account.kind !== 'registered') throw new Error('nothing was sent')
  const { sequence, messageId, stamp, envelopes } = sent
  const [envelope] = envelopes
  await untilTexts(ana.client, ben.account, [...greetings, 'to Ana'])
  const before = stateOf(ben.database)
  const reflected = { kind: 'message' as const, sequence, messageId, stamp, envelope }
  await evil.deliver({ ...reflected, sender: ana.account, senderDevice: account.device })
  const self = ben.client.account.getSnapshot()
  if (self.kind !== 'registered') throw new Error('not registered')
  await evil.deliver({ ...reflected, sender: ben.account, senderDevice: self.device })
  expect(stateOf(ben.database)).toBe(before)
  const { items } = timelineOf(ben.client, ana.account).getSnapshot()
  expect(items.filter((item) => !item.mine).map((item) => item.body)).toEqual([
    { kind: 'text', text: 'hello' },
    { kind: 'unreadable', state: 'waiting' },
  ])
  await ana.client.sendText(ben.account, 'honest')
  await until(timelineOf(ben.client, ana.account), (page) =>
    page.items.some(({ body }) => body.kind === 'text' && body.text === 'honest'),
  )
})

test('[E5] a message labelled with another sender, or given to another person, opens nothing', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben, server } = stage
  await using evilToo = new HostileServer(server.url)
  await using carol = await register({ url: evilToo.url, codes: server.codes }, 'Carol')
  await acquaint({ ana, ben: carol })
  await ben.client.findContact(carol.phone)
  await ben.client.sendText(carol.account, 'hello')
  await untilTexts(carol.client, ben.account, ['hello'])
  await carol.client.sendText(ben.account, 'hello yourself')
  await untilTexts(ben.client, carol.account, greetings)
  withholdBundles(evil)
  withholdBundles(evilToo)
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'from Ana to Ben')
  const content = await held.next()
  const other = carol.client.account.getSnapshot()
  if (other.kind !== 'registered') throw new Error('not registered')
  const [atBen, atCarol] = [stateOf(ben.database), stateOf(carol.database)]
  await evil.deliver({ ...content, sender: carol.account, senderDevice: other.device })
  await evil.deliver({ ...content, senderDevice: other.device })
  await evilToo.deliver(content)
  const mine = { ...envelopeOf(content), device: other.device }
  await evilToo.deliver({ ...content, envelope: mine })
  expect(stateOf(ben.database)).toBe(atBen)
  expect(stateOf(carol.database)).toBe(atCarol)
  await untilTexts(ben.client, carol.account, greetings)
  await untilTexts(carol.client, ana.account, greetings)
  await evil.deliver(content)
  await untilTexts(ben.client, ana.account, [...greetings, 'from Ana to Ben'])
})
