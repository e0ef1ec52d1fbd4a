// What sender keys promise to honest members, and what a malicious server or member may do to them.

import { describe, expect, test } from 'bun:test'
import { concatBytes, toHex, utf8 } from './bytes.ts'
import { bunCurve } from './curve.bun.ts'
import { type Curve25519, nobleCurve } from './curve.ts'
import { CryptoError, type CryptoErrorCode } from './errors.ts'
import { sha256 } from './primitives.ts'
import { encodeFields } from './protobuf.ts'
import { FORWARD_JUMP_MAX, SKIPPED_KEY_BYTES, SKIPPED_KEYS_MAX } from './ratchet.ts'
import {
  encodeDistribution,
  encodeUnsigned,
  parseDistribution,
  parseGroupMessage,
} from './sender-key-messages.ts'
import { CHAINS_MAX, RETIRED_MAX } from './sender-key-record.ts'
import {
  acceptSenderKey,
  createSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  readGroupMessage,
  readSenderKeyDistribution,
  type SenderKeyRecord,
  senderKeyDistribution,
} from './sender-keys.ts'
import {
  GROUP,
  GroupReceiver,
  GroupSender,
  OTHER_GROUP,
  type SentToGroup,
} from './sender-keys.fixture.ts'
import { verify } from './signatures.ts'
import { flipBit, repeatableRandom } from './two-devices.fixture.ts'
import { fromHex, readVectors } from './vectors.fixture.ts'

const COUNTER_LAST = 2 ** 32 - 1
const curves: [string, Curve25519][] = [
  ['noble', nobleCurve],
  ['Bun', bunCurve],
]

function met(seed: string): { sender: GroupSender; receiver: GroupReceiver } {
  const sender = new GroupSender(seed)
  return { sender, receiver: new GroupReceiver(sender.distribution()) }
}

/** Refused with this code or one of these, and the receiver's record is what it was. */
async function expectRefused(
  receiver: GroupReceiver,
  ciphertext: Uint8Array,
  ...codes: CryptoErrorCode[]
): Promise<void> {
  const before = receiver.record?.slice()
  try {
    await receiver.receive(ciphertext)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    expect(codes).toContain(error.code)
    expect(receiver.record).toEqual(before)
    return
  }
  throw new Error('the message was accepted')
}

function expectNotAccepted(
  receiver: GroupReceiver,
  distribution: Uint8Array,
  code: CryptoErrorCode,
): void {
  const before = receiver.record?.slice()
  expect(() => receiver.accept(distribution)).toThrow(expect.objectContaining({ code }))
  expect(receiver.record).toEqual(before)
}

describe.each(curves)('a sender key, on the curve by %s', (_, curve) => {
  test('brings each message to every member, once each', async () => {
    const sender = new GroupSender('members')
    const members = [1, 2, 3].map(() => new GroupReceiver(sender.distribution()))
    const texts = ['', 'x', 'sixteen bytes ok', 'é🙂', 'long '.repeat(20_000)]
    for (const text of texts) {
      const { ciphertext } = await sender.send(text, curve)
      for (const member of members) expect(await member.receive(ciphertext, curve)).toBe(text)
      for (const member of members) await expectRefused(member, ciphertext, 'duplicate')
    }
  })

  test('signs so that XEdDSA verifies, with signing keys of either sign', async () => {
    const sender = new GroupSender('signs')
    const signs = new Set<number>()
    for (let round = 0; round < 8; round++) {
      sender.rotate()
      const { signingKey, signBit } = sender.own().chain
      signs.add(signBit)
      const { authenticated, signature } = parseGroupMessage(
        (await sender.send('text', curve)).ciphertext,
      )
      expect(verify(signingKey, authenticated, signature)).toBe(true)
      expect((signature[63] ?? 0) & 0x80).toBe(signBit)
    }
    expect(signs.size).toBe(2)
  })

  test('opens what the official library sent, in any order, from either distribution', async () => {
    const vectors = readVectors<SenderKeyVectors>('libsignal-sender-keys')
    const { distributionId, distribution, messages, lateDistribution, after } = vectors
    const receiver = new GroupReceiver(fromHex(distribution))
    for (const { ciphertext, plaintext } of [...messages, after].reverse()) {
      expect(readGroupMessage(fromHex(ciphertext))).toMatchObject({ distributionId })
      expect(await receiver.receive(fromHex(ciphertext), curve)).toBe(plaintext)
    }
    const late = new GroupReceiver(fromHex(lateDistribution))
    expect(await late.receive(fromHex(after.ciphertext), curve)).toBe(after.plaintext)
  })
})

interface SenderKeyVectors {
  distributionId: string
  distribution: string
  messages: HexMessage[]
  lateDistribution: string
  after: HexMessage
  later: { record: string; opens: HexMessage; refuses: HexMessage }
}
interface HexMessage {
  ciphertext: string
  plaintext: string
}

describe('a sender key', () => {
  test('writes its messages as the official library does', () => {
    const { distribution, messages } = readVectors<SenderKeyVectors>('libsignal-sender-keys')
    const theirs = fromHex(distribution)
    expect(encodeDistribution(parseDistribution(theirs))).toEqual(theirs)
    for (const { ciphertext } of messages) {
      const message = parseGroupMessage(fromHex(ciphertext))
      expect(encodeUnsigned(message)).toEqual(message.authenticated)
    }
  })

  test('makes the same bytes on every backend of the curve', async () => {
    const [one, other] = [new GroupSender('same'), new GroupSender('same')]
    for (let round = 0; round < 4; round++) {
      expect(await one.send('text', nobleCurve)).toEqual(await other.send('text', bunCurve))
      expect(one.record).toEqual(other.record)
    }
  })

  test('is read from a record stored before', async () => {
    const { later } = readVectors<SenderKeyVectors>('libsignal-sender-keys')
    const receiver = new GroupReceiver()
    receiver.record = fromHex(later.record)
    await expectRefused(receiver, fromHex(later.refuses.ciphertext), 'duplicate')
    expect(await receiver.receive(fromHex(later.opens.ciphertext))).toBe(later.opens.plaintext)
  })

  test('says where a message and a distribution belong', async () => {
    const { sender } = met('headers')
    const { chainId } = sender.own().chain
    expect(chainId).toBeLessThan(2 ** 31)
    for (let iteration = 0; iteration < 3; iteration++) {
      const header = { distributionId: GROUP, chainId, iteration }
      expect(readSenderKeyDistribution(sender.distribution())).toEqual(header)
      expect(readGroupMessage((await sender.send('text')).ciphertext)).toEqual(header)
    }
  })

  test('costs 96 bytes to hand out, and 93 more than its ciphertext per message', async () => {
    const { sender } = met('sizes')
    sender.change({ chainId: 2 ** 31 - 1 })
    expect(sender.distribution()).toHaveLength(96)
    expect((await sender.send('text')).ciphertext).toHaveLength(16 + 93)
  })

  test('changes none of the bytes it is given', async () => {
    const { sender, receiver } = met('pure')
    const [own, theirs] = [sender.record, receiver.record as SenderKeyRecord]
    const before = { own: own.slice(), theirs: theirs.slice() }
    const plaintext = utf8('text')
    const input = { record: own, plaintext, curve: bunCurve }
    const { ciphertext } = await encryptGroupMessage(input)
    const kept = ciphertext.slice()
    await decryptGroupMessage({ record: theirs, ciphertext, curve: bunCurve })
    acceptSenderKey({ record: theirs, distribution: new GroupSender('else').distribution() })
    expect({ own, theirs }).toEqual(before)
    expect([plaintext, ciphertext]).toEqual([utf8('text'), kept])
  })

  test('opens what is under way on the chain before, too', async () => {
    const { sender, receiver } = met('rotation')
    const old = await sender.sendMany(3)
    sender.rotate()
    receiver.accept(sender.distribution())
    const fresh = await sender.send('fresh')
    for (const { ciphertext, text } of [fresh, ...old.reverse()]) {
      expect(await receiver.receive(ciphertext)).toBe(text)
    }
  })

  test('is made for a UUID in lower case, and nothing else', () => {
    const random = repeatableRandom('ids')
    for (const distributionId of ['', 'group', GROUP.toUpperCase(), `${GROUP}0`, GROUP.slice(1)]) {
      expect(() => createSenderKey({ distributionId, random })).toThrow(
        expect.objectContaining({ code: 'invalid-argument' }),
      )
    }
  })

  test('of a member neither sends nor is handed on', async () => {
    const { receiver } = met('kinds')
    const record = receiver.record as SenderKeyRecord
    const input = { record, plaintext: utf8('text'), curve: bunCurve }
    const refusal = { code: 'invalid-argument' }
    await expect(encryptGroupMessage(input)).rejects.toMatchObject(refusal)
    expect(() => senderKeyDistribution(record)).toThrow(expect.objectContaining(refusal))
  })

  test('that is used up sends nothing more', async () => {
    const sender = new GroupSender('used up')
    sender.change({ index: COUNTER_LAST - 1 })
    const receiver = new GroupReceiver(sender.distribution())
    const last = await sender.send('last')
    await expect(sender.send('one more')).rejects.toMatchObject({ code: 'no-session' })
    expect(await receiver.receive(last.ciphertext)).toBe('last')
    const beyond = await sender.forge(last.ciphertext, { iteration: COUNTER_LAST })
    await expectRefused(receiver, beyond, 'too-far-ahead')
    await expectRefused(receiver, last.ciphertext, 'duplicate')
  })
})

describe('[E24] keys', () => {
  test('of two sender keys have nothing in common', () => {
    const sender = new GroupSender('fresh')
    const seen = new Set<string>()
    for (let round = 0; round < 20; round++) {
      sender.rotate()
      const { chainId, key, seed, signingKey } = sender.own().chain
      for (const part of [`${chainId}`, toHex(key), toHex(seed), toHex(signingKey)]) {
        expect(seen.has(part)).toBe(false)
        seen.add(part)
      }
    }
  })

  test('are not made of less randomness than asked for', () => {
    for (const short of [0, 3, 31]) {
      const random = (length: number) => new Uint8Array(Math.min(length, short)).fill(7)
      expect(() => createSenderKey({ distributionId: GROUP, random })).toThrow(CryptoError)
    }
  })

  test('[E23] have a name, which comes up again only when a record is used twice', async () => {
    const { sender, receiver } = met('names')
    const names = new Set<string>()
    for (let round = 0; round < 4; round++) {
      receiver.accept(sender.distribution())
      for (let at = 0; at < 3; at++) {
        const record = receiver.record as SenderKeyRecord
        const { ciphertext, messageKeyId } = await sender.send('same text')
        const opened = await decryptGroupMessage({ record, ciphertext, curve: bunCurve })
        expect(opened.messageKeyId).toBe(messageKeyId)
        names.add(messageKeyId)
      }
      sender.rotate()
    }
    expect(names.size).toBe(12)
    sender.change({ chainId: 1, index: 0 })
    names.add((await sender.send('another chain, the same signing key')).messageKeyId)
    sender.change({ chainId: 2, index: 0 })
    names.add((await sender.send('another chain, the same signing key')).messageKeyId)
    expect(names.size).toBe(14)
    const restored = sender.record.slice()
    const { messageKeyId } = await sender.send('before the crash')
    sender.record = restored
    expect((await sender.send('after it')).messageKeyId).toBe(messageKeyId)
  })
})

describe('[E5] a changed message', () => {
  test('is refused whichever bit is changed, and the true one opens then', async () => {
    const { sender, receiver } = met('bits')
    await receiver.receive((await sender.send('first')).ciphertext)
    await sender.send('lost')
    const { ciphertext } = await sender.send('genuine')
    for (let bit = 0; bit < ciphertext.length * 8; bit++) {
      const codes = ['invalid-message', 'unsupported-version', 'no-session'] as const
      await expectRefused(receiver, flipBit(ciphertext, bit), ...codes)
    }
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('is refused cut short and with more at its end', async () => {
    const { sender, receiver } = met('lengths')
    const { ciphertext } = await sender.send('genuine')
    for (let length = 0; length < ciphertext.length; length++) {
      const codes = ['invalid-message', 'unsupported-version'] as const
      await expectRefused(receiver, ciphertext.subarray(0, length), ...codes)
    }
    await expectRefused(receiver, concatBytes(ciphertext, Uint8Array.of(0)), 'invalid-message')
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('is not believed to be used or far ahead before its signature is checked', async () => {
    const { sender, receiver } = met('order')
    const { ciphertext } = await sender.send('used')
    await receiver.receive(ciphertext)
    await expectRefused(receiver, flipBit(ciphertext, 8 * ciphertext.length - 9), 'invalid-message')
    const far = await sender.forge(ciphertext, { iteration: COUNTER_LAST })
    await expectRefused(receiver, flipBit(far, 8 * far.length - 9), 'invalid-message')
    await expectRefused(receiver, far, 'too-far-ahead')
  })

  test('that its sender signed himself is refused when nothing can be decrypted', async () => {
    const { sender, receiver } = met('junk')
    const { ciphertext } = await sender.send('genuine')
    for (const junk of [0, 1, 15, 16, 17, 32]) {
      const forged = await sender.forge(ciphertext, { ciphertext: new Uint8Array(junk) })
      await expectRefused(receiver, forged, 'invalid-message')
    }
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('that comes back to its sender is refused', async () => {
    const { sender } = met('reflected')
    const { ciphertext } = await sender.send('genuine')
    const reflected = new GroupReceiver()
    reflected.record = sender.record
    await expectRefused(reflected, ciphertext, 'invalid-message')
    expectNotAccepted(reflected, sender.distribution(), 'invalid-message')
  })

  test('[E4] of another version is refused, and so is such a distribution', async () => {
    const { sender, receiver } = met('version')
    const { ciphertext } = await sender.send('genuine')
    const distribution = new GroupSender('other version').distribution()
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0x33) continue
      const version = Uint8Array.of(byte)
      const signed = await sender.signed(concatBytes(version, ciphertext.subarray(1, -64)))
      await expectRefused(receiver, signed, 'unsupported-version')
      const relabelled = concatBytes(version, distribution.subarray(1))
      expectNotAccepted(receiver, relabelled, 'unsupported-version')
    }
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })
})

describe('[E6] a message that comes again', () => {
  test('is refused: at once, after a restart, and when the chain has moved on', async () => {
    const { sender, receiver } = met('replay')
    const [first, second, third] = (await sender.sendMany(3)) as [
      SentToGroup,
      SentToGroup,
      SentToGroup,
    ]
    for (const { ciphertext } of [first, third, second]) {
      await receiver.receive(ciphertext)
      receiver.record = receiver.record?.slice()
      await expectRefused(receiver, ciphertext, 'duplicate')
    }
    for (const { ciphertext } of await sender.sendMany(30)) await receiver.receive(ciphertext)
    sender.rotate()
    receiver.accept(sender.distribution())
    await receiver.receive((await sender.send('on the next chain')).ciphertext)
    for (const { ciphertext } of [first, second, third]) {
      await expectRefused(receiver, ciphertext, 'duplicate')
    }
  })

  test('is refused when its chain was handed out again, from whatever place', async () => {
    const { sender, receiver } = met('again')
    const places: Uint8Array[] = []
    const sent: SentToGroup[] = []
    for (let at = 0; at < 8; at++) {
      places.push(sender.distribution())
      sent.push(await sender.send(`message ${at}`))
    }
    const opened = [0, 1, 4]
    for (const at of opened) await receiver.receive(sent[at]?.ciphertext as Uint8Array)
    const before = receiver.record?.slice()
    for (const distribution of places) {
      receiver.accept(distribution)
      expect(receiver.record).toEqual(before)
    }
    for (const [at, { ciphertext, text }] of sent.entries()) {
      if (opened.includes(at)) await expectRefused(receiver, ciphertext, 'duplicate')
      else expect(await receiver.receive(ciphertext)).toBe(text)
    }
  })

  // The server may keep a distribution back until the chain has made room for newer ones.
  test('is refused when its chain is handed out again after it was dropped', async () => {
    const { sender, receiver } = met('dropped')
    const kept = [sender.distribution()]
    const used = await sender.send('once')
    kept.push(sender.distribution())
    await receiver.receive(used.ciphertext)
    const unused = await sender.send('too late')
    for (let round = 1; round < CHAINS_MAX + RETIRED_MAX; round++) {
      sender.rotate()
      receiver.accept(sender.distribution())
      if (round < CHAINS_MAX) continue
      for (const distribution of kept) receiver.accept(distribution)
      await expectRefused(receiver, used.ciphertext, 'no-session')
      await expectRefused(receiver, unused.ciphertext, 'no-session')
    }
    const { chains, retired } = receiver.known()
    expect([chains.length, retired.length]).toEqual([CHAINS_MAX, RETIRED_MAX])
    sender.rotate()
    receiver.accept(sender.distribution())
    expect(receiver.known().retired).toHaveLength(RETIRED_MAX)
  })
})

describe('[E7] a gap', () => {
  test('of 25,000 messages is taken, one of 25,001 is refused', async () => {
    const { sender, receiver } = met('jump')
    sender.skip(FORWARD_JUMP_MAX)
    const [edge, beyond] = (await sender.sendMany(2)) as [SentToGroup, SentToGroup]
    await expectRefused(receiver, beyond.ciphertext, 'too-far-ahead')
    expect(await receiver.receive(edge.ciphertext)).toBe(edge.text)
    expect(await receiver.receive(beyond.ciphertext)).toBe(beyond.text)
  })

  test('of four thousand million messages is refused at once, forged or not', async () => {
    const { sender, receiver } = met('huge jump')
    const { ciphertext } = await sender.send('genuine')
    const far = await sender.forge(ciphertext, { iteration: COUNTER_LAST })
    const forged = await new GroupSender('stranger').signed(far.subarray(0, -64))
    // The fastest of a few: what else the machine does only adds to it.
    const tries: number[] = []
    for (let count = 0; count < 5; count++) {
      const startedMs = performance.now()
      await expectRefused(receiver, far, 'too-far-ahead')
      await expectRefused(receiver, forged, 'invalid-message')
      tries.push(performance.now() - startedMs)
    }
    expect(Math.min(...tries)).toBeLessThan(50)
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('leaves the newest 2,000 keys', async () => {
    const { sender, receiver } = met('skipped')
    const sent = await sender.sendMany(11)
    sender.skip(SKIPPED_KEYS_MAX - 1)
    await receiver.receive((await sender.send('last')).ciphertext)
    expect(skippedKeys(receiver)).toEqual([SKIPPED_KEYS_MAX])
    expect(receiver.record?.length).toBeLessThan(73_000)
    await expectRefused(receiver, sent[9]?.ciphertext as Uint8Array, 'duplicate')
    const { ciphertext, text } = sent[10] as SentToGroup
    expect(await receiver.receive(ciphertext)).toBe(text)
    expect(skippedKeys(receiver)).toEqual([SKIPPED_KEYS_MAX - 1])
  })

  test('leaves no more than 2,000 keys over all chains, and the oldest go first', async () => {
    const sender = new GroupSender('skipped over chains')
    const receiver = new GroupReceiver()
    const chains: SentToGroup[][] = []
    for (let round = 0; round < 3; round++) {
      sender.rotate()
      receiver.accept(sender.distribution())
      const sent = await sender.sendMany(901)
      chains.push(sent)
      await receiver.receive(sent[900]?.ciphertext as Uint8Array)
    }
    expect(skippedKeys(receiver)).toEqual([200, 900, 900])
    const [first = [], second = []] = chains
    await expectRefused(receiver, first[699]?.ciphertext as Uint8Array, 'duplicate')
    for (const message of [first[700], second[0]]) {
      const { ciphertext, text } = message as SentToGroup
      expect(await receiver.receive(ciphertext)).toBe(text)
    }
  })

  test('beyond reach is closed when the chain is handed out again further on', async () => {
    const { sender, receiver } = met('beyond reach')
    const [missed, opened] = (await sender.sendMany(2)) as [SentToGroup, SentToGroup]
    await receiver.receive(opened.ciphertext)
    const reach = 2 + FORWARD_JUMP_MAX
    sender.change({ index: reach, key: sha256(utf8('not what a true sender has')) })
    receiver.accept(sender.distribution())
    expect(receiver.known().chains[0]?.index).toBe(2)
    sender.change({ index: reach + 1, key: sha256(utf8('far ahead')) })
    receiver.accept(sender.distribution())
    const far = await sender.send('far ahead')
    expect(await receiver.receive(far.ciphertext)).toBe('far ahead')
    expect(await receiver.receive(missed.ciphertext)).toBe(missed.text)
    await expectRefused(receiver, opened.ciphertext, 'duplicate')
  })

  function skippedKeys(receiver: GroupReceiver): number[] {
    return receiver.known().chains.map(({ skipped }) => skipped.length / SKIPPED_KEY_BYTES)
  }
})

describe('[E7] the chains of a device', () => {
  test('have the bounds that are written down', () => {
    const bounds = { CHAINS_MAX, RETIRED_MAX, SKIPPED_KEYS_MAX, FORWARD_JUMP_MAX }
    expect(bounds).toEqual({
      CHAINS_MAX: 5,
      RETIRED_MAX: 100,
      SKIPPED_KEYS_MAX: 2_000,
      FORWARD_JUMP_MAX: 25_000,
    })
  })

  test('are the newest five', async () => {
    const sender = new GroupSender('chains')
    const receiver = new GroupReceiver()
    const sent: SentToGroup[] = []
    for (let round = 0; round < CHAINS_MAX + 1; round++) {
      sender.rotate()
      receiver.accept(sender.distribution())
      sent.push(await sender.send(`chain ${round}`))
    }
    const [dropped, ...kept] = sent
    await expectRefused(receiver, dropped?.ciphertext as Uint8Array, 'no-session')
    for (const { ciphertext, text } of kept) expect(await receiver.receive(ciphertext)).toBe(text)
  })

  test('keep their order when an old one is handed out again', async () => {
    const sender = new GroupSender('order of chains')
    const receiver = new GroupReceiver()
    const sent: SentToGroup[] = []
    const distributions: Uint8Array[] = []
    for (let round = 0; round < CHAINS_MAX + 1; round++) {
      sender.rotate()
      distributions.push(sender.distribution())
      sent.push(await sender.send(`chain ${round}`))
    }
    for (const distribution of distributions.slice(0, CHAINS_MAX)) receiver.accept(distribution)
    receiver.accept(distributions[0] as Uint8Array)
    receiver.accept(distributions[CHAINS_MAX] as Uint8Array)
    await expectRefused(receiver, sent[0]?.ciphertext as Uint8Array, 'no-session')
    expect(await receiver.receive(sent[1]?.ciphertext as Uint8Array)).toBe('chain 1')
  })
})

describe('[E12] a rotation', () => {
  test('shuts out whoever has only the chain before', async () => {
    const { sender, receiver: removed } = met('removed')
    const staying = new GroupReceiver(sender.distribution())
    for (const { ciphertext } of await sender.sendMany(3)) await removed.receive(ciphertext)
    const { chainId, signingKey } = removed.known().chains[0] ?? { chainId: 0 }
    sender.rotate()
    staying.accept(sender.distribution())
    for (const { ciphertext, text } of await sender.sendMany(5)) {
      await expectRefused(removed, ciphertext, 'no-session')
      // Not with the old chain's number either, and with the signature left aside.
      const relabelled = await sender.forge(ciphertext, { chainId })
      await expectRefused(removed, relabelled, 'invalid-message')
      const trusting = { ...bunCurve, verify: async () => true }
      await expect(removed.receive(relabelled, trusting).catch(() => 'refused')).resolves.not.toBe(
        text,
      )
      expect(await staying.receive(ciphertext)).toBe(text)
    }
    expect(sender.own().chain.signingKey).not.toEqual(signingKey as Uint8Array)
  })

  test('and whoever comes later opens nothing from before', async () => {
    const sender = new GroupSender('late joiner')
    const before = await sender.sendMany(3)
    const joiner = new GroupReceiver(sender.distribution())
    const after = await sender.sendMany(3)
    for (const { ciphertext } of before) await expectRefused(joiner, ciphertext, 'duplicate')
    for (const { ciphertext, text } of after) expect(await joiner.receive(ciphertext)).toBe(text)
    for (const { ciphertext } of before) await expectRefused(joiner, ciphertext, 'duplicate')
  })
})

describe('[E14] a sender key', () => {
  test('opens nothing that another member signed, who knows the chain as well', async () => {
    const { sender, receiver } = met('other signer')
    const mallory = new GroupSender('mallory')
    const { ciphertext } = await sender.send('genuine')
    const forged = await mallory.signed(ciphertext.subarray(0, -64))
    await expectRefused(receiver, forged, 'invalid-message')
    mallory.change({ ...sender.own().chain, seed: mallory.own().chain.seed, index: 0 })
    await expectRefused(receiver, (await mallory.send('forged')).ciphertext, 'invalid-message')
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('opens no message of another device', async () => {
    const { receiver } = met('one device')
    const { ciphertext } = await new GroupSender('another device').send('text')
    await expectRefused(receiver, ciphertext, 'no-session')
  })

  test('is bound to its group', async () => {
    const { sender, receiver } = met('group')
    const { ciphertext } = await sender.send('genuine')
    const distributionId = new GroupSender('elsewhere', OTHER_GROUP).own().distributionId
    const moved = await sender.forge(ciphertext, { distributionId })
    await expectRefused(receiver, moved, 'invalid-message')
    const known = parseDistribution(sender.distribution())
    expectNotAccepted(receiver, encodeDistribution({ ...known, distributionId }), 'invalid-message')
    const elsewhere = new GroupSender('elsewhere', OTHER_GROUP)
    expectNotAccepted(receiver, elsewhere.distribution(), 'invalid-message')
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('with a known chain id and another signing key is refused', async () => {
    const { sender, receiver } = met('known chain')
    const { ciphertext } = await sender.send('genuine')
    const mallory = new GroupSender('mallory')
    mallory.change({ chainId: sender.own().chain.chainId })
    for (const index of [0, 1, FORWARD_JUMP_MAX + 1, COUNTER_LAST]) {
      mallory.change({ index })
      expectNotAccepted(receiver, mallory.distribution(), 'invalid-message')
    }
    mallory.change({ index: 0 })
    await expectRefused(receiver, (await mallory.send('forged')).ciphertext, 'invalid-message')
    expect(await receiver.receive(ciphertext)).toBe('genuine')
  })

  test('with an unusable signing key is refused', () => {
    const { sender, receiver } = met('signing key')
    const known = parseDistribution(new GroupSender('unusable').distribution())
    const onTwist = fromHex(`0502${'00'.repeat(31)}`)
    const unusable = [
      onTwist,
      fromHex(`05${'00'.repeat(32)}`),
      fromHex(`0501${'00'.repeat(31)}`),
      fromHex(`05${'ff'.repeat(32)}`),
      concatBytes(Uint8Array.of(4), known.signingKey.subarray(1)),
      known.signingKey.subarray(0, 32),
      known.signingKey.subarray(1),
    ]
    for (const signingKey of unusable) {
      const distribution = encodeDistribution({ ...known, signingKey })
      expectNotAccepted(receiver, distribution, 'invalid-key')
      expectNotAccepted(new GroupReceiver(), distribution, 'invalid-key')
    }
    receiver.accept(encodeDistribution(known))
    expect(receiver.known().chains).toHaveLength(2)
    expect(sender.own().chain.chainId).toBe(receiver.known().chains[0]?.chainId as number)
  })
})

describe('[E26] fields', () => {
  test('that are unknown are passed over, and those that are missing refused', async () => {
    const { sender, receiver } = met('fields')
    const { ciphertext } = await sender.send('genuine')
    const message = parseGroupMessage(ciphertext)
    const known = [
      [1, message.distributionId],
      [2, message.chainId],
      [3, message.iteration],
      [4, message.ciphertext],
    ] as const
    const signed = (fields: Parameters<typeof encodeFields>[0]) =>
      sender.signed(concatBytes(Uint8Array.of(0x33), encodeFields(fields)))
    for (const missing of known) {
      const rest = known.filter((field) => field !== missing)
      await expectRefused(receiver, await signed(rest), 'invalid-message')
      const [number, value] = missing
      const retyped = typeof value === 'number' ? new Uint8Array(16) : 1
      await expectRefused(receiver, await signed([...rest, [number, retyped]]), 'invalid-message')
    }
    const short = await signed([[1, message.distributionId.subarray(1)], ...known.slice(1)])
    await expectRefused(receiver, short, 'invalid-message')
    expect(await receiver.receive(await signed([...known, [9, utf8('new')]]))).toBe('genuine')
  })

  test('of a distribution have their lengths', () => {
    const known = parseDistribution(new GroupSender('lengths of fields').distribution())
    const receiver = new GroupReceiver()
    for (const changed of [
      { chainKey: known.chainKey.subarray(1) },
      { chainKey: concatBytes(known.chainKey, Uint8Array.of(0)) },
      { distributionId: known.distributionId.subarray(1) },
    ]) {
      const distribution = encodeDistribution({ ...known, ...changed })
      expectNotAccepted(receiver, distribution, 'invalid-message')
    }
    receiver.accept(encodeDistribution(known))
    expect(receiver.known().chains).toHaveLength(1)
  })
})
