/** Lets everything that one simulated event set off come to rest before time goes on. */
import type { SimNetwork } from '@parley/testkit'

const quietTurns = 3
/** A request that waits for simulated time does not end within these; one that waits for a native signature does. */
const busyTurnsMax = 400

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export async function settle(network: SimNetwork): Promise<void> {
  for (let index = 0; index < quietTurns; index++) await turn()
  const before = network.inService
  for (let index = 0; network.inService > 0 && index < busyTurnsMax; index++) {
    await turn()
    if (network.inService < before) index = 0
  }
}
