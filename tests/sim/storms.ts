/** Which storms there are: what may happen in each, and how often. */
import { copyProfile, copyServer, registerAnew, restoreProfile, restoreServer } from './devices.ts'
import { happenings } from './happenings.ts'
import type { Happening } from './happenings.ts'
import {
  guessCodes,
  harvestNumbers,
  strangeList,
  strangeRequest,
  strangeSocket,
} from './stranger.ts'
import { longQuiet, pourOut, serverStops, startAgain, vanish } from './upheavals.ts'
import type { World } from './world.ts'

type Row = { weight: number; happen: Happening }

const wide: readonly Row[] = [
  ...happenings,
  { weight: 6, happen: startAgain },
  { weight: 2, happen: serverStops },
  { weight: 2, happen: vanish },
  { weight: 0.5, happen: longQuiet },
  { weight: 0.3, happen: pourOut },
  { weight: 5, happen: strangeRequest },
  { weight: 5, happen: strangeSocket },
  { weight: 1, happen: strangeList },
  { weight: 1, happen: guessCodes },
  { weight: 0.3, happen: harvestNumbers },
  { weight: 2, happen: registerAnew },
  { weight: 3, happen: copyProfile },
  { weight: 3, happen: restoreProfile },
  { weight: 3, happen: copyServer },
  { weight: 2, happen: restoreServer },
]

/**
 * `plain` is the one that the first seeds were pinned in, so that they tell their stories for ever.
 */
export const storms = { plain: happenings, wide } as const satisfies Record<string, readonly Row[]>

export type StormName = keyof typeof storms

/** Picks one by weight and lets it happen. */
export async function happenSomething(world: World): Promise<void> {
  const table: readonly Row[] = storms[world.options.storm]
  const total = table.reduce((sum, row) => sum + row.weight, 0)
  let left = world.random.below(total)
  for (const row of table) {
    left -= row.weight
    if (left < 0) return row.happen(world)
  }
}
