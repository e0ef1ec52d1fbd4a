// [E7] Any loss, reordering and duplication: each message opens once or is refused cleanly. And
// any bytes at all: nothing but a CryptoError comes of them, and no state changes.

import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { toHex } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { parsePreKeyMessage, parseRatchetMessage } from './messages.ts'
import { decodeRecord, decodeSession, encodeRecord, encodeSession } from './session-record.ts'
import { decryptMessage, decryptPreKeyMessage, readPreKeyMessage } from './receiving.ts'
import { archiveSession, hasUsableSession } from './sessions.ts'
import { acquainted, ALICE, type Device, NOW_MS, twoDevices } from './two-devices.fixture.ts'
import type { Encrypted, SessionRecord } from './types.ts'

const SEED = 7
const DELAY_MAX = 12

/** Each step: who sends, how often it arrives (0 to 2), how many steps later, a reset first? */
const stepArbitrary = fc.record({
  fromAlice: fc.boolean(),
  arrivals: fc.constantFrom(0, 1, 1, 1, 1, 2),
  delay: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: DELAY_MAX })),
  reset: fc.integer({ min: 0, max: 19 }).map((face) => face === 0),
})

interface UnderWay {
  to: Device
  from: Device
  sealed: Encrypted
  text: string
  due: number
}

test('[E7] any schedule delivers each message once, and right', async () => {
  const schedules = fc.array(stepArbitrary, { minLength: 1, maxLength: 60 })
  const property = fc.asyncProperty(schedules, async (steps) => {
    const { alice, bob } = twoDevices('schedule')
    await alice.connect(bob)
    let underWay: UnderWay[] = []
    const opened = new Set<string>()
    const usedKeys = new Set<string>()
    for (const [at, step] of steps.entries()) {
      const [from, to] = step.fromAlice ? [alice, bob] : [bob, alice]
      if (from.record === undefined) continue
      if (step.reset) await from.connect(to)
      const text = `message ${at}`
      const sealed = await from.send(to, text)
      expect(usedKeys.has(sealed.messageKeyId)).toBe(false)
      usedKeys.add(sealed.messageKeyId)
      for (let copy = 0; copy < step.arrivals; copy++) {
        underWay.push({ to, from, sealed, text, due: at + step.delay * (copy + 1) })
      }
      const due = underWay.filter((message) => message.due <= at)
      underWay = underWay.filter((message) => message.due > at)
      for (const message of due.reverse()) await arrive(message, opened)
    }
    for (const message of underWay) await arrive(message, opened)
  })
  await fc.assert(property, { seed: SEED, numRuns: 60 })
}, 60_000)

async function arrive({ to, from, sealed, text }: UnderWay, opened: Set<string>): Promise<void> {
  const before = to.record?.slice()
  if (opened.has(text)) {
    await expect(to.receive(from, sealed)).rejects.toMatchObject({ code: 'duplicate' })
    expect(to.record).toEqual(before)
  } else {
    expect(await to.receive(from, sealed)).toBe(text)
    expect(toHex(reencode(to.record ?? new Uint8Array(0)))).toBe(toHex(to.record as Uint8Array))
    opened.add(text)
  }
}

function reencode(record: SessionRecord): SessionRecord {
  const list = decodeRecord(record)
  const sessions = list.sessions.map((bytes) => encodeSession(decodeSession(bytes)))
  return encodeRecord({ ...list, sessions })
}

async function onlyCryptoErrors(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
  }
}

test('[E26] any bytes in place of a message are refused with a CryptoError', async () => {
  const { alice, bob } = await acquainted('fuzz')
  const { ciphertext } = await alice.send(bob, 'genuine')
  const context = bob.context(ALICE)
  const record = bob.record ?? new Uint8Array(0)
  const mangled = fc
    .tuple(fc.nat({ max: ciphertext.length }), fc.uint8Array({ maxLength: 40 }), fc.boolean())
    .map(([at, bytes, cut]) => {
      const rest = ciphertext.subarray(cut ? at : at + bytes.length)
      return Uint8Array.from([...ciphertext.subarray(0, at), ...bytes, ...rest])
    })
  const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), mangled)
  const property = fc.asyncProperty(anyBytes, async (bytes) => {
    fc.pre(toHex(bytes) !== toHex(ciphertext))
    const input = { ...context, record, ciphertext: bytes }
    await expect(decryptMessage(input)).rejects.toBeInstanceOf(CryptoError)
    const first = decryptPreKeyMessage({ ...input, prekeys: undefined })
    await expect(first).rejects.toBeInstanceOf(CryptoError)
    for (const parse of [readPreKeyMessage, parsePreKeyMessage, parseRatchetMessage]) {
      await onlyCryptoErrors(() => parse(bytes))
    }
  })
  await fc.assert(property, { seed: SEED, numRuns: 1_000 })
}, 60_000)

test('[E26] any bytes in place of a record are refused with a CryptoError', async () => {
  const { alice, bob } = await acquainted('record fuzz')
  const record = bob.record ?? new Uint8Array(0)
  const { ciphertext } = await alice.send(bob, 'genuine')
  const spoiled = fc.tuple(fc.nat({ max: record.length - 1 }), fc.integer({ min: 1, max: 255 }))
  const property = fc.asyncProperty(spoiled, fc.boolean(), async ([at, change], cut) => {
    const bytes = cut ? record.slice(0, at) : record.slice()
    if (!cut) bytes[at] = (bytes[at] ?? 0) ^ change
    const input = { ...bob.context(ALICE), record: bytes, ciphertext }
    await onlyCryptoErrors(() => decryptMessage(input))
    await onlyCryptoErrors(() => hasUsableSession(bytes, NOW_MS))
    await onlyCryptoErrors(() => archiveSession(bytes))
    await onlyCryptoErrors(() => reencode(bytes))
    if (cut) await expect(decryptMessage(input)).rejects.toMatchObject({ code: 'invalid-state' })
  })
  await fc.assert(property, { seed: SEED, numRuns: 400 })
}, 60_000)
