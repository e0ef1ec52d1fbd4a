// A whole run against the oracle: several conversations side by side, one for each way to begin.

import {
  Conversation,
  type ConversationStart,
  emptyTally,
  type Plan,
  type Tally,
} from './conversation.ts'
import { startOracle } from './oracle-client.ts'
import { Dice } from './random.ts'

export interface RunOptions {
  oracle: string
  deliveries: number
  seed: number
  report: (problem: string) => void
}

const BEGINNINGS = (['ours', 'theirs', 'both'] as const).flatMap((starts) =>
  [true, false].map((oneTime) => ({ starts, oneTime })),
)
const MONOLOGUE_MAX = 3_000

export async function runInterop(options: RunOptions): Promise<Tally> {
  await using oracle = startOracle(options.oracle)
  const deliveries = Math.ceil(options.deliveries / BEGINNINGS.length)
  const monologue = Math.min(MONOLOGUE_MAX, Math.floor(deliveries / 4))
  const tallies = await Promise.all(
    BEGINNINGS.map(async (beginning, index) => {
      const plan: Plan = { ...beginning, deliveries, monologue }
      const dice = new Dice(options.seed, index)
      const report = (problem: string) =>
        options.report(`seed ${options.seed}, ${nameOf(plan)}, ${problem}`)
      return converse({ plan, dice, oracle, report })
    }),
  )
  return tallies.reduce(add, emptyTally())
}

/** A conversation that cannot go on counts as one error, and the others go on. */
async function converse(start: ConversationStart): Promise<Tally> {
  try {
    const conversation = await Conversation.start(start)
    return await conversation.run()
  } catch (error) {
    start.report(String(error))
    return { ...emptyTally(), errors: 1 }
  }
}

function nameOf({ starts, oneTime }: Plan): string {
  return `started by ${starts} with${oneTime ? '' : 'out'} one-time prekey`
}

function add(a: Tally, b: Tally): Tally {
  return {
    deliveries: a.deliveries + b.deliveries,
    errors: a.errors + b.errors,
    dropped: a.dropped + b.dropped,
    duplicatesRefused: a.duplicatesRefused + b.duplicatesRefused,
    delayed: a.delayed + b.delayed,
    restarts: a.restarts + b.restarts,
    resets: a.resets + b.resets,
    epochs: a.epochs + b.epochs,
    recordBytesMax: Math.max(a.recordBytesMax, b.recordBytesMax),
  }
}
