/** How long something has been going on. */

/** Each call says the seconds since it was made, whatever is done to the clock meanwhile. */
export function stopwatch(): () => number {
  const startedMs = performance.now()
  return () => (performance.now() - startedMs) / 1000
}
