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
    const state = this.#state
    const b = state[1] ?? 0
    const c = state[2] ?? 0
    const counter = state[3] ?? 0
    const result = ((state[0] ?? 0) + b + counter) >>> 0
    state[0] = b ^ (b >>> 9)
    state[1] = c + (c << 3)
    state[2] = ((c << 21) | (c >>> 11)) + result
    state[3] = counter + 1
    return result
  }

  /** An integer from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * below)
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 2 ** 32
  }

  readonly bytes: RandomBytes = (length) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at++) bytes[at] = this.uint32() >>> 24
    return bytes
  }
}
