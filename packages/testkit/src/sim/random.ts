/**
 * Seeded randomness of the simulator: xoshiro128** (Blackman and Vigna), seeded by splitmix32. One
 * seed decides everything.
 */
export class SimRandom {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    let mixed = seed >>> 0
    for (let index = 0; index < 4; index++) {
      mixed = (mixed + 0x9e3779b9) >>> 0
      let word = mixed
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
      this.#state[index] = (word ^ (word >>> 15)) >>> 0
    }
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const mixedC = c ^ a
    const mixedD = d ^ b
    this.#state[1] = b ^ mixedC
    this.#state[0] = a ^ mixedD
    this.#state[2] = mixedC ^ (b << 9)
    this.#state[3] = (mixedD << 11) | (mixedD >>> 21)
    return result
  }

  /** An integer from 0 to below `bound`. */
  below(bound: number): number {
    return Math.floor((this.word() / 2 ** 32) * bound)
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.word() / 2 ** 32 < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /**
   * A source of its own for one part of the world, so that one part's use does not shift another's.
   */
  fork(): SimRandom {
    return new SimRandom(this.word())
  }

  readonly bytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    for (let index = 0; index < length; index++) bytes[index] = this.word() & 255
    return bytes
  }
}
