// A group member recorded with the official library: keys that we come to know late, messages in
// and out of order, a second key, and our record as it was stored back then.

import { expect, test } from 'bun:test'
import { fromBase64 } from './base64.fixture.ts'
import { utf8 } from './bytes.ts'
import { nobleCurve } from './curve.ts'
import type { CryptoErrorCode } from './errors.ts'
import {
  acceptSenderKey,
  decryptGroupMessage,
  readGroupMessage,
  readSenderKeyDistribution,
  type SenderKeyRecord,
} from './sender-keys.ts'
import { readVectors } from './vectors.fixture.ts'

type Event =
  | { accepts: string }
  | { stored: string }
  | { opens: 'group'; ciphertext: string; plaintext: string }
  | { refuses: 'group'; ciphertext: string; code: CryptoErrorCode }

interface Transcript {
  distributionId: string
  events: Event[]
}

const { distributionId, events } = readVectors<Transcript>('libsignal-group')

async function replay(
  record: SenderKeyRecord | undefined,
  event: Event,
): Promise<SenderKeyRecord | undefined> {
  if ('accepts' in event) {
    const distribution = fromBase64(event.accepts)
    expect(readSenderKeyDistribution(distribution).distributionId).toBe(distributionId)
    return acceptSenderKey({ record, distribution })
  }
  if ('stored' in event) return fromBase64(event.stored)
  const ciphertext = fromBase64(event.ciphertext)
  expect(readGroupMessage(ciphertext).distributionId).toBe(distributionId)
  const input = { record: record ?? new Uint8Array(0), ciphertext, curve: nobleCurve }
  if ('refuses' in event) {
    await expect(decryptGroupMessage(input)).rejects.toMatchObject({ code: event.code })
    return record
  }
  const opened = await decryptGroupMessage(input)
  expect(opened.plaintext).toEqual(utf8(event.plaintext))
  return opened.record
}

test('what a member with the official library wrote to the group opens', async () => {
  let record: SenderKeyRecord | undefined
  for (const event of events) record = await replay(record, event)
  expect(events.filter((event) => 'opens' in event).length).toBeGreaterThan(8)
})

test('it opens from the keys alone, without the stored record', async () => {
  let record: SenderKeyRecord | undefined
  for (const event of events) {
    if (!('stored' in event)) record = await replay(record, event)
  }
  expect(record).toBeDefined()
})

test('the stored record is the one that the events before it make', async () => {
  let record: SenderKeyRecord | undefined
  for (const event of events) {
    if ('stored' in event) expect(record).toEqual(fromBase64(event.stored))
    record = await replay(record, event)
  }
})
