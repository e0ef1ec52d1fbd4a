/**
 * How long the engine waits before it asks for something again: doubling, bounded, and not the same
 * for all.
 */
import { fraction } from './backoff.ts'
import type { RandomBytes } from '../platform/ports.ts'

export interface DelayRange {
  firstMs: number
  maxMs: number
}

/** Between half of the step and all of it. */
export function retryDelayMs(range: DelayRange, failures: number, random: RandomBytes): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30)
  const stepMs = Math.min(range.maxMs, range.firstMs * 2 ** doublings)
  return Math.round(stepMs * (0.5 + fraction(random) / 2))
}
