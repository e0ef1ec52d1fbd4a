// SPQR against itself: agreement under loss, reordering and duplication, refusal of what is forged,
// and every bound. Agreement with the official library is for spqr-oracle.test.ts and
// tests/interop.

import { beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { concatBytes, equalBytes } from './bytes.ts'
import { CryptoError, type CryptoErrorCode } from './errors.ts'
import { type RandomBytes, sha256 } from './primitives.ts'
import {
  decodeSpqr,
  encodeSpqr,
  type SpqrReceived,
  type SpqrSent,
  type SpqrState,
  spqrInit,
  spqrReceive,
  spqrSend,
} from './spqr.ts'
import { type ChainEpoch, SKIPPED_ENTRY_BYTES } from './spqr-chain.ts'
import { decodeSpqrMessage, encodeSpqrMessage } from './spqr-message.ts'
import type { Braid, Step } from './spqr-steps.ts'

const authKey = new Uint8Array(32).fill(7)

interface Pair {
  a: SpqrState
  b: SpqrState
}

type Side = keyof Pair

function newPair(): Pair {
  return {
    a: spqrInit({ authKey, role: 'initiator' }),
    b: spqrInit({ authKey, role: 'responder' }),
  }
}

function seededRandom(seed: number): RandomBytes {
  let block = sha256(Uint8Array.of(seed, seed >>> 8, seed >>> 16, seed >>> 24))
  return (length) => {
    let bytes = new Uint8Array(0)
    while (bytes.length < length) {
      block = sha256(block)
      bytes = Uint8Array.from([...bytes, ...sha256(concatBytes(block, authKey))])
    }
    return bytes.slice(0, length)
  }
}

const random = seededRandom(1)

function other(side: Side): Side {
  return side === 'a' ? 'b' : 'a'
}

function sendFrom(pair: Pair, side: Side): SpqrSent {
  const sent = spqrSend(pair[side], random)
  pair[side] = sent.state
  return sent
}

/** Sends from one side, has the other receive it, and checks that both have the key. */
function pass(pair: Pair, from: Side): SpqrSent {
  const sent = sendFrom(pair, from)
  deliver(pair, other(from), sent)
  return sent
}

function deliver(pair: Pair, to: Side, { message, key }: Omit<SpqrSent, 'state'>): void {
  const received = spqrReceive(pair[to], message)
  expect(received.key).toEqual(key)
  pair[to] = received.state
}

/** The two in turn, until one of them is where the test wants it. */
function passUntil(pair: Pair, isThere: (pair: Pair) => boolean): void {
  for (let i = 0; i < 2_000; i++) {
    if (isThere(pair)) return
    pass(pair, i % 2 === 0 ? 'a' : 'b')
    if (isThere(pair)) return
  }
  throw new Error('the conversation never got there')
}

/** 40 messages are enough for the longest value, so this is as fast as epochs can go. */
function flight(pair: Pair, from: Side): void {
  for (let i = 0; i < 40; i++) pass(pair, from)
}

function expectRefused(action: () => unknown, code: CryptoErrorCode): void {
  let refusal: unknown
  try {
    action()
  } catch (error) {
    refusal = error
  }
  expect(refusal).toBeInstanceOf(CryptoError)
  expect((refusal as CryptoError).code).toBe(code)
}

function withLastBitFlipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1
  return copy
}

/** Whether so many chunks are there that the next one completes the value. */
function lacksOne(chunks: Uint8Array, count: number): boolean {
  return chunks.length === (count - 1) * 34
}

interface Flying {
  to: Side
  sent: SpqrSent
  dueAt: number
}

/** A lossy, reordering and duplicating network between two parties that restart now and then. */
function storm(seed: number, messages: number, onState: (state: SpqrState) => void): Pair {
  const pair = newPair()
  const bytes = seededRandom(seed)
  const dice = (sides: number) => (((bytes(2)[0] ?? 0) << 8) | (bytes(2)[1] ?? 0)) % sides
  let flying: Flying[] = []
  for (let tick = 0; tick < messages; tick++) {
    const from: Side = dice(2) === 0 ? 'a' : 'b'
    const sent = sendFrom(pair, from)
    const isLost = dice(10) === 0
    if (!isLost) flying.push({ to: other(from), sent, dueAt: tick + dice(4) * dice(10) })
    const due = flying.filter(({ dueAt }) => dueAt <= tick)
    flying = flying.filter(({ dueAt }) => dueAt > tick)
    for (const { to, sent } of due) {
      deliver(pair, to, sent)
      if (dice(10) === 0) expectRefused(() => spqrReceive(pair[to], sent.message), 'duplicate')
      onState(pair[to])
      if (dice(10) === 0) pair[to] = decodeSpqr(encodeSpqr(pair[to]))
    }
  }
  return pair
}

describe('agreement', () => {
  test('[E7] both sides get each key once, under loss, reordering, duplication and restarts', () => {
    const property = fc.property(fc.nat(), (seed) => {
      const pair = storm(seed, 1_500, () => {})
      expect(Math.min(pair.a.braid.epoch, pair.b.braid.epoch)).toBeGreaterThan(8)
    })
    fc.assert(property, { numRuns: 5, endOnFailure: true })
  })

  test('all keys of a conversation of many epochs differ, in both directions', () => {
    const pair = newPair()
    const keys = new Set<string>()
    let count = 0
    while (pair.a.braid.epoch < 22) {
      for (const side of ['a', 'b'] as const) {
        keys.add(String(pass(pair, side).key))
        count++
      }
    }
    expect(keys.size).toBe(count)
    expect(pair.b.braid.epoch).toBeGreaterThanOrEqual(21)
  })

  test('new randomness on either side changes the keys of the epochs after it', () => {
    const keysWith = (randomOfB: RandomBytes) => {
      const fixed = seededRandom(3)
      let { a, b } = newPair()
      const keys: string[] = []
      for (let i = 0; i < 400; i++) {
        const fromA = spqrSend(a, fixed)
        const fromB = spqrSend(spqrReceive(b, fromA.message).state, randomOfB)
        a = spqrReceive(fromA.state, fromB.message).state
        b = fromB.state
        keys.push(String(fromA.key))
      }
      return keys
    }
    const [one, same, changed] = [4, 4, 5].map((seed) => keysWith(seededRandom(seed)))
    expect(same).toEqual(one as string[])
    expect(changed?.[0]).toBe(one?.[0] as string)
    expect(changed?.at(-1)).not.toBe(one?.at(-1) as string)
  })

  test('a side that hears nothing for 3,000 messages goes on where it was', () => {
    const pair = newPair()
    passUntil(pair, ({ b }) => b.braid.step.at === 'ct1-sampled')
    for (let i = 0; i < 3_000; i++) pass(pair, 'a')
    passUntil(pair, ({ a, b }) => a.braid.epoch === 3 && b.braid.epoch === 3)
  })

  for (const [side, at] of [
    ['a', 'keys-sampled'],
    ['b', 'ct1-sampled'],
  ] as const) {
    test(`chunks are counted from 0 again after the last one there is: ${at}`, () => {
      const pair = newPair()
      passUntil(pair, (current) => current[side].braid.step.at === at)
      const { chain, braid } = pair[side]
      if (!('sent' in braid.step)) throw new Error('this step sends chunks')
      pair[side] = { chain, braid: { ...braid, step: { ...braid.step, sent: 65_535 } } }
      const indexes = [1, 2].map(() => {
        const { payload } = decodeSpqrMessage(pass(pair, side).message)
        return 'chunk' in payload ? payload.chunk.index : undefined
      })
      expect(indexes).toEqual([65_535, 0])
      passUntil(pair, ({ a, b }) => a.braid.epoch === 3 && b.braid.epoch === 3)
    })
  }

  test('an acknowledgement stands when a message from before it comes late', () => {
    const pair = newPair()
    passUntil(pair, ({ a }) => a.braid.step.at === 'header-sent')
    const late = sendFrom(pair, 'a')
    const isAcknowledged = ({ step }: Braid) => step.at === 'ct1-sampled' && step.acknowledged
    for (let i = 0; i < 34; i++) pass(pair, 'b')
    pass(pair, 'a')
    expect(isAcknowledged(pair.b.braid)).toBe(true)
    deliver(pair, 'b', late)
    expect(isAcknowledged(pair.b.braid)).toBe(true)
  })

  test('an acknowledgement without a chunk of the vector counts too', () => {
    const pair = newPair()
    passUntil(pair, ({ a }) => a.braid.step.at === 'header-sent')
    for (let i = 0; i < 36; i++) pass(pair, 'a')
    expect(pair.b.braid.step.at).toBe('vector-received')
    const acknowledge = encodeSpqrMessage({ epoch: 1, index: 100, payload: { type: 'ack' } })
    expect(spqrReceive(pair.b, acknowledge).state.braid.step.at).toBe('ct2-sampled')
  })

  test('[E23] no function changes the state that it was given', () => {
    const pair = newPair()
    for (let i = 0; i < 300; i++) {
      const [from, to] = i % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)
      const before = [encodeSpqr(pair[from]), encodeSpqr(pair[to])]
      const sent = spqrSend(pair[from], random)
      const received = spqrReceive(pair[to], sent.message)
      expect([encodeSpqr(pair[from]), encodeSpqr(pair[to])]).toEqual(before)
      pair[from] = sent.state
      pair[to] = received.state
    }
  })
})

describe('forgery', () => {
  /** Refused with the state as it was; then the true message does what it should. */
  function expectOnlyTheTrueOne(pair: Pair, from: Side): SpqrReceived {
    const sent = sendFrom(pair, from)
    const to = other(from)
    const before = encodeSpqr(pair[to])
    const forged = withLastBitFlipped(sent.message)
    expectRefused(() => spqrReceive(pair[to], forged), 'invalid-message')
    expect(encodeSpqr(pair[to])).toEqual(before)
    const received = spqrReceive(pair[to], sent.message)
    expect(received.key).toEqual(sent.key)
    return received
  }

  test('[E5] a header whose MAC is wrong is refused', () => {
    const pair = newPair()
    passUntil(pair, ({ b: { braid } }) => {
      return braid.step.at === 'no-header-received' && lacksOne(braid.step.header, 3)
    })
    expect(expectOnlyTheTrueOne(pair, 'a').state.braid.step.at).toBe('header-received')
  })

  test('[E5] a vector that is not the one of its header is refused', () => {
    const pair = newPair()
    passUntil(pair, ({ b: { braid } }) => {
      return braid.step.at === 'ct1-sampled' && lacksOne(braid.step.vector, 36)
    })
    expect(expectOnlyTheTrueOne(pair, 'a').state.braid.step.at).toBe('ct2-sampled')
  })

  test('[E5] a ciphertext whose MAC is wrong is refused', () => {
    const pair = newPair()
    passUntil(pair, ({ a: { braid } }) => {
      return braid.step.at === 'vector-sent' && lacksOne(braid.step.ct2, 5)
    })
    expect(expectOnlyTheTrueOne(pair, 'b').state.braid.epoch).toBe(2)
  })

  test('[E5] the MAC of the ciphertext covers its first part too', () => {
    const pair = newPair()
    passUntil(pair, ({ b }) => b.braid.step.at === 'header-received')
    const { state, message } = spqrSend(pair.b, random)
    pair.b = state
    pair.a = spqrReceive(pair.a, withLastBitFlipped(message)).state
    passUntil(pair, ({ a: { braid } }) => {
      return braid.step.at === 'vector-sent' && lacksOne(braid.step.ct2, 5)
    })
    const last = sendFrom(pair, 'b')
    expectRefused(() => spqrReceive(pair.a, last.message), 'invalid-message')
  })

  test('[E5] a header made under another authentication key is refused', () => {
    let forger = spqrInit({ authKey: new Uint8Array(32).fill(8), role: 'initiator' })
    let { b } = newPair()
    for (let i = 0; i < 2; i++) {
      const sent = spqrSend(forger, random)
      forger = sent.state
      b = spqrReceive(b, sent.message).state
    }
    const { message } = spqrSend(forger, random)
    expectRefused(() => spqrReceive(b, message), 'invalid-message')
  })

  test('[E5] what a party sent itself gives it no key that it sends with', () => {
    const { a } = newPair()
    const { state, message, key } = spqrSend(a, random)
    expect(equalBytes(spqrReceive(state, message).key, key)).toBe(false)
  })

  test('[E5] nobody moves a party to the next epoch before its time, or beyond it', () => {
    const pair = newPair()
    const inEpoch = (epoch: number) => {
      return encodeSpqrMessage({ epoch, index: 1, payload: { type: 'none' } })
    }
    passUntil(pair, ({ b }) => b.braid.step.at === 'ct1-sampled')
    expectRefused(() => spqrReceive(pair.b, inEpoch(2)), 'invalid-message')
    passUntil(pair, ({ b }) => b.braid.step.at === 'ct2-sampled')
    expectRefused(() => spqrReceive(pair.b, inEpoch(3)), 'invalid-message')
    expect(spqrReceive(pair.b, inEpoch(2)).state.braid.epoch).toBe(2)
  })

  test('[E24] a random source that gives too few bytes is refused', () => {
    const pair = newPair()
    const broken = (length: number) => new Uint8Array(length - 1)
    expectRefused(() => spqrSend(pair.a, broken), 'invalid-argument')
    passUntil(pair, ({ b }) => b.braid.step.at === 'header-received')
    expectRefused(() => spqrSend(pair.b, broken), 'invalid-argument')
    expectRefused(
      () => spqrInit({ authKey: authKey.slice(1), role: 'initiator' }),
      'invalid-argument',
    )
  })
})

describe('parsing', () => {
  const good = spqrSend(newPair().a, random).message
  const cases: [string, Uint8Array, CryptoErrorCode][] = [
    ['[E4] version 0', Uint8Array.of(0, 1, 1, 0), 'unsupported-version'],
    ['[E4] version 2', Uint8Array.of(2, 1, 1, 0), 'unsupported-version'],
    ['no bytes', new Uint8Array(0), 'invalid-message'],
    ['[E4] key number 0, which stands for no key', Uint8Array.of(1, 1, 0, 0), 'invalid-message'],
    ['epoch 0', Uint8Array.of(1, 0, 1, 0), 'invalid-message'],
    ['a number that is longer than it must be', Uint8Array.of(1, 0x81, 0, 1, 0), 'invalid-message'],
    [
      'a number above 32 bits',
      Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x1f, 1, 0),
      'invalid-message',
    ],
    [
      'a key number above 32 bits',
      Uint8Array.of(1, 1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0),
      'invalid-message',
    ],
    [
      'a number without an end',
      Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
      'invalid-message',
    ],
    ['an unknown type', Uint8Array.of(1, 1, 1, 7), 'invalid-message'],
    ['a chunk that is cut off', good.slice(0, -1), 'invalid-message'],
    ['a byte too many', Uint8Array.of(...good, 0), 'invalid-message'],
    ['a byte too many without a chunk', Uint8Array.of(1, 1, 1, 0, 0), 'invalid-message'],
    [
      'a chunk of number 65,536',
      concatBytes(Uint8Array.of(1, 1, 1, 1, 0x80, 0x80, 4), new Uint8Array(32)),
      'invalid-message',
    ],
    ['an epoch that has not begun', Uint8Array.of(1, 2, 1, 0), 'invalid-message'],
    [
      '[E7] a jump of 2^32 - 1',
      Uint8Array.of(1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0),
      'too-far-ahead',
    ],
  ]
  for (const [name, message, code] of cases) {
    test(`refuses ${name}`, () => {
      expectRefused(() => spqrReceive(newPair().b, message), code)
    })
  }

  test('[E26] whatever bytes come, only a typed error escapes', () => {
    const { b } = newPair()
    const before = encodeSpqr(b)
    const mutated = fc
      .tuple(fc.nat(good.length - 1), fc.nat(255))
      .map(([at, byte]) => good.with(at, byte))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
        try {
          spqrReceive(b, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
        }
      }),
      { numRuns: 2_000 },
    )
    expect(encodeSpqr(b)).toEqual(before)
  })
})

describe('bounds', () => {
  const bare = (index: number, epoch = 1) =>
    encodeSpqrMessage({ epoch, index, payload: { type: 'none' } })

  test('[E7] a receiver derives 25,000 keys ahead and not one more', () => {
    const { b } = newPair()
    expectRefused(() => spqrReceive(b, bare(25_001)), 'too-far-ahead')
    const { state } = spqrReceive(b, bare(25_000))
    expectRefused(() => spqrReceive(state, bare(50_001)), 'too-far-ahead')
  })

  test('[E7] 2,000 skipped keys are kept, and the older ones are gone', () => {
    const pair = newPair()
    const all = Array.from({ length: 2_501 }, () => sendFrom(pair, 'a'))
    deliver(pair, 'b', all[2_500] as SpqrSent)
    expectRefused(() => spqrReceive(pair.b, (all[499] as SpqrSent).message), 'duplicate')
    for (const index of [500, 1_700, 2_499]) deliver(pair, 'b', all[index] as SpqrSent)
    expectRefused(() => spqrReceive(pair.b, (all[1_700] as SpqrSent).message), 'duplicate')
    expect(encodeSpqr(pair.b).length).toBeLessThan(100_000)
  })

  test('[E7] the bound on skipped keys is one for all epochs', () => {
    const pair = newPair()
    const early = Array.from({ length: 1_500 }, () => sendFrom(pair, 'a'))
    passUntil(pair, ({ a }) => a.braid.epoch === 3)
    const late = Array.from({ length: 1_500 }, () => sendFrom(pair, 'a'))
    pass(pair, 'a')
    expect(pair.b.chain.skipped.length).toBe(2_000 * SKIPPED_ENTRY_BYTES)
    expectRefused(() => spqrReceive(pair.b, (early[999] as SpqrSent).message), 'duplicate')
    for (const sent of [early[1_000], early[1_499], late[0], late[1_499]]) {
      deliver(pair, 'b', sent as SpqrSent)
    }
  })

  test('[E7] a message of the 33rd ratchet chain back still has its key, at the fastest pace', () => {
    const pair = newPair()
    flight(pair, 'a')
    flight(pair, 'b')
    const held = [sendFrom(pair, 'a'), sendFrom(pair, 'a')]
    for (let chains = 0; chains < 33; chains++) {
      flight(pair, 'a')
      flight(pair, 'b')
    }
    for (const sent of held) deliver(pair, 'b', sent)
  })

  test('epochs further back than that are forgotten, with their skipped keys', () => {
    const pair = newPair()
    const skipped = sendFrom(pair, 'a')
    const { message } = skipped
    for (let chains = 0; chains < 50; chains++) {
      flight(pair, 'a')
      flight(pair, 'b')
    }
    expect(pair.b.chain.epochs.length).toBe(17)
    expect(pair.b.chain.skipped.length).toBe(0)
    expectRefused(() => spqrReceive(pair.b, message), 'duplicate')
    const neverSeen = encodeSpqrMessage({ epoch: 1, index: 5_000, payload: { type: 'none' } })
    expectRefused(() => spqrReceive(pair.b, neverSeen), 'duplicate')
  })

  test('no key to send with is left of an epoch that is over', () => {
    const pair = newPair()
    passUntil(pair, ({ a, b }) => a.braid.epoch === 4 && b.braid.epoch === 4)
    pass(pair, 'a')
    pass(pair, 'b')
    for (const { chain } of [pair.a, pair.b]) {
      expect(chain.epochs.map(({ sending }) => sending !== undefined)).toEqual(
        chain.epochs.map(({ epoch }) => epoch >= 3),
      )
    }
  })
})

describe('the stored state', () => {
  const states = new Map<Step['at'], SpqrState>()
  const { a: fresh } = newPair()

  beforeAll(() => {
    for (let seed = 0; seed < 3; seed++) {
      storm(seed, 700, (state) => states.set(state.braid.step.at, state))
    }
    states.set('keys-unsampled', fresh)
  })

  test('comes back the same from bytes, at every step of the braid', () => {
    expect(states.size).toBe(10)
    for (const state of states.values()) {
      const bytes = encodeSpqr(state)
      expect(decodeSpqr(bytes)).toEqual(state)
      expect(encodeSpqr(decodeSpqr(bytes))).toEqual(bytes)
    }
  })

  test('is refused when it is cut off, goes on after its end, or is of another version', () => {
    for (const state of states.values()) {
      const bytes = encodeSpqr(state)
      for (const length of [0, 1, 35, bytes.length >> 1, bytes.length - 1]) {
        expectRefused(() => decodeSpqr(bytes.slice(0, length)), 'invalid-state')
      }
      expectRefused(() => decodeSpqr(Uint8Array.of(...bytes, 0)), 'invalid-state')
      expectRefused(() => decodeSpqr(bytes.with(0, 2)), 'invalid-state')
    }
  })

  test('is refused when its parts do not fit each other', () => {
    const { chain, braid } = fresh
    const epochOf = (epoch: number) => ({ ...(chain.epochs[0] as ChainEpoch), epoch })
    const epochs = (...numbers: number[]) => ({ chain: { ...chain, epochs: numbers.map(epochOf) } })
    const step = (wrong: Step) => ({ braid: { ...braid, step: wrong } })
    const ct2 = new Uint8Array(160)
    const twice = new Uint8Array(68)
    const eighteen = Array.from({ length: 18 }, (_, i) => i)
    const wrong: Partial<SpqrState>[] = [
      { braid: { ...braid, epoch: 2 } },
      { braid: { ...braid, epoch: 0 }, ...epochs(1) },
      epochs(),
      { ...epochs(0, 2), braid: { ...braid, epoch: 3 } },
      { ...epochs(...eighteen), braid: { ...braid, epoch: 18 } },
      { chain: { ...chain, skipped: new Uint8Array(41) } },
      { chain: { ...chain, skipped: new Uint8Array(2_001 * SKIPPED_ENTRY_BYTES) } },
      step({ at: 'ct2-sampled', ct2, sent: 65_536 }),
      step({ at: 'no-header-received', header: twice }),
    ]
    for (const part of wrong) {
      expectRefused(() => decodeSpqr(encodeSpqr({ ...fresh, ...part })), 'invalid-state')
    }
    expectRefused(() => decodeSpqr(encodeSpqr(fresh).with(1, 2)), 'invalid-state')
    const whole = { ...epochs(...eighteen.slice(1)), braid: { ...braid, epoch: 18 } }
    expect(decodeSpqr(encodeSpqr({ ...fresh, ...whole })).chain.epochs.length).toBe(17)
  })

  test('[E26] when it is damaged, only a typed error escapes from reading and using it', () => {
    const { message } = spqrSend(newPair().a, random)
    const choice = fc.tuple(fc.constantFrom(...states.values()), fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(choice, ([state, position, byte]) => {
        const bytes = encodeSpqr(state)
        try {
          const damaged = decodeSpqr(bytes.with(position % bytes.length, byte))
          spqrReceive(spqrSend(damaged, random).state, message)
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
