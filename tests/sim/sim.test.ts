/**
 * A few seeds of the simulation on each run of the tests, that a seed decides everything, and that
 * planted faults are found. `npm run sim` runs more.
 */
import { expect, test } from 'bun:test'
import { plants } from './plants.ts'
import type { Plant } from './plants.ts'
import { runSeed } from './run.ts'

const seedMs = 60_000
const plantMs = 300_000
const seedsInTests = 12
/** They failed once: 45, what one connection's lane had sealed when it was lost was never sent. */
const pinnedSeeds = [45]
const plantSeedsMax = 60

const quiet = () => {}

const firstSeeds = Array.from({ length: seedsInTests }, (_, index) => index + 1)

for (const seed of [...firstSeeds, ...pinnedSeeds]) {
  test(
    `I1-I4 and I7 hold in the storm of seed ${seed}`,
    async () => {
      const outcome = await runSeed({ seed, plant: undefined, tell: quiet })
      expect(outcome.failure).toBeUndefined()
      expect(outcome.sent).toBeGreaterThan(0)
    },
    seedMs,
  )
}

test(
  'one seed always tells one story',
  async () => {
    const story = async () => {
      const lines: string[] = []
      const outcome = await runSeed({
        seed: 77,
        plant: undefined,
        tell: (line) => lines.push(line),
      })
      return { lines, outcome }
    }
    expect(await story()).toEqual(await story())
  },
  seedMs,
)

for (const [name, plant] of Object.entries(plants)) {
  test(
    `a planted fault is found: ${plant.says}`,
    async () => {
      for (let seed = 1; seed <= plantSeedsMax; seed++) {
        const outcome = await runSeed({ seed, plant: name as Plant, tell: quiet })
        if (!outcome.failure) continue
        expect(outcome.failure.invariant).toMatch(/^I[1-7]$/)
        return
      }
      throw new Error(`${name} was not found in ${plantSeedsMax} seeds`)
    },
    plantMs,
  )
}
