/**
 * What one connection has to do with presence: whom it watches, and how often it may say that it
 * types. Most connections have none of it.
 */
import { presenceSubscriptionsMax } from '@parley/wire'
import type { AccountId, ServerFrame } from '@parley/wire'
import { Bucket } from './bucket.ts'
import type { Host } from './host.ts'

interface PresenceOutlet {
  sendFrame(frame: ServerFrame): void
}

/** Accounts that were not in the set before: each is a read. */
const newlyWatched = { burst: 256, refillMs: 100 }
const typingFrames = { burst: 8, refillMs: 500 }

export class Watching {
  readonly #host: Host
  readonly #outlet: PresenceOutlet
  readonly #stops = new Map<AccountId, () => void>()
  #wanted: ReadonlySet<AccountId> = new Set()
  #closed = false
  readonly #typing = new Bucket()
  readonly #watched = new Bucket()

  constructor(host: Host, outlet: PresenceOutlet) {
    this.#host = host
    this.#outlet = outlet
  }

  /** Replaces the watched set, unless there is a reason to close. Calls must not overlap. */
  async replace(accounts: readonly AccountId[]): Promise<'badFrame' | 'overloaded' | undefined> {
    const wanted = new Set(accounts)
    if (wanted.size > presenceSubscriptionsMax) return 'badFrame'
    const added = [...wanted].filter((account) => !this.#stops.has(account)).length
    if (this.#watched.take(newlyWatched, added, this.#host.clock.now()) > 0) return 'overloaded'
    this.#wanted = wanted
    for (const [account, stop] of this.#stops) {
      if (wanted.has(account)) continue
      stop()
      this.#stops.delete(account)
    }
    for (const account of wanted) {
      if (!this.#stops.has(account)) await this.#watch(account)
    }
    return undefined
  }

  /** Dropped without a word when it comes too often. */
  mayType(): boolean {
    return this.#typing.take(typingFrames, 1, this.#host.clock.now()) === 0
  }

  close(): void {
    this.#closed = true
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
  }

  async #watch(account: AccountId): Promise<void> {
    const stop = await this.#host.presence.watch(account, ({ online, lastSeen }) => {
      if (this.#closed || !this.#wanted.has(account)) return
      this.#outlet.sendFrame({ kind: 'presence', account, online, lastSeen })
    })
    if (this.#closed) stop()
    else this.#stops.set(account, stop)
  }
}
