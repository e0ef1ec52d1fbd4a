/** The clock of an open loop. */

/**
 * Calls `send` so many times a second, evenly; what a late timer missed is made up at once, so that
 * the rate holds. Returns the function that ends it.
 */
export function spread(perS: number, send: (count: number) => void): () => void {
  const startedAtMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAtMs) / 1000) * perS
    while (sent < due) send(sent++)
  }, 1)
  return () => clearInterval(timer)
}
