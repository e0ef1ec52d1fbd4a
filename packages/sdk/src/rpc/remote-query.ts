/**
 * A live query of the engine as a tab holds it: followed while somebody listens, and a little
 * longer, so that going back and forth costs nothing.
 */
import type { Clock } from '../platform/ports.ts'
import type { LiveQuery } from '../types.ts'

const lingerMs = 5_000

export interface RemoteQueryOptions {
  clock: Clock
  follow: () => void
  /** Nobody has listened for a while, or ever. */
  end: () => void
}

export class RemoteQuery<T> implements LiveQuery<T | undefined> {
  readonly #options: RemoteQueryOptions
  readonly #listeners = new Set<() => void>()
  #value: T | undefined
  #followed = false
  #cancelEnd: (() => void) | undefined

  constructor(options: RemoteQueryOptions) {
    this.#options = options
    this.#endLater()
  }

  readonly getSnapshot = (): T | undefined => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    const entry = () => listener()
    this.#listeners.add(entry)
    this.#begin()
    return () => {
      if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#endLater()
    }
  }

  push(value: T): void {
    this.#value = value
    for (const listener of [...this.#listeners]) listener()
  }

  #begin(): void {
    this.#cancelEnd?.()
    this.#cancelEnd = undefined
    if (this.#followed) return
    this.#followed = true
    this.#options.follow()
  }

  #endLater(): void {
    this.#cancelEnd = this.#options.clock.after(lingerMs, () => {
      this.#cancelEnd = undefined
      this.#followed = false
      // What is not followed grows old; the next listener waits for a fresh one.
      this.#value = undefined
      this.#options.end()
    })
  }
}
