/** A value held in memory that listeners can follow; for state that is not in the database. */
import type { LiveQuery } from '../types.ts'

export class LiveValue<T> implements LiveQuery<T> {
  #value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.#value = value
  }

  readonly getSnapshot = (): T => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    // Its own object, so that the same function subscribed twice is called twice and ended once
    // each.
    const entry = () => listener()
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
    }
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }
}
