/**
 * Hop 4: follows the log and publishes each entry, with the position before it, to the connections
 * of its account.
 */
import type { Bus } from '../backends/bus/bus.ts'
import type { Log } from '../backends/log/log.ts'

const follower = 'deliver'

/** Runs until the signal aborts. */
export function startDelivery(deps: { log: Log; bus: Bus }, signal: AbortSignal): Promise<void> {
  const { log, bus } = deps
  return log.follow(
    follower,
    async (entries) => {
      for (const entry of entries) {
        bus.publish(entry.log, { kind: 'entry', entry })
      }
    },
    signal,
  )
}
