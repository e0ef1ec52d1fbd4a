/**
 * The time that positions are made of: the clock's, and while that is behind what it once was, time
 * goes on from there at its pace. Stamps of clients are held against positions (W13); against ones
 * that stand still a chat's next stamps would be refused.
 */
import type { Clock } from '../../clock.ts'

export interface PositionTimeSource {
  clock: Pick<Clock, 'now'>
  elapsedMs: () => number
}

export class PositionTime {
  readonly #source: PositionTimeSource
  #nowMs: number
  #elapsedMs: number

  /** `lastMs`: of the newest position. */
  constructor(source: PositionTimeSource, lastMs: number) {
    this.#source = source
    this.#nowMs = lastMs
    this.#elapsedMs = source.elapsedMs()
  }

  /** Unix milliseconds; never goes back. */
  now(): number {
    const { clock, elapsedMs } = this.#source
    const passed = Math.max(0, elapsedMs() - this.#elapsedMs)
    this.#elapsedMs += passed
    this.#nowMs = Math.max(clock.now(), this.#nowMs + passed)
    return this.#nowMs
  }
}
