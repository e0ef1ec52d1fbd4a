/**
 * Pushes one live query's snapshots to one tab: at once when the last is a frame ago, else at the
 * end of the frame, and never the same twice.
 */
import type { Clock } from '../platform/ports.ts'
import type { LiveQuery } from '../types.ts'

const frameMs = 16

export interface FollowerOptions {
  clock: Clock
  query: LiveQuery<unknown>
  push: (value: unknown) => void
  failed: (error: unknown) => void
}

export class Follower {
  readonly #options: FollowerOptions
  #unsubscribe = () => {}
  #pushedAtMs = Number.NEGATIVE_INFINITY
  #pushed: { value: unknown } | undefined
  #cancel: (() => void) | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  start(): void {
    this.#unsubscribe = this.#options.query.subscribe(() => this.#changed())
    this.#push()
  }

  end(): void {
    this.#cancel?.()
    this.#unsubscribe()
  }

  #changed(): void {
    if (this.#cancel) return
    const { clock } = this.#options
    const waitMs = this.#pushedAtMs + frameMs - clock.now()
    if (waitMs <= 0 || waitMs > frameMs) this.#push()
    else this.#cancel = clock.after(waitMs, () => this.#push())
  }

  #push(): void {
    const { clock, failed, push, query } = this.#options
    this.#cancel = undefined
    this.#pushedAtMs = clock.now()
    try {
      const value = query.getSnapshot()
      if (this.#pushed && Object.is(this.#pushed.value, value)) return
      this.#pushed = { value }
      push(value)
    } catch (error) {
      failed(error)
    }
  }
}
