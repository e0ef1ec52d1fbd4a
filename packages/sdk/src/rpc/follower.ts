/**
 * Pushes one live query's snapshots to one tab, never the same twice: the newest only, and one at a
 * time. A tab that draws, or is frozen, says later that it has seen one, and is left as long again;
 * so a backlog costs it, and the engine, a share of their time, however many changes there are.
 */
import type { Clock } from '../platform/ports.ts'
import type { LiveQuery } from '../types.ts'

const frameMs = 16
/** The engine makes a snapshot in this part of its time at most. */
const engineShare = 1 / 5
const restMsMax = 250

export interface FollowerOptions {
  clock: Clock
  query: LiveQuery<unknown>
  push: (value: unknown) => void
  failed: (error: unknown) => void
}

export class Follower {
  readonly #options: FollowerOptions
  #unsubscribe = () => {}
  #pushedAtMs = 0
  /** The next one is pushed then, or later. */
  #nextAtMs = Number.NEGATIVE_INFINITY
  #pushed: { value: unknown } | undefined
  #isUnseen = false
  #isChanged = false
  #cancel: (() => void) | undefined

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  start(): void {
    this.#unsubscribe = this.#options.query.subscribe(() => {
      this.#isChanged = true
      this.#pushSoon()
    })
    this.#push()
  }

  /** The tab has the last one. */
  seen(): void {
    if (!this.#isUnseen) return
    this.#isUnseen = false
    const now = this.#options.clock.now()
    this.#restUntil(now + (now - this.#pushedAtMs))
    if (this.#isChanged) this.#pushSoon()
  }

  end(): void {
    this.#cancel?.()
    this.#unsubscribe()
  }

  #restUntil(atMs: number): void {
    const latestMs = this.#options.clock.now() + restMsMax
    this.#nextAtMs = Math.min(Math.max(this.#nextAtMs, atMs), latestMs)
  }

  #pushSoon(): void {
    if (this.#cancel || this.#isUnseen) return
    const { clock } = this.#options
    const waitMs = this.#nextAtMs - clock.now()
    if (waitMs <= 0 || waitMs > restMsMax) this.#push()
    else this.#cancel = clock.after(waitMs, () => this.#push())
  }

  #push(): void {
    const { clock, failed, push, query } = this.#options
    this.#cancel = undefined
    this.#isChanged = false
    const startMs = clock.now()
    try {
      const value = query.getSnapshot()
      if (this.#pushed && Object.is(this.#pushed.value, value)) return
      this.#pushed = { value }
      this.#isUnseen = true
      push(value)
    } catch (error) {
      failed(error)
    }
    this.#pushedAtMs = clock.now()
    const tookMs = this.#pushedAtMs - startMs
    this.#nextAtMs = startMs + frameMs
    this.#restUntil(startMs + tookMs / engineShare)
  }
}
