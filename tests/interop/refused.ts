// A version without SPQR: nothing of it opens here, nothing of ours opens there, and neither its
// messages nor its bundles leave anything behind.

import { CryptoError, type PreKeyBundle } from '@parley/crypto'
import { refuses } from './conversation.ts'
import { channelOf } from './downgrade.ts'
import { newObserver, type Observations, type Observer } from './observations.ts'
import type { OurParty, PairChannel } from './parties.ts'
import { Dice } from './random.ts'
import type { RunOptions } from './run.ts'

const ROUNDS_MAX = 100
const MESSAGES = 3
const NO_KEY = { id: 0, publicKey: new Uint8Array(0), signature: new Uint8Array(0) }

export async function runRefused(options: RunOptions): Promise<Observations> {
  const observer = newObserver(options.seed)
  const rounds = Math.min(ROUNDS_MAX, options.deliveries)
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(options.seed, round)
    await theyBegin(await channelOf(options, dice), { observer, dice, withKyber: true })
    await theyBegin(await channelOf(options, dice), { observer, dice, withKyber: false })
    await weBegin(await channelOf(options, dice), observer, dice)
  }
  return observer.observations
}

interface Beginning {
  observer: Observer
  dice: Dice
  withKyber: boolean
}

async function theyBegin(
  { parties: { ours, theirs } }: PairChannel,
  { observer, dice, withKyber }: Beginning,
): Promise<void> {
  const bundle = await ours.publish(dice.chance(0.5))
  await (withKyber ? theirs.connect(bundle) : theirs.connectWithoutKyber(bundle))
  for (let i = 0; i < MESSAGES; i++) {
    const message = await theirs.encrypt(dice.bytes(30))
    const isRefused = await refuses(ours, message)
    if (!isRefused) observer.observations.deliveries++
    observer.expect(
      `a first message ${withKyber ? 'with' : 'without'} Kyber and without SPQR is refused, and ` +
        'leaves no session',
      isRefused && ours.record === undefined,
    )
  }
}

async function weBegin(
  { parties: { ours, theirs } }: PairChannel,
  observer: Observer,
  dice: Dice,
): Promise<void> {
  const bundle = await theirs.publish(dice.chance(0.5))
  observer.expect(
    'a bundle without Kyber is refused, and leaves no session',
    await refusesBundle(ours, { ...bundle, kyberPreKey: NO_KEY }),
  )
  await ours.connect(bundle)
  for (let i = 0; i < MESSAGES; i++) {
    const isRefused = await refuses(theirs, await ours.encrypt(dice.bytes(30)))
    if (!isRefused) observer.observations.deliveries++
    observer.expect('a message of ours is not readable there', isRefused)
  }
  const before = ours.record
  await theirs.connect(await ours.publish(dice.chance(0.5)))
  const isRefused = await refuses(ours, await theirs.encrypt(dice.bytes(30)))
  if (!isRefused) observer.observations.deliveries++
  observer.expect(
    'beside a session of ours it is refused too, and the session stays as it was',
    isRefused && ours.record === before,
  )
}

async function refusesBundle(ours: OurParty, bundle: PreKeyBundle): Promise<boolean> {
  try {
    await ours.connect(bundle)
    return false
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    return ours.record === undefined
  }
}
