/** Runs one seed from set-up to verdict. */
import { happenSomething } from './happenings.ts'
import { InvariantBroken } from './invariants.ts'
import { World } from './world.ts'
import type { RunOptions, RunOutcome } from './world.ts'

export async function runSeed(options: RunOptions): Promise<RunOutcome> {
  const world = new World(options)
  const outcome = (failure: RunOutcome['failure']): RunOutcome => ({
    seed: options.seed,
    steps: world.steps,
    sent: world.sent.length,
    crashes: world.crashes,
    traceHash: world.traceHash(),
    failure,
  })
  try {
    await world.setUp()
    await world.storm(happenSomething)
    await world.heal()
    world.checkHealed()
    return outcome(undefined)
  } catch (error) {
    const invariant = error instanceof InvariantBroken ? error.invariant : 'none'
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return outcome({ invariant, message })
  } finally {
    world.dispose()
  }
}
