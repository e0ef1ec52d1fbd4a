// What the session functions promise to honest callers.

import { describe, expect, test } from 'bun:test'
import { toHex, utf8 } from './bytes.ts'
import { CryptoError, type CryptoErrorCode } from './errors.ts'
import { parsePreKeyMessage, parseRatchetMessage } from './messages.ts'
import { decodeRecord, decodeSession } from './session-record.ts'
import { decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
import { archiveSession, createSession, encryptMessage, hasUsableSession } from './sessions.ts'
import { acquainted, ALICE, BOB, Device, NOW_MS, twoDevices } from './two-devices.fixture.ts'
import type { Encrypted } from './types.ts'

const DAY_MS = 86_400_000

async function codeOf(promise: Promise<unknown>): Promise<CryptoErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
}

describe('a session', () => {
  test.each([true, false])('starts with one-time prekey: %p', async (oneTime) => {
    const { alice, bob } = twoDevices('start')
    await alice.connect(bob, bob.bundle({ oneTime }))
    const first = await alice.send(bob, 'first')
    const second = await alice.send(bob, 'second')
    expect([first.type, second.type]).toEqual(['prekey', 'prekey'])
    expect(await bob.receive(alice, first)).toBe('first')
    expect(await bob.receive(alice, second)).toBe('second')
    const answer = await bob.send(alice, 'answer')
    expect(answer.type).toBe('message')
    expect(await alice.receive(bob, answer)).toBe('answer')
    expect((await alice.send(bob, 'third')).type).toBe('message')
  })

  test('carries empty and long plaintexts', async () => {
    const { alice, bob } = await acquainted('lengths')
    for (const text of ['', 'x', 'é🙂', 'long '.repeat(20_000)]) {
      expect(await bob.receive(alice, await alice.send(bob, text))).toBe(text)
    }
  })

  test('says whether it took the prekeys, so that the one-time one can be deleted', async () => {
    const { alice, bob } = twoDevices('used')
    await alice.connect(bob)
    const [first, second] = [await alice.send(bob, '1'), await alice.send(bob, '2')]
    expect(await bob.peek(alice, first)).toMatchObject({ usedPreKeys: true })
    await bob.receive(alice, first)
    expect(await bob.peek(alice, second)).toMatchObject({ usedPreKeys: false })
    const { record } = bob
    const input = { ...bob.context(ALICE), record, prekeys: undefined }
    const { ciphertext } = second
    expect(await decryptPreKeyMessage({ ...input, ciphertext })).toMatchObject({
      plaintext: utf8('2'),
    })
  })

  test('names in its first message what the other side must look up', async () => {
    const { alice, bob } = twoDevices('header')
    await alice.connect(bob)
    const header = readPreKeyMessage((await alice.send(bob, '1')).ciphertext)
    expect(header).toMatchObject({
      registrationId: alice.local.registrationId,
      identityKey: alice.local.identity.publicKey,
      signedPreKeyId: 21,
      kyberPreKeyId: 22,
      oneTimePreKeyId: 23,
    })
    expect(Object.keys(header)).toHaveLength(6)
  })

  test('uses fresh keys each time it starts, and never names a message key twice', async () => {
    const { alice, bob } = twoDevices('fresh')
    const names = new Set<string>()
    const baseKeys = new Set<string>()
    const kyberCiphertexts = new Set<string>()
    for (let round = 0; round < 3; round++) {
      await alice.connect(bob)
      for (let i = 0; i < 3; i++) {
        const sealed = await alice.send(bob, 'same text')
        names.add(sealed.messageKeyId)
        const { baseKey, kyberCiphertext } = parsePreKeyMessage(sealed.ciphertext)
        baseKeys.add(toHex(baseKey))
        kyberCiphertexts.add(toHex(kyberCiphertext))
        expect((await bob.peek(alice, sealed)).messageKeyId).toBe(sealed.messageKeyId)
      }
    }
    expect([names.size, baseKeys.size, kyberCiphertexts.size]).toEqual([9, 3, 3])
  })

  test('changes none of the bytes it is given', async () => {
    const { alice, bob } = await acquainted('pure')
    const before = alice.record?.slice()
    const record = alice.record ?? new Uint8Array(0)
    const input = { ...alice.context(BOB), record, plaintext: utf8('text') }
    const { ciphertext } = await encryptMessage(input)
    expect(alice.record).toEqual(before)
    const kept = { record: bob.record?.slice(), ciphertext: ciphertext.slice() }
    await bob.peek(alice, { type: 'message', ciphertext })
    expect({ record: bob.record, ciphertext }).toEqual(kept)
  })

  test('says what libsignal says of the sending chain before: its last counter', async () => {
    const { alice, bob } = await acquainted('previous counter')
    for (let i = 0; i < 3; i++) await bob.receive(alice, await alice.send(bob, `${i}`))
    await alice.receive(bob, await bob.send(alice, 'turn'))
    const { ciphertext } = await alice.send(bob, 'on a new chain')
    expect(parseRatchetMessage(ciphertext)).toMatchObject({ counter: 0, previousCounter: 2 })
  })

  test('is refused where there is none', async () => {
    const { alice, bob } = await acquainted('none')
    const record = archiveSession(alice.record ?? new Uint8Array(0))
    alice.record = record
    expect(await codeOf(alice.send(bob, 'text'))).toBe('no-session')
    expect(await codeOf(bob.peek(alice, { type: 'message', ciphertext: utf8('D') }))).toBe(
      'invalid-message',
    )
  })
})

test('a first message is refused with other prekeys than it names', async () => {
  const { alice, bob } = twoDevices('prekeys')
  await alice.connect(bob)
  const { ciphertext } = await alice.send(bob, 'first')
  const { signed, kyber, oneTime } = bob.prekeys
  const input = { ...bob.context(ALICE), record: undefined, ciphertext }
  for (const prekeys of [
    undefined,
    { signed: { ...signed, id: 1 }, kyber, oneTime },
    { signed, kyber: { ...kyber, id: 1 }, oneTime },
    { signed, kyber, oneTime: { ...oneTime, id: 1 } },
    { signed, kyber, oneTime: undefined },
  ]) {
    expect(await codeOf(decryptPreKeyMessage({ ...input, prekeys }))).toBe('missing-prekey')
  }
  const prekeys = { signed, kyber, oneTime }
  expect(await decryptPreKeyMessage({ ...input, prekeys })).toMatchObject({ usedPreKeys: true })
})

describe('an unanswered session', () => {
  test('can send for 30 days and no longer', async () => {
    const { alice, bob } = twoDevices('unanswered')
    await alice.connect(bob)
    const record = alice.record ?? new Uint8Array(0)
    expect(hasUsableSession(record, NOW_MS + 30 * DAY_MS)).toBe(true)
    expect(hasUsableSession(record, NOW_MS + 30 * DAY_MS + 1)).toBe(false)
    alice.nowMs = NOW_MS + 30 * DAY_MS + 1
    expect(await codeOf(alice.send(bob, 'late'))).toBe('no-session')
  })

  test('once answered does not age', async () => {
    const { alice } = await acquainted('answered')
    const record = alice.record ?? new Uint8Array(0)
    expect(hasUsableSession(record, NOW_MS + 3_650 * DAY_MS)).toBe(true)
  })
})

describe('archived sessions', () => {
  test('still decrypt, and are not brought back by a straggler', async () => {
    const { alice, bob } = await acquainted('straggler')
    const straggler = await bob.send(alice, 'straggler')
    alice.record = archiveSession(alice.record ?? new Uint8Array(0))
    expect(hasUsableSession(alice.record, NOW_MS)).toBe(false)
    expect(await alice.receive(bob, straggler)).toBe('straggler')
    expect(hasUsableSession(alice.record, NOW_MS)).toBe(false)
    expect(await codeOf(alice.receive(bob, straggler))).toBe('duplicate')
  })

  test('let a reset go through while messages of the old session are under way', async () => {
    const { alice, bob } = await acquainted('reset')
    const old = [await bob.send(alice, 'old 1'), await bob.send(alice, 'old 2')]
    alice.record = archiveSession(alice.record ?? new Uint8Array(0))
    await alice.connect(bob)
    const fresh = await alice.send(bob, 'fresh')
    expect(fresh.type).toBe('prekey')
    expect(await alice.receive(bob, old[0] as Encrypted)).toBe('old 1')
    expect(await bob.receive(alice, fresh)).toBe('fresh')
    expect(await alice.receive(bob, await bob.send(alice, 'on the new one'))).toBe('on the new one')
    expect(await alice.receive(bob, old[1] as Encrypted)).toBe('old 2')
    for (let i = 0; i < 3; i++) {
      expect(await bob.receive(alice, await alice.send(bob, `a${i}`))).toBe(`a${i}`)
      expect(await alice.receive(bob, await bob.send(alice, `b${i}`))).toBe(`b${i}`)
    }
  })

  test('are kept to the number of 40', async () => {
    const { alice, bob } = await acquainted('many')
    const ofFirst = await bob.send(alice, 'of the first session')
    for (let i = 0; i < 40; i++) await alice.connect(bob)
    expect((await alice.peek(bob, ofFirst)).plaintext).toEqual(utf8('of the first session'))
    await alice.connect(bob)
    expect(decodeRecord(alice.record ?? new Uint8Array(0)).sessions).toHaveLength(41)
    expect(await codeOf(alice.peek(bob, ofFirst))).toBe('invalid-message')
  })

  test('come together in one when both sides start at the same time', async () => {
    const { alice, bob } = twoDevices('both')
    await alice.connect(bob)
    await bob.connect(alice)
    const [fromAlice, fromBob] = [await alice.send(bob, 'a'), await bob.send(alice, 'b')]
    expect(await bob.receive(alice, fromAlice)).toBe('a')
    expect(await alice.receive(bob, fromBob)).toBe('b')
    const types = new Set<string>()
    for (let i = 0; i < 4; i++) {
      const there = await alice.send(bob, `there ${i}`)
      expect(await bob.receive(alice, there)).toBe(`there ${i}`)
      const back = await bob.send(alice, `back ${i}`)
      expect(await alice.receive(bob, back)).toBe(`back ${i}`)
      if (i > 0) types.add(there.type).add(back.type)
    }
    expect([...types]).toEqual(['message'])
  })

  test('are what the other one becomes when both started: both then use the same', async () => {
    const { alice, bob } = twoDevices('settle')
    await alice.connect(bob)
    await bob.connect(alice)
    const [fromAlice, fromBob] = [await alice.send(bob, 'a'), await bob.send(alice, 'b')]
    await bob.receive(alice, fromAlice)
    await alice.receive(bob, fromBob)
    await bob.receive(alice, await alice.send(bob, 'there'))
    await alice.receive(bob, await bob.send(alice, 'back'))
    const current = ({ record }: Device) => {
      const [session] = decodeRecord(record ?? new Uint8Array(0)).sessions
      return session && toHex(decodeSession(session).baseKey)
    }
    expect(current(alice)).toBe(current(bob))
  })
})

describe('identity keys', () => {
  test('[E1] a session with another identity key does not join the record', async () => {
    const { alice, bob } = await acquainted('identity')
    const stranger = new Device(BOB, 'another identity')
    expect(await codeOf(alice.connect(stranger))).toBe('untrusted-identity')
    await stranger.connect(alice)
    const sealed = await stranger.send(alice, 'it is me, Bob')
    expect(await codeOf(alice.peek(stranger, sealed))).toBe('untrusted-identity')
    alice.record = undefined
    expect(await alice.receive(stranger, sealed)).toBe('it is me, Bob')
    expect(await codeOf(alice.peek(bob, await bob.send(alice, 'no, me')))).toBe('invalid-message')
  })

  test('addresses are checked before anything is made of them', async () => {
    const { alice, bob } = twoDevices('address')
    const input = { ...alice.context(BOB), bundle: bob.bundle(), record: undefined }
    for (const remote of [
      { ...BOB, device: 0 },
      { ...BOB, device: 128 },
      { ...BOB, device: 1.5 },
      { ...BOB, account: 'bob' },
    ]) {
      expect(await codeOf(createSession({ ...input, remote }))).toBe('invalid-argument')
    }
  })
})
