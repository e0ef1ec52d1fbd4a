/**
 * Positions in a log, and send sequences, which have the same shape: milliseconds since 2026 times
 * 4096 plus a counter, so that they sort and page by time (design: "Position").
 */

/** 2026-01-01T00:00:00Z in milliseconds since the Unix epoch. */
export const positionEpochMs = Date.UTC(2026, 0, 1)
export const positionsPerMs = 4096

/** The smallest position of that millisecond. */
export function positionAt(unixMs: number): number {
  return Math.max(0, Math.floor(unixMs) - positionEpochMs) * positionsPerMs
}

/** Unix milliseconds at which the position was given. */
export function positionTimeMs(position: number): number {
  return Math.floor(position / positionsPerMs) + positionEpochMs
}

/** The next one after `last`: never below it, whatever the clock does. */
export function nextPosition(last: number, unixMs: number): number {
  return Math.max(last + 1, positionAt(unixMs))
}

/** R145: `YYYYMMDDhhmmssSSS` and the counter, as decimal digits. */
export function formatPosition(position: number): string {
  const time = new Date(positionTimeMs(position)).toISOString().replaceAll(/\D/g, '')
  return time + String(position % positionsPerMs).padStart(4, '0')
}
