/** The clock of an open loop. */

/** Timers are not kept more exactly than to a millisecond. */
const tickMs = 1
/** What a late timer missed is made up little by little: twice what is due in a tick, at most. */
const catchUp = 2
/** What was missed for longer than this is left out: the row's rate is what was really sent. */
const missedMsMax = 1_000

/**
 * Calls `send` so many times a second, evenly, with how late it is; a burst would measure how the
 * server takes bursts. Returns the function that ends it.
 */
export function spread(perS: number, send: (count: number, lateMs: number) => void): () => void {
  const everyMs = 1000 / perS
  const perTickMax = Math.ceil((catchUp * tickMs) / everyMs)
  let dueAtMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const nowMs = performance.now()
    dueAtMs = Math.max(dueAtMs, nowMs - missedMsMax)
    for (let count = 0; count < perTickMax && dueAtMs <= nowMs; count++) {
      send(sent++, nowMs - dueAtMs)
      dueAtMs += everyMs
    }
  }, tickMs)
  return () => clearInterval(timer)
}
