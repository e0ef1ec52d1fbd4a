// What callers get wrong or do in their own way: poor sources of randomness, bytes of the wrong
// length, and the Buffers of Node, which are Uint8Arrays that slice differently.

import { describe, expect, test } from 'bun:test'
import { CryptoError } from './errors.ts'
import { nobleAesGcm, nobleCurve } from './index.reference.ts'
import * as signal from './index.ts'
import { verify } from './signatures.ts'
import { ALICE, BOB, Device, NOW_MS, repeatableRandom, twoDevices } from './two-devices.fixture.ts'

const random = repeatableRandom('callers')
const DAY_MS = 24 * 60 * 60 * 1000
const GROUP = '0b5f1c7e-3c1d-4a53-9d53-0d3a5a6e7f80'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
  return 'none'
}

describe('a source of randomness', () => {
  const { identity } = new Device(ALICE, 'callers').local
  const users: [string, (random: signal.RandomBytes) => unknown][] = [
    ['a key pair', signal.generateKeyPair],
    ['a signature', (random) => signal.sign(identity.privateKey, new Uint8Array(3), random)],
    ['a signed prekey', (random) => signal.generateSignedPreKey({ identity, id: 1, random })],
    ['a Kyber prekey', (random) => signal.generateKyberPreKey({ identity, id: 1, random })],
    ['a one-time prekey', (random) => signal.generateOneTimePreKey({ id: 1, random })],
    ['a sender key', (random) => signal.createSenderKey({ distributionId: GROUP, random })],
    ['a recovery key', signal.newRecoveryKey],
    ['a medium', (random) => signal.sealMedia({ plaintext: [], aesGcm: nobleAesGcm, random })],
  ]

  test.each(users)('[E24] that gives too little, or too much, makes no %s', (_, use) => {
    expect(codeOf(() => use(() => new Uint8Array(0)))).toBe('invalid-argument')
    expect(codeOf(() => use((length) => new Uint8Array(length - 1)))).toBe('invalid-argument')
    expect(codeOf(() => use((length) => new Uint8Array(length + 1)))).toBe('invalid-argument')
  })

  test('[E24] that gives too little begins no session', async () => {
    const { alice, bob } = twoDevices('too little')
    for (const short of [1, 2]) {
      const asked: number[] = []
      const random = (length: number) => new Uint8Array(asked.push(length) < short ? length : 31)
      const input = { ...alice.context(BOB), random, bundle: bob.bundle(), record: undefined }
      await expect(signal.createSession(input)).rejects.toMatchObject({ code: 'invalid-argument' })
    }
  })
})

test('a private key of another length signs nothing', () => {
  for (const length of [0, 31, 33, 64]) {
    const run = () => signal.sign(new Uint8Array(length).fill(1), new Uint8Array(3), random)
    expect(codeOf(run)).toBe('invalid-key')
  }
})

test('a private key that was not stored clamped signs for the same public key', () => {
  const { publicKey, privateKey } = signal.generateKeyPair(random)
  const message = Uint8Array.of(1, 2, 3)
  const loose = Uint8Array.from(privateKey)
  loose[0] = (loose[0] ?? 0) | 7
  loose[31] = (loose[31] ?? 0) | 128
  expect(verify(publicKey, message, signal.sign(loose, message, random))).toBe(true)
})

test.each([-1, 1.5, 2 ** 32, Number.NaN])('%p is the id of no prekey', async (id) => {
  const { alice, bob } = twoDevices('ids')
  const { identity } = alice.local
  const make = [
    () => signal.generateSignedPreKey({ identity, id, random }),
    () => signal.generateKyberPreKey({ identity, id, random }),
    () => signal.generateOneTimePreKey({ id, random }),
  ]
  expect(make.map(codeOf)).toEqual(make.map(() => 'invalid-argument'))
  const bundle = bob.bundle()
  for (const part of ['signedPreKey', 'kyberPreKey', 'oneTimePreKey'] as const) {
    const wrong = { ...bundle, [part]: { ...bundle[part], id } }
    await expect(alice.connect(bob, wrong)).rejects.toMatchObject({ code: 'invalid-key' })
  }
})

test('a device that does not know itself begins no session', async () => {
  const { alice, bob } = twoDevices('self')
  const { address, identity } = alice.local
  const raw = { ...identity, publicKey: identity.publicKey.subarray(1) }
  const wrong: [Partial<signal.LocalIdentity>, string][] = [
    [{ identity: raw }, 'invalid-key'],
    [{ registrationId: -1 }, 'invalid-argument'],
    [{ address: { ...address, device: 128 } }, 'invalid-argument'],
    [{ address: { ...address, account: 'alice' } }, 'invalid-argument'],
    [{ address: { ...address, account: address.account.toUpperCase() } }, 'invalid-argument'],
  ]
  for (const [part, code] of wrong) {
    const local = { ...alice.local, ...part }
    const input = { ...alice.context(BOB), local, bundle: bob.bundle(), record: undefined }
    await expect(signal.createSession(input)).rejects.toMatchObject({ code })
  }
})

describe('Buffers do as well', () => {
  /** As stores and sockets of Node have them: with other bytes around them. */
  const buffer = (bytes: Uint8Array) => {
    const around = Buffer.alloc(bytes.length + 48, 0xa5)
    around.set(bytes, 24)
    return around.subarray(24, 24 + bytes.length)
  }
  const buffers = <T>(value: T): T => {
    if (value instanceof Uint8Array) return buffer(value) as T
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, buffers(v)])) as T
  }

  test('for records, keys, bundles and ciphertexts of sessions', async () => {
    const { alice, bob } = twoDevices('buffers')
    for (const device of [alice, bob]) {
      Object.assign(device, { local: buffers(device.local), prekeys: buffers(device.prekeys) })
    }
    await alice.connect(bob, buffers(bob.bundle()))
    for (const text of ['first', 'second', 'third']) {
      for (const [from, to] of [[alice, bob] as const, [bob, alice] as const]) {
        from.record = from.record && buffer(from.record)
        const sealed = await from.send(to, text)
        to.record = to.record && buffer(to.record)
        expect(await to.receive(from, buffers(sealed))).toBe(text)
      }
    }
  })

  test('for the record of a session that nobody has answered', async () => {
    const { alice, bob } = twoDevices('unanswered')
    await alice.connect(bob)
    const record = buffer(alice.record ?? new Uint8Array(0))
    expect(signal.hasUsableSession(record, NOW_MS + 30 * DAY_MS)).toBe(true)
    expect(signal.hasUsableSession(record, NOW_MS + 30 * DAY_MS + 1)).toBe(false)
  })

  test('for sender keys', async () => {
    const own = signal.createSenderKey({ distributionId: GROUP, random: (n) => buffer(random(n)) })
    const distribution = buffer(signal.senderKeyDistribution(buffer(own)))
    const record = signal.acceptSenderKey({ record: undefined, distribution })
    const plaintext = Buffer.from('to all')
    const sent = await signal.encryptGroupMessage({ record: own, plaintext, curve: nobleCurve })
    const ciphertext = buffer(sent.ciphertext)
    const got = { record: buffer(record), ciphertext, curve: nobleCurve }
    const opened = await signal.decryptGroupMessage(got)
    expect(new TextDecoder().decode(opened.plaintext)).toBe('to all')
  })

  test('for keys of the reference, which are copied', async () => {
    const key = buffer(new Uint8Array(32).fill(7))
    const aes = await nobleAesGcm(key)
    const sealed = await aes.seal(new Uint8Array(12), Uint8Array.of(1))
    key.fill(0)
    expect(await aes.open(new Uint8Array(12), buffer(sealed))).toEqual(Uint8Array.of(1))
  })
})
