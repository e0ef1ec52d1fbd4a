/**
 * One at a time for each key, in the order of asking: work on the ratchets of one person never
 * interleaves.
 */
export class Turns {
  readonly #tails = new Map<string, Promise<void>>()

  /** Callers bound how many wait. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    let finish: () => void = () => {}
    const tail = new Promise<void>((resolve) => {
      finish = resolve
    })
    this.#tails.set(key, tail)
    await before
    try {
      return await work()
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
      finish()
    }
  }

  /** All keys at once; in one order everywhere, so that two callers never wait for each other. */
  takeAll<T>(keys: Iterable<string>, work: () => Promise<T>): Promise<T> {
    const ordered = [...new Set(keys)].sort()
    const from = (index: number): Promise<T> => {
      const key = ordered[index]
      return key === undefined ? work() : this.take(key, () => from(index + 1))
    }
    return from(0)
  }
}
