// [E7] The bounds of the Double Ratchet: forward jump, skipped keys, receiving chains.

import { beforeEach, describe, expect, test } from 'bun:test'
import { utf8 } from './bytes.ts'
import { nobleCurve } from './curve.ts'
import { generateKeyPair } from './keys.ts'
import { sha256 } from './primitives.ts'
import {
  FORWARD_JUMP_MAX,
  type MessagePosition,
  RECEIVING_CHAINS_MAX,
  type Ratchet,
  rootStep,
  SKIPPED_KEY_BYTES,
  SKIPPED_KEYS_MAX,
  stepReceiving,
  stepSending,
} from './ratchet.ts'
import { repeatableRandom } from './two-devices.fixture.ts'

interface Sent extends MessagePosition {
  seed: Uint8Array
}

let random = repeatableRandom('ratchet')
let sender: Ratchet
let receiver: Ratchet

/** The state after a handshake: the receiver's first ratchet key is known to the sender. */
beforeEach(async () => {
  random = repeatableRandom('ratchet')
  const rootKey = sha256(utf8('root'))
  const first = generateKeyPair(random)
  const ratchetKey = generateKeyPair(random)
  const secret = await nobleCurve.agree(ratchetKey.privateKey, first.publicKey)
  const step = rootStep(rootKey, secret)
  const sending = { ratchetKey, key: step.chainKey, index: 0 }
  sender = { rootKey: step.rootKey, sending, previousCounter: 0, receiving: [] }
  const answers = { ratchetKey: first, key: sha256(utf8('chain')), index: 0 }
  receiver = { rootKey, sending: answers, previousCounter: 0, receiving: [] }
})

function send(): Sent {
  const { ratchetKey } = sender.sending
  const { ratchet, counter, seed } = stepSending(sender)
  sender = ratchet
  return { ratchetKey: ratchetKey.publicKey, counter, seed }
}

function sendMany(count: number): Sent[] {
  return Array.from({ length: count }, send)
}

async function receive(position: MessagePosition, jumpMax = FORWARD_JUMP_MAX): Promise<Uint8Array> {
  const { ratchet, seed } = await stepReceiving(receiver, position, {
    random,
    curve: nobleCurve,
    jumpMax,
  })
  receiver = ratchet
  return seed
}

/** The receiver answers, so that the sender's next message has a new ratchet key. */
async function turnSender(): Promise<void> {
  const ratchetKey = receiver.sending.ratchetKey.publicKey
  const { ratchet, counter } = stepSending(receiver)
  receiver = ratchet
  const options = { random, curve: nobleCurve, jumpMax: FORWARD_JUMP_MAX }
  sender = (await stepReceiving(sender, { ratchetKey, counter }, options)).ratchet
}

function skippedKeys(): number {
  const bytes = receiver.receiving.reduce((sum, chain) => sum + chain.skipped.length, 0)
  return bytes / SKIPPED_KEY_BYTES
}

async function refusal(position: MessagePosition): Promise<unknown> {
  const before = structuredClone(receiver)
  const error = await receive(position).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(receiver).toEqual(before)
  return error
}

test('both sides come to the same seeds, across turns', async () => {
  for (let turn = 0; turn < 4; turn++) {
    for (const sent of sendMany(3)) expect(await receive(sent)).toEqual(sent.seed)
    await turnSender()
  }
})

test('every seed is another, and is given out once', async () => {
  const sent = sendMany(40)
  const seeds = new Set<string>()
  for (const position of [...sent].reverse()) seeds.add(String(await receive(position)))
  expect(seeds.size).toBe(40)
  for (const position of sent) expect(await refusal(position)).toMatchObject({ code: 'duplicate' })
  expect(skippedKeys()).toBe(0)
})

test('[E7] the bounds have the values that are written down', () => {
  const bounds = { FORWARD_JUMP_MAX, SKIPPED_KEYS_MAX, RECEIVING_CHAINS_MAX }
  expect(bounds).toEqual({
    FORWARD_JUMP_MAX: 25_000,
    SKIPPED_KEYS_MAX: 2_000,
    RECEIVING_CHAINS_MAX: 32,
  })
})

describe('[E7] forward jump', () => {
  test('of 25,000 is taken', async () => {
    const sent = sendMany(FORWARD_JUMP_MAX + 1)
    const last = sent[FORWARD_JUMP_MAX] as Sent
    expect(last.counter).toBe(FORWARD_JUMP_MAX)
    expect(await receive(last)).toEqual(last.seed)
  })

  test('of 25,001 is refused, in a known chain as in a new one', async () => {
    const { ratchetKey } = send()
    const far = { ratchetKey, counter: FORWARD_JUMP_MAX + 1 }
    expect(await refusal(far)).toMatchObject({ code: 'too-far-ahead' })
    await receive({ ratchetKey, counter: 0 })
    expect(await refusal({ ratchetKey, counter: FORWARD_JUMP_MAX + 2 })).toMatchObject({
      code: 'too-far-ahead',
    })
  })

  test('derives nothing before it refuses', async () => {
    const { ratchetKey } = send()
    const agree = async () => {
      throw new Error('a Diffie-Hellman step was made')
    }
    const curve = { ...nobleCurve, agree }
    const far = { ratchetKey, counter: 2 ** 32 - 1 }
    const step = stepReceiving(receiver, far, { random, curve, jumpMax: FORWARD_JUMP_MAX })
    await expect(step).rejects.toMatchObject({ code: 'too-far-ahead' })
  })
})

describe('[E7] skipped keys', () => {
  test('are the newest 2,000 of a chain', async () => {
    const sent = sendMany(SKIPPED_KEYS_MAX + 502)
    await receive(sent[SKIPPED_KEYS_MAX + 500] as Sent)
    expect(skippedKeys()).toBe(SKIPPED_KEYS_MAX)
    expect(await refusal(sent[0] as Sent)).toMatchObject({ code: 'duplicate' })
    expect(await refusal(sent[499] as Sent)).toMatchObject({ code: 'duplicate' })
    expect(await receive(sent[500] as Sent)).toEqual(sent[500]?.seed as Uint8Array)
    const newest = sent[SKIPPED_KEYS_MAX + 499] as Sent
    expect(await receive(newest)).toEqual(newest.seed)
    expect(skippedKeys()).toBe(SKIPPED_KEYS_MAX - 2)
  })

  test('are no more than 2,000 when gaps add up within a chain', async () => {
    const sent = sendMany(4_000)
    for (let at = 99; at < 4_000; at += 100) await receive(sent[at] as Sent)
    expect(skippedKeys()).toBe(SKIPPED_KEYS_MAX)
  })

  test('are no more than 2,000 over all chains, and the oldest go first', async () => {
    const chains: Sent[][] = []
    for (let turn = 0; turn < 3; turn++) {
      const sent = sendMany(901)
      chains.push(sent)
      await receive(sent[900] as Sent)
      await turnSender()
    }
    expect(skippedKeys()).toBe(SKIPPED_KEYS_MAX)
    const [first = [], second = []] = chains
    expect(await refusal(first[0] as Sent)).toMatchObject({ code: 'duplicate' })
    expect(await receive(first[899] as Sent)).toEqual(first[899]?.seed as Uint8Array)
    expect(await receive(second[0] as Sent)).toEqual(second[0]?.seed as Uint8Array)
  })
})

describe('[E7] receiving chains', () => {
  test('are the newest 32', async () => {
    const late: Sent[] = []
    for (let turn = 0; turn < RECEIVING_CHAINS_MAX + 1; turn++) {
      const [missed, seen] = [send(), send()]
      late.push(missed)
      await receive(seen)
      await turnSender()
    }
    expect(receiver.receiving).toHaveLength(RECEIVING_CHAINS_MAX)
    expect(await receive(late[1] as Sent)).toEqual(late[1]?.seed as Uint8Array)
    const wrongSeed = await receive(late[0] as Sent)
    expect(wrongSeed).not.toEqual(late[0]?.seed as Uint8Array)
  })
})

test('[E7] a sending chain that is used up sends nothing more', () => {
  const usedUp = { ...sender, sending: { ...sender.sending, index: 2 ** 32 - 1 } }
  expect(() => stepSending(usedUp)).toThrow(expect.objectContaining({ code: 'no-session' }))
})
