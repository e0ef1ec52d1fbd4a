// A whole run against the oracle: conversations side by side, one for each way to begin, groups
// with sender keys, and safety numbers. What fails is shrunk before it is reported.

import { pairChannel, newAddress, newUuid } from './parties.ts'
import { type Channel, Conversation, emptyTally, Failure, type Tally } from './conversation.ts'
import { groupChannel } from './group-parties.ts'
import type { Oracle } from './oracle-link.ts'
import type { Curve25519 } from '@parley/crypto'
import { Dice } from './random.ts'
import { compareSafetyNumbers } from './safety-numbers.ts'
import { GROUP, makeMonologue, makeTurn, PAIR, type Schedule, type Traits } from './schedule.ts'
import { shrink } from './shrink.ts'

export interface Problem {
  text: string
  /** Repeats it. */
  schedule?: Schedule
}

export interface Totals extends Tally {
  errors: number
  /** Epochs of the post-quantum ratchet that our side has begun to send in. */
  epochs: number
  recordBytesMax: number
  groupDeliveries: number
  groupDuplicatesRefused: number
  senderKeys: number
  safetyNumbers: number
}

export interface RunResult {
  totals: Totals
  problems: Problem[]
}

export interface RunOptions {
  oracle: Oracle
  curve: Curve25519
  deliveries: number
  seed: number
  /** Puts a fault into a channel, to see that it is found. */
  spoil?: (channel: Channel) => Channel
}

const BEGINNINGS = (['ours', 'theirs', 'both'] as const).flatMap((starts) =>
  [true, false].map((oneTime) => ({ starts, oneTime })),
)
const MONOLOGUE_MAX = 3_000
/** Two groups, in each of which this many arrive at either side: 2 x 300 in all. */
const GROUPS = 2
const GROUP_DELIVERIES = 150
const GROUP_MONOLOGUE = 60
const SAFETY_NUMBERS = 6
/** Streams of a seed: schedules from 0, keys of our side from here. */
const KEY_STREAMS = 1_000

export interface Plan {
  schedule: Schedule
  /** Of a pair in all, of a group to either side. */
  deliveries: number
  /** Messages of one side in a row, at half-way. */
  monologue: number
  traits: Traits
}

export async function runInterop(options: RunOptions): Promise<RunResult> {
  const plans = [...pairPlans(options), ...groupPlans(options)]
  const outcomes = await Promise.all(plans.map((plan) => converse(options, plan)))
  const safety = await compareSafetyNumbers(options.oracle, {
    count: SAFETY_NUMBERS,
    seed: options.seed,
  })
  const found = outcomes.flatMap(({ failed }) => failed ?? [])
  const problems: Problem[] = safety.problems.map((text) => ({ text }))
  for (const failed of found) problems.push(await explain(options, failed))
  const sum = outcomes.map(({ totals }) => totals).reduce(add, noTotals())
  const totals = { ...sum, errors: problems.length, safetyNumbers: safety.compared }
  return { totals, problems }
}

/** Plays a schedule once. */
export async function replay(options: RunOptions, schedule: Schedule): Promise<string | undefined> {
  try {
    const channel = await channelFor(options, schedule)
    const conversation = await Conversation.start(channel, schedule)
    for (const turn of schedule.turns) await conversation.play(turn)
    await conversation.finish()
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error.message
    throw error
  }
}

function pairPlans({ seed, deliveries: all }: RunOptions): Plan[] {
  const deliveries = Math.ceil(all / BEGINNINGS.length)
  const monologue = Math.min(MONOLOGUE_MAX, Math.floor(deliveries / 4))
  return BEGINNINGS.map((beginning, stream) => ({
    schedule: { kind: 'pair', ...beginning, seed, stream, turns: [] },
    deliveries,
    monologue,
    traits: PAIR,
  }))
}

function groupPlans({ seed }: RunOptions): Plan[] {
  return Array.from({ length: GROUPS }, (_, index) => ({
    schedule: {
      kind: 'group',
      starts: 'both',
      oneTime: false,
      seed,
      stream: BEGINNINGS.length + index,
      turns: [],
    },
    deliveries: GROUP_DELIVERIES,
    monologue: GROUP_MONOLOGUE,
    traits: GROUP,
  }))
}

export interface Outcome {
  totals: Totals
  failed: { schedule: Schedule; problem: string } | undefined
}

export async function converse(options: RunOptions, plan: Plan): Promise<Outcome> {
  const { schedule } = plan
  const channel = await channelFor(options, schedule)
  let conversation: Conversation | undefined
  let failed: Outcome['failed']
  try {
    conversation = await Conversation.start(channel, schedule)
    await talk(conversation, plan)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const turns = conversation?.turns ?? []
    failed = { schedule: { ...schedule, turns }, problem: error.message }
  }
  return { totals: totalsOf(channel, conversation?.tally ?? emptyTally()), failed }
}

async function talk(conversation: Conversation, plan: Plan): Promise<void> {
  const { schedule, deliveries, monologue, traits } = plan
  const dice = new Dice(schedule.seed, schedule.stream)
  const turnsMax = 100 + 20 * deliveries
  const { tally, arrived } = conversation
  const progress = () =>
    schedule.kind === 'pair' ? tally.deliveries : Math.min(arrived.ours, arrived.theirs)
  const talkUntil = async (wanted: number) => {
    while (progress() < wanted) {
      if (conversation.turns.length > turnsMax) throw new Failure('the two never came to talk')
      await conversation.play(makeTurn(traits, dice))
    }
  }
  await talkUntil(Math.floor((deliveries - monologue) / 2))
  await conversation.play(makeMonologue(monologue, dice))
  await talkUntil(deliveries)
  await conversation.finish()
}

async function channelFor(options: RunOptions, schedule: Schedule): Promise<Channel> {
  const { oracle, curve, spoil = (channel: Channel) => channel } = options
  const dice = new Dice(schedule.seed, KEY_STREAMS + schedule.stream)
  const addresses = { ours: newAddress(dice), theirs: newAddress(dice) }
  const outside = { oracle, platform: { curve, random: dice.bytes } }
  if (schedule.kind === 'group') {
    const distributionId = newUuid(dice)
    return spoil(await groupChannel({ ...addresses, ...outside, distributionId }))
  }
  return spoil(await pairChannel({ ...addresses, ...outside, oneTime: schedule.oneTime }))
}

export async function explain(
  options: RunOptions,
  failed: { schedule: Schedule; problem: string },
): Promise<Problem> {
  const small = await shrink(failed, (schedule) => replay(options, schedule))
  const { seed, stream, kind, starts, oneTime, turns } = small.schedule
  const how = `${kind}, started by ${starts}${oneTime ? ' with one-time prekey' : ''}`
  const text = [
    `seed ${seed}, stream ${stream} (${how}), ${failed.problem}`,
    `  in ${turns.length} of ${failed.schedule.turns.length} turns, found by playing it ` +
      `${small.reruns} times: ${small.problem}`,
  ].join('\n')
  return { text, schedule: small.schedule }
}

function totalsOf(channel: Channel, tally: Tally): Totals {
  if (!channel.isMutual) {
    return {
      ...noTotals(),
      groupDeliveries: tally.deliveries,
      groupDuplicatesRefused: tally.duplicatesRefused,
      senderKeys: tally.beginnings + 2,
    }
  }
  const { epochs = 0, recordBytesMax = 0 } = channel.parties.ours as Partial<Totals>
  return { ...noTotals(), ...tally, epochs, recordBytesMax }
}

function noTotals(): Totals {
  return {
    ...emptyTally(),
    errors: 0,
    epochs: 0,
    recordBytesMax: 0,
    groupDeliveries: 0,
    groupDuplicatesRefused: 0,
    senderKeys: 0,
    safetyNumbers: 0,
  }
}

export function add(a: Totals, b: Totals): Totals {
  const sum = { ...a }
  for (const name of Object.keys(a) as (keyof Totals)[]) sum[name] = a[name] + b[name]
  return { ...sum, recordBytesMax: Math.max(a.recordBytesMax, b.recordBytesMax) }
}
