/**
 * How often a message that could not be opened is tried again: each try may cost what a forged
 * counter asks for, and its sender decides how many occasions there are.
 */
const triesMax = 3
/** Messages remembered; beyond, all may be tried anew. */
const rememberedMax = 4_096

export class Retries {
  readonly #tries = new Map<string, number>()

  areSpent(message: string): boolean {
    return (this.#tries.get(message) ?? 0) >= triesMax
  }

  /** One that failed. */
  count(message: string): void {
    if (this.#tries.size >= rememberedMax) this.#tries.clear()
    this.#tries.set(message, (this.#tries.get(message) ?? 0) + 1)
  }
}
