// Conversations recorded with the official library: each message must open with our keys, in the
// order in which it arrived, from our record as it was stored back then.

import { describe, expect, test } from 'bun:test'
import { fromBase64 } from './base64.fixture.ts'
import { utf8 } from './bytes.ts'
import { nobleCurve } from './curve.ts'
import type { CryptoErrorCode } from './errors.ts'
import { parseRatchetMessage } from './messages.ts'
import { decryptMessage, decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
import { archiveSession } from './sessions.ts'
import { decodeSpqrMessage } from './spqr-message.ts'
import { NOW_MS, repeatableRandom } from './two-devices.fixture.ts'
import type { Address, Encrypted, LocalIdentity, NamedPreKeys, SessionRecord } from './types.ts'
import { readVectors } from './vectors.fixture.ts'

interface TextKeys {
  publicKey: string
  privateKey: string
}
type Named = TextKeys & { id: number }
type Type = Encrypted['type']

interface Transcript {
  local: { address: Address; registrationId: number; identity: TextKeys }
  remote: Address
  prekeys: { signed: Named; kyber: Named; oneTime?: Named }[]
  events: Event[]
}
type Event =
  | { stored: string }
  | { opens: Type; ciphertext: string; plaintext: string }
  | { refuses: Type; ciphertext: string; code: CryptoErrorCode }

const keysOf = <T extends TextKeys>(keys: T) => ({
  ...keys,
  publicKey: fromBase64(keys.publicKey),
  privateKey: fromBase64(keys.privateKey),
})

class Receiver {
  record: SessionRecord | undefined
  readonly #local: LocalIdentity
  readonly #remote: Address
  readonly #prekeys: NamedPreKeys[]
  readonly #random = repeatableRandom('transcript')

  constructor({ local, remote, prekeys }: Transcript) {
    this.#local = { ...local, identity: keysOf(local.identity) }
    this.#remote = remote
    this.#prekeys = prekeys.map(({ signed, kyber, oneTime }) => ({
      signed: keysOf(signed),
      kyber: keysOf(kyber),
      oneTime: oneTime && keysOf(oneTime),
    }))
  }

  open(type: Type, ciphertext: Uint8Array) {
    const { record } = this
    const surroundings = { random: this.#random, nowMs: NOW_MS, curve: nobleCurve }
    const context = { local: this.#local, remote: this.#remote, ...surroundings }
    if (type === 'prekey') {
      const { signedPreKeyId } = readPreKeyMessage(ciphertext)
      const prekeys = this.#prekeys.find(({ signed }) => signed.id === signedPreKeyId)
      return decryptPreKeyMessage({ ...context, record, ciphertext, prekeys })
    }
    return decryptMessage({ ...context, record: record ?? new Uint8Array(0), ciphertext })
  }
}

async function replay(receiver: Receiver, event: Event): Promise<void> {
  if ('stored' in event) {
    receiver.record = fromBase64(event.stored)
    return
  }
  const ciphertext = fromBase64(event.ciphertext)
  if ('refuses' in event) {
    const refusal = receiver.open(event.refuses, ciphertext)
    await expect(refusal).rejects.toMatchObject({ code: event.code })
    return
  }
  const { record, plaintext } = await receiver.open(event.opens, ciphertext)
  expect(plaintext).toEqual(utf8(event.plaintext))
  receiver.record = record
}

describe('what the official library wrote in these conversations opens', () => {
  const conversations = {
    'no-one-time': 'with a session begun without one-time prekey',
    simultaneous: 'when both have begun at the same time',
    reset: 'across two resets, with messages of the archived sessions under way',
    epochs: 'across epochs of the post-quantum ratchet, with stragglers of each',
  }
  for (const [name, what] of Object.entries(conversations)) {
    test(what, async () => {
      const transcript = readVectors<Transcript>(`libsignal-${name}`)
      const receiver = new Receiver(transcript)
      for (const event of transcript.events) await replay(receiver, event)
      expect(transcript.events.filter((event) => 'opens' in event).length).toBeGreaterThanOrEqual(4)
    })
  }

  test('whether or not the sessions have been archived in between', async () => {
    const transcript = readVectors<Transcript>('libsignal-reset')
    const receiver = new Receiver(transcript)
    for (const event of transcript.events) {
      await replay(receiver, event)
      if (receiver.record) receiver.record = archiveSession(receiver.record)
    }
  })
})

test('the recorded epochs are three at least', () => {
  const { events } = readVectors<Transcript>('libsignal-epochs')
  const epochs = events.flatMap((event) => {
    if (!('opens' in event) || event.opens !== 'message') return []
    const { pqRatchet } = parseRatchetMessage(fromBase64(event.ciphertext))
    return [decodeSpqrMessage(pqRatchet).epoch]
  })
  expect(new Set(epochs).size).toBeGreaterThanOrEqual(3)
})
