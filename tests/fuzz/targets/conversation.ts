/** A conversation of two devices with real sessions, whose messages and records the corpora are. */
import { bunCurve } from '@parley/crypto/bun'
import { decryptMessage } from '../../../packages/crypto/src/receiving.ts'
import {
  type Device,
  repeatableRandom,
  twoDevices,
} from '../../../packages/crypto/src/two-devices.fixture.ts'
import { BrokenPromise } from '../target.ts'
import type { Address, LocalIdentity, SessionRecord } from '../../../packages/crypto/src/types.ts'

/** A message that waits for the one who has this record. */
export interface Waiting {
  record: SessionRecord
  ciphertext: Uint8Array
  /** The writer's record before it wrote that. */
  writer: SessionRecord
}

export interface Conversation {
  alice: Device
  bob: { local: LocalIdentity; remote: Address; nowMs: number; prekeys: Device['prekeys'] }
  /** Alice's, before Bob has anything; with the one-time prekey and without. */
  first: Uint8Array[]
  /** Alice's to Bob, some of them out of order, some turning the ratchet. */
  later: Uint8Array[]
  waiting: Waiting[]
  /** Bob's, of all ages. */
  records: SessionRecord[]
}

/** Fails when the bytes of a record are others after the call, however it ended. */
export async function withUntouched<T>(
  record: Uint8Array | undefined,
  run: () => T | Promise<T>,
): Promise<T> {
  const copy = record?.slice()
  const [outcome] = await Promise.allSettled([(async () => run())()])
  if (!Bun.deepEquals(copy, record))
    throw new BrokenPromise('the record that was given has changed')
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

/** Long enough for SPQR to come round to a new epoch. */
const rounds = 60
const waitingEvery = 8

let conversation: Promise<Conversation> | undefined

/** Once per process: it takes a second or two. */
export function converse(): Promise<Conversation> {
  conversation ??= hold()
  return conversation
}

async function hold(): Promise<Conversation> {
  const { alice, bob } = twoDevices('fuzz')
  const without = twoDevices('fuzz without one-time prekey')
  await without.alice.connect(bob, bob.bundle({ oneTime: false }))
  const lone = await without.alice.send(bob, 'no one-time prekey')
  await alice.connect(bob)
  const opening = await alice.send(bob, 'hello')
  await bob.receive(alice, opening)
  const records = [bob.record as SessionRecord]
  const waiting: Waiting[] = []
  for (let round = 0; round < rounds; round++) {
    await alice.receive(bob, await bob.send(alice, `from Bob ${round}`))
    const lost = await alice.send(bob, 'comes late')
    const writer = alice.record as SessionRecord
    const next = await alice.send(bob, `from Alice ${round}`)
    if (round % waitingEvery === 0) {
      const record = bob.record as SessionRecord
      records.push(record)
      waiting.push({ record, ciphertext: next.ciphertext, writer })
      await bob.receive(alice, next)
      waiting.push({ record: bob.record as SessionRecord, ciphertext: lost.ciphertext, writer })
    } else {
      await bob.receive(alice, next)
    }
  }
  await openAll(bob, alice, waiting)
  const { local, prekeys, nowMs } = bob
  return {
    alice,
    bob: { local, remote: alice.address, nowMs, prekeys },
    first: [opening.ciphertext, lone.ciphertext],
    later: waiting.map(({ ciphertext }) => ciphertext),
    waiting,
    records,
  }
}

/** Each of them opens: a corpus of refusals would be worth little. */
async function openAll(bob: Device, alice: Device, waiting: readonly Waiting[]): Promise<void> {
  for (const { record, ciphertext } of waiting) {
    await decryptMessage({
      ...bob.context(alice.address),
      curve: bunCurve,
      random: repeatableRandom('check'),
      record,
      ciphertext,
    })
  }
}
