// The malicious server of the requirements E3 to E7: what it may do to bundles and messages, and
// that nothing of it gets through or leaves a trace in the state.

import { describe, expect, test } from 'bun:test'
import { concatBytes, littleEndian, utf8 } from './bytes.ts'
import { CryptoError, type CryptoErrorCode } from './errors.ts'
import {
  encodeAddresses,
  encodePreKeyMessage,
  parsePreKeyMessage,
  parseRatchetMessage,
} from './messages.ts'
import { encodeFields } from './protobuf.ts'
import { seal } from './session.ts'
import { decodeRecord, decodeSession } from './session-record.ts'
import { decryptMessage, readPreKeyMessage } from './receiving.ts'
import { archiveSession } from './sessions.ts'
import { acquainted, ALICE, BOB, Device, flipBit, twoDevices } from './two-devices.fixture.ts'
import type { Encrypted, PreKeyBundle } from './types.ts'
import { fromHex } from './vectors.fixture.ts'

type Sealed = Pick<Encrypted, 'type' | 'ciphertext'>

const VERSION = Uint8Array.of(0x44)
const FROM_SIGNED_PREKEY = 200

/** Refused with one of these codes, and the receiver's record is what it was. */
async function expectRefused(
  [receiver, sender]: [Device, Device],
  sealed: Sealed,
  codes: readonly CryptoErrorCode[],
): Promise<void> {
  const before = receiver.record?.slice()
  try {
    await receiver.receive(sender, sealed)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    expect(codes).toContain(error.code)
    expect(receiver.record).toEqual(before)
    return
  }
  throw new Error('the message was accepted')
}

async function firstMessage(seed: string) {
  const { alice, bob } = twoDevices(seed)
  await alice.connect(bob)
  return { alice, bob, sealed: await alice.send(bob, 'first') }
}

describe('[E3] a forged bundle', () => {
  const spoilers: [string, CryptoErrorCode, (bundle: PreKeyBundle) => void][] = [
    ['a wrong signature of the signed prekey', 'invalid-signature', spoilSigned],
    ['a wrong signature of the Kyber prekey', 'invalid-signature', spoilKyber],
    ['no signature', 'invalid-signature', (b) => (b.kyberPreKey.signature = new Uint8Array(0))],
    ['the signatures swapped', 'invalid-signature', swapSignatures],
    ['another identity key', 'invalid-signature', (b) => (b.identityKey = newKey())],
    ['another signed prekey', 'invalid-signature', (b) => (b.signedPreKey.publicKey = newKey())],
    ['a Kyber prekey cut short', 'invalid-key', shortenKyber],
    ['no Kyber prekey', 'invalid-key', (b) => (b.kyberPreKey.publicKey = new Uint8Array(0))],
    ['an altered Kyber prekey', 'invalid-signature', alterKyber],
    ['an identity key of low order', 'invalid-key', (b) => (b.identityKey = lowOrder())],
    ['a signed prekey of low order', 'invalid-key', (b) => (b.signedPreKey.publicKey = lowOrder())],
    ['a one-time prekey of low order', 'invalid-key', lowOrderOneTime],
    ['an identity key not in canonical form', 'invalid-key', nonCanonicalIdentity],
  ]

  test.each(spoilers)('with %s makes no session', async (_, code, spoil) => {
    const { alice, bob } = twoDevices('bundle')
    const bundle = bob.bundle()
    spoil(bundle)
    await expect(alice.connect(bob, bundle)).rejects.toMatchObject({ code })
    expect(alice.record).toBeUndefined()
    await alice.connect(bob)
    expect(alice.record).toBeDefined()
  })

  test('with a swapped one-time prekey, which nobody signs, is of no use', async () => {
    const { alice, bob } = twoDevices('one-time')
    const bundle = bob.bundle()
    if (bundle.oneTimePreKey) bundle.oneTimePreKey.publicKey = newKey()
    await alice.connect(bob, bundle)
    await expectRefused([bob, alice], await alice.send(bob, 'first'), ['invalid-message'])
  })

  function newKey(): Uint8Array {
    return new Device(ALICE, 'somebody').local.identity.publicKey
  }
  function lowOrder(): Uint8Array {
    return fromHex(`0501${'00'.repeat(31)}`)
  }
  function spoilSigned({ signedPreKey }: PreKeyBundle): void {
    signedPreKey.signature = flipBit(signedPreKey.signature, FROM_SIGNED_PREKEY)
  }
  function spoilKyber({ kyberPreKey }: PreKeyBundle): void {
    kyberPreKey.signature = flipBit(kyberPreKey.signature, 300)
  }
  function swapSignatures({ signedPreKey, kyberPreKey }: PreKeyBundle): void {
    const { signature } = signedPreKey
    signedPreKey.signature = kyberPreKey.signature
    kyberPreKey.signature = signature
  }
  function shortenKyber({ kyberPreKey }: PreKeyBundle): void {
    kyberPreKey.publicKey = kyberPreKey.publicKey.subarray(0, 1185)
  }
  function alterKyber({ kyberPreKey }: PreKeyBundle): void {
    kyberPreKey.publicKey = flipBit(kyberPreKey.publicKey, 12_000)
  }
  function lowOrderOneTime(bundle: PreKeyBundle): void {
    if (bundle.oneTimePreKey) bundle.oneTimePreKey.publicKey = lowOrder()
  }
  function nonCanonicalIdentity(bundle: PreKeyBundle): void {
    bundle.identityKey = flipBit(bundle.identityKey, 33 * 8 - 1)
  }
})

describe('[E4] a downgrade', () => {
  test('to any other version byte is refused, and the session stays', async () => {
    const { alice, bob } = await acquainted('version')
    const genuine = await alice.send(bob, 'genuine')
    const first = await firstMessage('version of a first message')
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0x44) continue
      const relabel = ({ type, ciphertext }: Sealed): Sealed => {
        return { type, ciphertext: concatBytes(Uint8Array.of(byte), ciphertext.subarray(1)) }
      }
      await expectRefused([bob, alice], relabel(genuine), ['unsupported-version'])
      const peers: [Device, Device] = [first.bob, first.alice]
      await expectRefused(peers, relabel(first.sealed), ['unsupported-version'])
      await expectRefused(peers, relabelInner(first.sealed, byte), ['unsupported-version'])
    }
    expect(await bob.receive(alice, genuine)).toBe('genuine')
    expect(await first.bob.receive(first.alice, first.sealed)).toBe('first')
  })

  test('to a message without post-quantum ratchet is refused', async () => {
    const { alice, bob } = await acquainted('strip')
    const genuine = await alice.send(bob, 'genuine')
    for (const pqRatchet of [undefined, new Uint8Array(0)]) {
      const message = parseRatchetMessage(genuine.ciphertext)
      const stripped = concatBytes(VERSION, ratchetFields({ ...message, pqRatchet }), message.mac)
      const sealed: Sealed = { type: 'message', ciphertext: stripped }
      await expectRefused([bob, alice], sealed, ['unsupported-version'])
    }
    expect(await bob.receive(alice, genuine)).toBe('genuine')
  })

  test.each([7, 8])('to a first message without Kyber field %i is refused', async (field) => {
    const { alice, bob, sealed } = await firstMessage('no kyber')
    const stripped: Sealed = {
      type: 'prekey',
      ciphertext: concatBytes(VERSION, preKeyFields(sealed.ciphertext, field)),
    }
    expect(() => readPreKeyMessage(stripped.ciphertext)).toThrow(
      expect.objectContaining({ code: 'unsupported-version' }),
    )
    await expectRefused([bob, alice], stripped, ['unsupported-version'])
    expect(await bob.receive(alice, sealed)).toBe('first')
  })

  function relabelInner({ type, ciphertext }: Sealed, byte: number): Sealed {
    const outer = parsePreKeyMessage(ciphertext)
    const message = concatBytes(Uint8Array.of(byte), outer.message.subarray(1))
    return { type, ciphertext: encodePreKeyMessage({ ...outer, message }) }
  }
  function ratchetFields(
    message: Omit<ReturnType<typeof parseRatchetMessage>, 'pqRatchet'> & {
      pqRatchet: Uint8Array | undefined
    },
  ): Uint8Array {
    return encodeFields([
      [1, message.ratchetKey],
      [2, message.counter],
      [3, message.previousCounter],
      [4, message.ciphertext],
      [5, message.pqRatchet],
    ])
  }
  function preKeyFields(ciphertext: Uint8Array, without: number): Uint8Array {
    const outer = parsePreKeyMessage(ciphertext)
    const fields: [number, number | Uint8Array | undefined][] = [
      [5, outer.registrationId],
      [1, outer.oneTimePreKeyId],
      [6, outer.signedPreKeyId],
      [7, outer.kyberPreKeyId],
      [8, outer.kyberCiphertext],
      [2, outer.baseKey],
      [3, outer.identityKey],
      [4, outer.message],
    ]
    return encodeFields(fields.filter(([field]) => field !== without))
  }
})

describe('[E5] a message that was tampered with', () => {
  const TAMPERED: readonly CryptoErrorCode[] = [
    'invalid-message',
    'invalid-key',
    'unsupported-version',
    'too-far-ahead',
    'duplicate',
    'untrusted-identity',
    'missing-prekey',
  ]

  test('in any bit is refused, and the true one then opens', async () => {
    const { alice, bob } = await acquainted('tamper')
    const genuine = await alice.send(bob, 'genuine')
    for (let bit = 0; bit < genuine.ciphertext.length * 8; bit++) {
      const ciphertext = flipBit(genuine.ciphertext, bit)
      await expectRefused([bob, alice], { type: 'message', ciphertext }, TAMPERED)
    }
    expect(await bob.receive(alice, genuine)).toBe('genuine')
  })

  test('in its MAC alone is refused', async () => {
    const { alice, bob } = await acquainted('mac')
    const genuine = await alice.send(bob, 'genuine')
    const bits = genuine.ciphertext.length * 8
    for (let bit = bits - 64; bit < bits; bit++) {
      const ciphertext = flipBit(genuine.ciphertext, bit)
      await expectRefused([bob, alice], { type: 'message', ciphertext }, ['invalid-message'])
    }
  })

  test('while the true one is awaited does not cost the key that was kept for it', async () => {
    const { alice, bob } = await acquainted('awaited')
    // Enough of them for what is read of the record to be a part of it, and no copy.
    const awaited: Encrypted[] = []
    for (let i = 0; i < 20; i++) awaited.push(await alice.send(bob, `awaited ${i}`))
    await bob.receive(alice, await alice.send(bob, 'came first'))
    for (const [at, genuine] of awaited.entries()) {
      const ciphertext = flipBit(genuine.ciphertext, genuine.ciphertext.length * 8 - 1)
      await expectRefused([bob, alice], { type: 'message', ciphertext }, ['invalid-message'])
      expect(await bob.receive(alice, genuine)).toBe(`awaited ${at}`)
    }
  })

  test('at any length cut short, or with bytes added, is refused', async () => {
    const { alice, bob } = await acquainted('cut')
    const { type, ciphertext } = await alice.send(bob, 'genuine')
    for (let length = 0; length < ciphertext.length; length++) {
      const cut = { type, ciphertext: ciphertext.subarray(0, length) }
      await expectRefused([bob, alice], cut, TAMPERED)
    }
    const longer = { type, ciphertext: concatBytes(ciphertext, Uint8Array.of(0)) }
    await expectRefused([bob, alice], longer, TAMPERED)
    expect(await bob.receive(alice, { type, ciphertext })).toBe('genuine')
  })

  test('as a first message is refused, whichever part was altered', async () => {
    const { alice, bob, sealed } = await firstMessage('tampered first message')
    const { registrationId } = readPreKeyMessage(sealed.ciphertext)
    for (let bit = 0; bit < sealed.ciphertext.length * 8; bit += 31) {
      const ciphertext = flipBit(sealed.ciphertext, bit)
      // Nothing protects the registration id: it is a hint, and no key hangs on it.
      if (readsAs(ciphertext)?.registrationId !== registrationId) continue
      await expectRefused([bob, alice], { type: 'prekey', ciphertext }, TAMPERED)
    }
    expect(await bob.receive(alice, sealed)).toBe('first')
  })

  test('by sending it back to its author is refused', async () => {
    const { alice, bob } = await acquainted('reflect')
    const sealed = await alice.send(bob, 'genuine')
    await expectRefused([alice, bob], sealed, ['invalid-message', 'duplicate'])
    const first = await firstMessage('reflected first message')
    const peers: [Device, Device] = [first.alice, first.bob]
    await expectRefused(peers, first.sealed, ['invalid-message', 'untrusted-identity'])
    expect(await bob.receive(alice, sealed)).toBe('genuine')
  })

  test('by giving it to another device, even one with the same keys, is refused', async () => {
    const { alice, bob, sealed } = await firstMessage('redirect')
    const clone = Object.assign(twoDevices('redirect').bob, { address: { ...BOB, device: 3 } })
    Object.assign(clone, { local: { ...bob.local, address: { ...BOB, device: 3 } } })
    await expectRefused([clone, alice], sealed, ['invalid-message'])
    const other = new Device({ ...BOB, device: 3 }, 'other keys')
    await expectRefused([other, alice], sealed, ['invalid-message'])
    expect(await bob.receive(alice, sealed)).toBe('first')
    const { ciphertext } = await alice.send(bob, 'second')
    clone.record = bob.record
    const unwrapped: Sealed = {
      type: 'message',
      ciphertext: parsePreKeyMessage(ciphertext).message,
    }
    await expectRefused([clone, alice], unwrapped, ['invalid-message'])
    expect(await bob.receive(alice, unwrapped)).toBe('second')
  })

  test('a first message that does not say for whom it is is refused', async () => {
    const { alice, bob } = await firstMessage('no addresses')
    const [encoded = new Uint8Array(0)] = decodeRecord(alice.record as Uint8Array).sessions
    const session = decodeSession(encoded)
    const identities = {
      sender: alice.local.identity.publicKey,
      receiver: bob.local.identity.publicKey,
    }
    const { random } = alice
    const wrap = (addresses: Uint8Array | undefined): Sealed => {
      const plaintext = utf8('to whom?')
      const { message } = seal(session, { plaintext, addresses, identities, random })
      const ciphertext = encodePreKeyMessage({
        registrationId: 1,
        signedPreKeyId: 21,
        kyberPreKeyId: 22,
        oneTimePreKeyId: 23,
        kyberCiphertext: session.unanswered?.kyberCiphertext as Uint8Array,
        baseKey: session.baseKey,
        identityKey: identities.sender,
        message,
      })
      return { type: 'prekey', ciphertext }
    }
    await expectRefused([bob, alice], wrap(undefined), ['invalid-message'])
    expect(await bob.receive(alice, wrap(encodeAddresses(ALICE, BOB)))).toBe('to whom?')
  })

  test('to hold a key that is none is refused before anything is done with it', async () => {
    const { alice, bob, sealed } = await firstMessage('no keys')
    const outer = parsePreKeyMessage(sealed.ciphertext)
    for (const wrong of [new Uint8Array(33), flipBit(outer.baseKey, 263), outer.baseKey.slice(1)]) {
      for (const field of ['baseKey', 'identityKey'] as const) {
        const ciphertext = encodePreKeyMessage({ ...outer, [field]: wrong })
        await expectRefused([bob, alice], { type: 'prekey', ciphertext }, ['invalid-key'])
      }
    }
  })

  test('by naming another sender is refused', async () => {
    const { alice, bob, sealed } = await firstMessage('relabel')
    const mallory = new Device({ ...ALICE, device: 9 }, 'mallory')
    await expectRefused([bob, mallory], sealed, ['invalid-message'])
    const { record } = (await acquainted('relabel to a session of another')).bob
    const later = await alice.send(bob, 'later')
    const inner = parsePreKeyMessage(later.ciphertext).message
    const input = { ...bob.context(ALICE), record: record ?? new Uint8Array(0) }
    await expect(decryptMessage({ ...input, ciphertext: inner })).rejects.toMatchObject({
      code: 'invalid-message',
    })
  })

  function readsAs(ciphertext: Uint8Array) {
    try {
      return readPreKeyMessage(ciphertext)
    } catch {
      return undefined
    }
  }
})

describe('[E6] a message delivered again', () => {
  test('is a duplicate: at once, after others, and after a restart', async () => {
    const { alice, bob } = await acquainted('replay')
    const messages: Encrypted[] = []
    for (let i = 0; i < 6; i++) messages.push(await alice.send(bob, `${i}`))
    for (const at of [3, 0, 5, 1, 4, 2]) {
      const message = messages[at] as Encrypted
      await bob.receive(alice, message)
      await expectRefused([bob, alice], message, ['duplicate'])
      bob.record = bob.record?.slice()
    }
    for (const message of messages) await expectRefused([bob, alice], message, ['duplicate'])
    await alice.receive(bob, await bob.send(alice, 'turn'))
    await bob.receive(alice, await alice.send(bob, 'turn back'))
    for (const message of messages) await expectRefused([bob, alice], message, ['duplicate'])
  })

  test('is a duplicate as a first message, also without its wrapping', async () => {
    const { alice, bob, sealed } = await firstMessage('replayed first message')
    await bob.receive(alice, sealed)
    await expectRefused([bob, alice], sealed, ['duplicate'])
    const unwrapped = parsePreKeyMessage(sealed.ciphertext).message
    await expectRefused([bob, alice], { type: 'message', ciphertext: unwrapped }, ['duplicate'])
    await alice.receive(bob, await bob.send(alice, 'answer'))
    await bob.receive(alice, await alice.send(bob, 'and on'))
    await expectRefused([bob, alice], sealed, ['duplicate'])
  })

  test('is not let in by another spelling of the base key', async () => {
    const { alice, bob, sealed } = await firstMessage('other base key')
    await bob.receive(alice, sealed)
    bob.record = undefined
    const outer = parsePreKeyMessage(sealed.ciphertext)
    const highBit = encodePreKeyMessage({ ...outer, baseKey: flipBit(outer.baseKey, 33 * 8 - 1) })
    await expectRefused([bob, alice], { type: 'prekey', ciphertext: highBit }, ['invalid-key'])
    const u = littleEndian(outer.baseKey.subarray(1))
    // Adding the point of order two maps u to 1/u: same secrets, other bytes.
    const inverse = modularInverse(u)
    const baseKey = concatBytes(Uint8Array.of(5), toLittleEndian(inverse))
    const torsioned = encodePreKeyMessage({ ...outer, baseKey })
    await expectRefused([bob, alice], { type: 'prekey', ciphertext: torsioned }, ['invalid-key'])
  })

  const P = 2n ** 255n - 19n
  function modularInverse(value: bigint): bigint {
    let result = 1n
    let base = value
    for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) result = (result * base) % P
      base = (base * base) % P
    }
    return result
  }
  function toLittleEndian(value: bigint): Uint8Array {
    return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
  }
})

describe('[E7] a gap', () => {
  interface Forgery {
    counter?: number
    ratchetKey?: Uint8Array
    pqRatchet?: Uint8Array
  }
  function forge(ciphertext: Uint8Array, forgery: Forgery): Sealed {
    const message = { ...parseRatchetMessage(ciphertext), ...forgery }
    const fields = encodeFields([
      [1, message.ratchetKey],
      [2, message.counter],
      [3, message.previousCounter],
      [4, message.ciphertext],
      [5, message.pqRatchet],
    ])
    return { type: 'message', ciphertext: concatBytes(VERSION, fields, message.mac) }
  }

  test('of 2^32 - 1 messages is refused within 50 ms, by all of 41 sessions', async () => {
    const { alice, bob } = await acquainted('jump')
    for (let i = 0; i < 40; i++) await bob.connect(alice)
    const { ciphertext } = await alice.send(bob, 'genuine')
    const stranger = new Device(ALICE, 'stranger').local.identity.publicKey
    for (const forgery of [{}, { ratchetKey: stranger }]) {
      const forged = forge(ciphertext, { counter: 2 ** 32 - 1, ...forgery })
      // The fastest of a few: what else the machine does only adds to it.
      const tries: number[] = []
      for (let count = 0; count < 5; count++) {
        const startedMs = performance.now()
        await expectRefused([bob, alice], forged, ['too-far-ahead'])
        tries.push(performance.now() - startedMs)
      }
      expect(Math.min(...tries)).toBeLessThan(50)
    }
  })

  test('that just passes for possible does not stall a record of 41 sessions', async () => {
    const { alice, bob } = await acquainted('possible jump')
    for (let i = 0; i < 40; i++) await bob.connect(alice)
    const { ciphertext } = await alice.send(bob, 'genuine')
    const stranger = new Device(ALICE, 'stranger').local.identity.publicKey
    const before = process.cpuUsage()
    const codes: CryptoErrorCode[] = ['invalid-message', 'too-far-ahead']
    // Version 1, epoch 1, index 24,000, no chunk.
    const pqRatchet = fromHex('0101c0bb0100')
    for (const forgery of [{ counter: 25_000 }, { counter: 2_000 }, { counter: 0, pqRatchet }]) {
      const forged = forge(ciphertext, { ratchetKey: stranger, ...forgery })
      await expectRefused([bob, alice], forged, codes)
    }
    // Processor time, since others may be using the machine; unbounded it was twenty seconds, and
    // with 2,000 keys for each session six.
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(4_000)
  })

  test('may be the smaller the older an archived session is', async () => {
    const { alice, bob } = await acquainted('older sessions')
    for (let i = 0; i < 3; i++) await bob.connect(alice)
    const { ciphertext } = await alice.send(bob, 'genuine')
    const ratchetKey = new Device(ALICE, 'stranger').local.identity.publicKey
    const jumps: number[] = []
    for (const counter of [2_000, 1_000, 666, 500, 501, 667, 1_001, 2_001]) {
      let tries = 0
      const agree = async () => {
        tries++
        throw new CryptoError('invalid-message', 'as far as the curve')
      }
      const curve = { ...bob.context(ALICE).curve, agree }
      const record = archiveSession(bob.record ?? new Uint8Array(0))
      const forged = forge(ciphertext, { ratchetKey, counter }).ciphertext
      const input = { ...bob.context(ALICE), curve, record, ciphertext: forged }
      await decryptMessage(input).catch(() => undefined)
      jumps.push(tries)
    }
    expect(jumps).toEqual([1, 2, 3, 4, 3, 2, 1, 0])
  })

  test('of more than 2,000 is too far for an archived session with an unknown key', async () => {
    const { alice, bob } = await acquainted('archived jump')
    const { ciphertext } = await alice.send(bob, 'genuine')
    const ratchetKey = new Device(ALICE, 'stranger').local.identity.publicKey
    const jump = (counter: number) => forge(ciphertext, { ratchetKey, counter })
    // The current one derives so many keys before it finds that the message is not genuine.
    await expectRefused([bob, alice], jump(2_001), ['invalid-message'])
    bob.record = archiveSession(bob.record ?? new Uint8Array(0))
    await expectRefused([bob, alice], jump(2_001), ['too-far-ahead'])
    await expectRefused([bob, alice], jump(2_000), ['invalid-message'])
  })

  test('where a session was makes no duplicate of a message that never came', async () => {
    const { alice, bob } = await acquainted('lost session')
    const lost = alice.record
    alice.record = undefined
    bob.record = undefined
    await alice.connect(bob)
    await bob.receive(alice, await alice.send(bob, 'anew'))
    await alice.receive(bob, await bob.send(alice, 'answer'))
    for (let i = 0; i < 5; i++) await bob.receive(alice, await alice.send(bob, 'more'))
    alice.record = lost
    await expectRefused([bob, alice], await alice.send(bob, 'genuine'), ['invalid-message'])
  })

  test('of messages that never come does not hinder the next', async () => {
    const { alice, bob } = await acquainted('loss')
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 50; i++) await alice.send(bob, 'lost')
      expect(await bob.receive(alice, await alice.send(bob, 'next'))).toBe('next')
      expect(await alice.receive(bob, await bob.send(alice, 'answer'))).toBe('answer')
    }
  })
})
