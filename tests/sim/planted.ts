/** `--planted`: that the simulation finds a fault of each kind, and in which seed. */
import { plants } from './plants.ts'
import type { Plant } from './plants.ts'
import { runRange } from './range.ts'

export const seedsMax = 200

export interface Found {
  name: Plant
  breaks: string
  /** The first seed that broke what the fault breaks. */
  seed: number
}

export interface PlantedOutcome {
  found: Found[]
  missed: Plant[]
}

/** Tries one fault after the other, each in some seeds at a time. */
export async function findPlanted(
  jobs: number,
  say: (line: string) => void,
): Promise<PlantedOutcome> {
  const found: Found[] = []
  const missed: Plant[] = []
  for (const [key, { breaks, says }] of Object.entries(plants)) {
    const name = key as Plant
    const seed = await findOne(name, breaks, jobs)
    if (seed === undefined) missed.push(name)
    else found.push({ name, breaks, seed })
    const where = seed === undefined ? `not found in ${seedsMax} seeds` : `found by seed ${seed}`
    say(`${breaks}  ${name.padEnd(20)} ${where.padEnd(18)}  ${says}`)
  }
  return { found, missed }
}

async function findOne(plant: Plant, breaks: string, jobs: number): Promise<number | undefined> {
  // Most are found at once; what is not gets more seeds at a time.
  for (let first = 1, last = jobs; first <= seedsMax; first = last + 1, last = 2 * last + jobs) {
    const { failed } = await runRange(
      { first, last: Math.min(last, seedsMax), plant, storm: 'plain', jobs },
      { talks: false, stopsAtFailure: false },
    )
    const hit = failed.find(({ invariant, byCrash }) =>
      breaks === 'I5' ? byCrash : invariant === breaks,
    )
    if (hit) return hit.seed
  }
  return undefined
}
