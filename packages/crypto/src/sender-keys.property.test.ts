// [E6], [E7] Any loss, reordering and duplication of group messages and of the distributions that
// carry their keys: each message opens once, and right, or is refused. And any bytes at all: nothing
// but a CryptoError comes of them, and no state changes.

import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { bunCurve } from './curve.bun.ts'
import { CryptoError, type CryptoErrorCode } from './errors.ts'
import { CHAINS_MAX, decodeSenderKeyRecord, encodeSenderKeyRecord } from './sender-key-record.ts'
import { GroupReceiver, GroupSender, type SentToGroup } from './sender-keys.fixture.ts'
import {
  acceptSenderKey,
  decryptGroupMessage,
  encryptGroupMessage,
  readGroupMessage,
  readSenderKeyDistribution,
  senderKeyDistribution,
} from './sender-keys.ts'

const SEED = 11
const DELAY_MAX = 25

/** What the sender does, how often it arrives (0 to 2), and how many steps later. */
const stepArbitrary = fc.record({
  act: fc.oneof(
    { weight: 8, arbitrary: fc.constant('send' as const) },
    { weight: 2, arbitrary: fc.constant('rotate' as const) },
    { weight: 2, arbitrary: fc.constant('hand out' as const) },
  ),
  arrivals: fc.constantFrom(0, 1, 1, 1, 1, 2),
  delay: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: DELAY_MAX })),
})

interface UnderWay {
  chain: number
  iteration: number
  due: number
  carries: { distribution: Uint8Array } | { sent: SentToGroup }
}

/** What the receiver ought to know: chains in the order of their coming, and what it opened. */
class Expected {
  readonly #accepted = new Map<number, number>()
  readonly opened = new Set<string>()

  accept({ chain, iteration }: UnderWay): void {
    if (!this.#accepted.has(chain)) this.#accepted.set(chain, iteration)
  }

  refusal({ chain, iteration }: UnderWay, text: string): CryptoErrorCode | undefined {
    const kept = [...this.#accepted].slice(-CHAINS_MAX)
    const [, from] = kept.find(([each]) => each === chain) ?? []
    if (from === undefined) return 'no-session'
    return iteration < from || this.opened.has(text) ? 'duplicate' : undefined
  }
}

test('[E6] [E7] any schedule over rotations opens each message at most once, and right', async () => {
  const schedules = fc.array(stepArbitrary, { minLength: 1, maxLength: 80, size: 'max' })
  const seen = { openings: 0, duplicates: 0, unknown: 0, retired: 0 }
  const property = fc.asyncProperty(schedules, async (steps) => {
    const sender = new GroupSender('schedule')
    const receiver = new GroupReceiver(sender.distribution())
    const expected = new Expected()
    expected.accept({
      chain: 0,
      iteration: 0,
      due: 0,
      carries: { distribution: new Uint8Array(0) },
    })
    let chain = 0
    let underWay: UnderWay[] = []
    for (const [at, { act, arrivals, delay }] of steps.entries()) {
      if (act === 'rotate') {
        sender.rotate()
        chain += 1
      }
      const { index: iteration } = sender.own().chain
      const carries =
        act === 'send'
          ? { sent: await sender.send(`message ${at}`) }
          : { distribution: sender.distribution() }
      for (let copy = 0; copy < arrivals; copy++) {
        underWay.push({ chain, iteration, carries, due: at + delay * (copy + 1) })
      }
      const due = underWay.filter((each) => each.due <= at)
      underWay = underWay.filter((each) => each.due > at)
      for (const each of due.reverse()) await arrive(each)
    }
    for (const each of underWay) await arrive(each)
    seen.retired += receiver.known().retired.length

    async function arrive(each: UnderWay): Promise<void> {
      if ('distribution' in each.carries) {
        receiver.accept(each.carries.distribution)
        expected.accept(each)
        return
      }
      const { ciphertext, text } = each.carries.sent
      const code = expected.refusal(each, text)
      const before = receiver.record?.slice()
      if (code === undefined) {
        expect(await receiver.receive(ciphertext)).toBe(text)
        expect(encodeSenderKeyRecord(receiver.known())).toEqual(receiver.record as Uint8Array)
        expected.opened.add(text)
        seen.openings += 1
      } else {
        await expect(receiver.receive(ciphertext)).rejects.toMatchObject({ code })
        expect(receiver.record).toEqual(before)
        seen[code === 'duplicate' ? 'duplicates' : 'unknown'] += 1
      }
    }
  })
  await fc.assert(property, { seed: SEED, numRuns: 80 })
  // That the schedules come to all of it.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100)
}, 60_000)

async function onlyCryptoErrors(act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
  }
}

/** Any bytes, or these with others in the place of some. */
function anythingLike(genuine: Uint8Array): fc.Arbitrary<Uint8Array> {
  const mangled = fc
    .tuple(fc.nat({ max: genuine.length }), fc.uint8Array({ maxLength: 40 }), fc.boolean())
    .map(([at, bytes, cut]) => {
      const rest = genuine.subarray(cut ? at : at + bytes.length)
      return Uint8Array.from([...genuine.subarray(0, at), ...bytes, ...rest])
    })
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), mangled)
}

test('[E26] any bytes in place of a group message are refused with a CryptoError', async () => {
  const sender = new GroupSender('fuzz')
  const receiver = new GroupReceiver(sender.distribution())
  const { ciphertext: genuine } = await sender.send('genuine')
  const record = receiver.record as Uint8Array
  const property = fc.asyncProperty(anythingLike(genuine), async (ciphertext) => {
    fc.pre(Buffer.compare(ciphertext, genuine) !== 0)
    const opening = decryptGroupMessage({ record, ciphertext, curve: bunCurve })
    await expect(opening).rejects.toBeInstanceOf(CryptoError)
    await onlyCryptoErrors(() => readGroupMessage(ciphertext))
  })
  await fc.assert(property, { seed: SEED, numRuns: 1_500 })
  expect(await receiver.receive(genuine)).toBe('genuine')
}, 60_000)

test('[E26] any bytes in place of a distribution give a CryptoError or a readable record', async () => {
  const sender = new GroupSender('distribution fuzz')
  const { record } = new GroupReceiver(new GroupSender('known').distribution())
  const property = fc.asyncProperty(anythingLike(sender.distribution()), async (distribution) => {
    await onlyCryptoErrors(() => readSenderKeyDistribution(distribution))
    await onlyCryptoErrors(() => {
      const accepted = acceptSenderKey({ record, distribution })
      expect(encodeSenderKeyRecord(decodeSenderKeyRecord(accepted))).toEqual(accepted)
    })
  })
  await fc.assert(property, { seed: SEED, numRuns: 1_500 })
}, 60_000)

test('[E26] any bytes in place of a record are refused with a CryptoError', async () => {
  const sender = new GroupSender('record fuzz')
  const receiver = new GroupReceiver(sender.distribution())
  await sender.sendMany(3)
  await receiver.receive((await sender.send('known')).ciphertext)
  const { ciphertext } = await sender.send('genuine')
  const distribution = sender.distribution()
  for (const genuine of [receiver.record as Uint8Array, sender.record]) {
    const property = fc.asyncProperty(anythingLike(genuine), async (record) => {
      const curve = bunCurve
      await onlyCryptoErrors(() => decryptGroupMessage({ record, ciphertext, curve }))
      await onlyCryptoErrors(() => acceptSenderKey({ record, distribution }))
      await onlyCryptoErrors(() => encryptGroupMessage({ record, plaintext: ciphertext, curve }))
      await onlyCryptoErrors(() => senderKeyDistribution(record))
      await onlyCryptoErrors(() => {
        expect(encodeSenderKeyRecord(decodeSenderKeyRecord(record))).toEqual(record)
      })
    })
    await fc.assert(property, { seed: SEED, numRuns: 600 })
  }
}, 60_000)
