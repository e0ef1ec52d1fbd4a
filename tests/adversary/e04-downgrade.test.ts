/** E4: a server or a peer takes the post-quantum parts or the version off messages. */
import { expect, test } from 'bun:test'
import type { Envelope, MessageContent } from '@parley/wire'
import { parsePreKeyMessage } from '../../packages/crypto/src/messages.ts'
import { encodeFields, parseFields } from '../../packages/crypto/src/protobuf.ts'
import { timelineOf, untilTexts } from '../../packages/sdk/src/testing/test-people.ts'
import type { Person } from '../../packages/sdk/src/testing/test-people.ts'
import { HostilePeer } from './hostile-peer.ts'
import {
  greetings,
  intercept,
  setAcquaintedStage,
  setStage,
  stateOf,
  withholdBundles,
} from './stage.ts'

type Change = (ciphertext: Uint8Array) => Uint8Array

const macBytes = 8
const pqRatchetField = 5
const messageFields = [1, 2, 3, 4, 5, 6]
const preKeyFields = [5, 1, 6, 7, 8, 2, 3, 4]

/** The protobuf again, with some of its fields left out or put in place of others. */
function refielded(
  bytes: Uint8Array,
  fields: readonly number[],
  changed: Record<number, Uint8Array | undefined>,
): Uint8Array {
  const parsed = parseFields(bytes)
  const valueOf = (field: number) => {
    if (field in changed) return changed[field]
    try {
      return parsed.bytes(field)
    } catch {
      return parsed.uint32(field)
    }
  }
  return encodeFields(fields.map((field) => [field, valueOf(field)]))
}

function inMessage(changed: Record<number, Uint8Array | undefined>): Change {
  return (ciphertext) =>
    Uint8Array.of(
      ciphertext[0] ?? 0,
      ...refielded(ciphertext.subarray(1, -macBytes), messageFields, changed),
      ...ciphertext.subarray(-macBytes),
    )
}

function inPreKeyMessage(changed: Record<number, Uint8Array | undefined>): Change {
  return (ciphertext) =>
    Uint8Array.of(ciphertext[0] ?? 0, ...refielded(ciphertext.subarray(1), preKeyFields, changed))
}

function inner(change: Change): Change {
  return (ciphertext) => {
    const { message } = parsePreKeyMessage(ciphertext)
    return inPreKeyMessage({ 4: change(message) })(ciphertext)
  }
}

const version =
  (byte: number): Change =>
  (ciphertext) =>
    ciphertext.with(0, byte)

/** 3 is the protocol without Kyber; the lower half is the newest version that the sender speaks. */
const versions = [0x33, 0x34, 0x43, 0x24, 0x42, 0x30, 0x40, 0x00, 0x54, 0x45, 0x55]

const ofMessages: [string, Change][] = [
  ['no post-quantum ratchet', inMessage({ [pqRatchetField]: undefined })],
  ['an empty post-quantum ratchet', inMessage({ [pqRatchetField]: new Uint8Array() })],
  ['a post-quantum ratchet of version 0', inMessage({ [pqRatchetField]: new Uint8Array(4) })],
  ...versions.map((byte): [string, Change] => [`version ${byte.toString(16)}`, version(byte)]),
]

const ofFirstMessages: [string, Change][] = [
  ['no Kyber prekey id', inPreKeyMessage({ 7: undefined })],
  ['no Kyber ciphertext', inPreKeyMessage({ 8: undefined })],
  ['an empty Kyber ciphertext', inPreKeyMessage({ 8: new Uint8Array() })],
  ['neither', inPreKeyMessage({ 7: undefined, 8: undefined })],
  ['no post-quantum ratchet inside', inner(inMessage({ [pqRatchetField]: undefined }))],
  ...versions.flatMap((byte): [string, Change][] => [
    [`version ${byte.toString(16)}`, version(byte)],
    [`version ${byte.toString(16)} inside`, inner(version(byte))],
  ]),
]

function changedBy(content: MessageContent, change: Change): MessageContent {
  const envelope = content.envelope as Envelope
  return { ...content, envelope: { ...envelope, ciphertext: change(envelope.ciphertext) } }
}

const unchanged: Change = inMessage({})

test('[E4] a server that strips messages opens nothing, and the session stays as it is', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.sendText(ben.account, 'with everything')
  const content = await held.next()
  const before = stateOf(ben.database)
  for (const [, change] of ofMessages) await evil.deliver(changedBy(content, change))
  expect(stateOf(ben.database)).toBe(before)
  // Taking it apart and putting it together again alone breaks nothing.
  await evil.deliver(changedBy(content, unchanged))
  await untilTexts(ben.client, ana.account, [...greetings, 'with everything'])
})

test('[E4] a server that strips first messages has no session begun and no prekey used', async () => {
  await using stage = await setStage()
  const { evil, ana, ben } = stage
  withholdBundles(evil)
  const held = intercept(evil)
  await ana.client.findContact(ben.phone)
  await ana.client.sendText(ben.account, 'with everything')
  const content = await held.next()
  const tables = ['sessions', 'kyber_prekeys', 'one_time_prekeys', 'used_base_keys']
  const before = stateOf(ben.database, tables)
  for (const [, change] of ofFirstMessages) await evil.deliver(changedBy(content, change))
  expect(stateOf(ben.database, tables)).toBe(before)
  await evil.deliver(changedBy(content, inner(unchanged)))
  await untilTexts(ben.client, ana.account, ['with everything'])
})

test('[E4] a peer who speaks less is not heard, and is when they speak all of it', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben, server } = stage
  await using peer = await HostilePeer.of(ana, server.url)
  withholdBundles(evil)
  const before = stateOf(ben.database)
  for (const [, spoil] of ofMessages) await peer.write(ben.account, { text: 'less', spoil })
  await evil.until(() => shown(ben, ana) === greetings.length + ofMessages.length)
  expect(stateOf(ben.database)).toBe(before)
  await peer.write(ben.account, { text: 'all of it' })
  await untilTexts(ben.client, ana.account, [...greetings, 'all of it'])
})

function shown(person: Person, peer: Person): number {
  return timelineOf(person.client, peer.account).getSnapshot().items.length
}
