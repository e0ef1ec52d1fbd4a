/** Runs one seed from set-up to verdict. */
import { InvariantBroken } from './invariants.ts'
import { happenSomething } from './storms.ts'
import { World } from './world.ts'
import type { Failure, RunOptions, RunOutcome } from './world.ts'

/** A seed that fails is run once more without crashes: I5 is what only crashes break. */
export async function runSeed(options: Omit<RunOptions, 'crashes'>): Promise<RunOutcome> {
  const outcome = await runOnce({ ...options, crashes: true })
  const { failure } = outcome
  if (!failure) return outcome
  const calm = await runOnce({ ...options, crashes: false, tell: () => {} })
  return { ...outcome, failure: { ...failure, byCrash: !calm.failure } }
}

async function runOnce(options: RunOptions): Promise<RunOutcome> {
  const world = new World(options)
  const failure = await verdictOf(world)
  world.dispose()
  return {
    seed: options.seed,
    steps: world.steps,
    sent: world.sent.length,
    crashes: world.crashes,
    traceHash: world.traceHash(),
    failure,
    met: world.coverage.met,
  }
}

async function verdictOf(world: World): Promise<Failure | undefined> {
  try {
    await world.setUp()
    await world.storm(happenSomething)
    await world.heal()
    await world.checkHealed()
    return undefined
  } catch (error) {
    const invariant = error instanceof InvariantBroken ? error.invariant : 'none'
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { invariant, message, byCrash: false }
  }
}
