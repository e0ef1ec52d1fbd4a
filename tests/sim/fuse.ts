/**
 * Where a process dies: after so many effects. An effect is whatever the world outside can see, a
 * write, a sync, a frame; between two of them a crash at any await comes to the same.
 */
import type { Coverage } from './coverage.ts'

export type Power = 'stays' | 'goes'

export class Fuse {
  readonly #crash: (power: Power) => void
  /** Effects until the crash; -1: none is planned. */
  #left = -1
  #power: Power = 'stays'

  constructor(crash: (power: Power) => void) {
    this.#crash = crash
  }

  /** Dies instead of its n-th effect from here. */
  light(effects: number, power: Power): void {
    this.#left = effects
    this.#power = power
  }

  putOut(): void {
    this.#left = -1
  }

  /** Called before each effect; false when the process dies before it. */
  burn(coverage: Coverage, effect: string): boolean {
    if (this.#left < 0 || --this.#left > 0) return true
    coverage.meet('crashed before', effect)
    this.#left = -1
    this.#crash(this.#power)
    return false
  }
}
