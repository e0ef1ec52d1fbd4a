// A small repeatable generator (sfc32) for the schedule of a run, and for our side's key material
// in it: a run is told again by its seed. Never for anything but tests.

import type { RandomBytes } from '@parley/crypto'

export class Dice {
  readonly #state: Uint32Array

  /** `stream` gives independent generators for one seed. */
  constructor(seed: number, stream: number) {
    this.#state = Uint32Array.of(seed, stream, 0x9e3779b9, 1)
    for (let i = 0; i < 16; i++) this.uint32()
  }

  uint32(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state
    const result = (a + b + counter) >>> 0
    this.#state[0] = b ^ (b >>> 9)
    this.#state[1] = c + (c << 3)
    this.#state[2] = ((c << 21) | (c >>> 11)) + result
    this.#state[3] = counter + 1
    return result
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * below)
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 2 ** 32
  }

  readonly bytes: RandomBytes = (length) => Uint8Array.from({ length }, () => this.uint32() >>> 24)
}
