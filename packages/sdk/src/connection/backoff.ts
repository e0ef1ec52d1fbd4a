/**
 * Waiting times between tries: exponential, bounded and random, so that many clients do not come
 * back at once. Backoff is for the connection, retryDelayMs for single requests.
 */
import type { RandomBytes } from '../platform/ports.ts'

const firstMs = 500
/** A server that is back is found again within this; one that is overrun says how long to wait. */
const longestMs = 12_000
/** Even the luckiest draw leaves the server this much. */
const shortestMs = 50

export class Backoff {
  #step = 0
  readonly #random: RandomBytes

  constructor(random: RandomBytes) {
    this.#random = random
  }

  nextMs(): number {
    const ceilingMs = Math.min(longestMs, firstMs * 2 ** this.#step)
    if (ceilingMs < longestMs) this.#step += 1
    return Math.max(shortestMs, Math.floor(fraction(this.#random) * ceilingMs))
  }

  reset(): void {
    this.#step = 0
  }
}

/** Uniform in [0, 1). */
export function fraction(random: RandomBytes): number {
  const bytes = random(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
}

export interface DelayRange {
  firstMs: number
  maxMs: number
}

/**
 * How long the engine waits before it asks for something again: between half of the step and all of
 * it.
 */
export function retryDelayMs(range: DelayRange, failures: number, random: RandomBytes): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30)
  const stepMs = Math.min(range.maxMs, range.firstMs * 2 ** doublings)
  return Math.round(stepMs * (0.5 + fraction(random) / 2))
}
