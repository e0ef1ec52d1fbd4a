/**
 * Who is online, when somebody was last seen, and who types to whom. Kept in memory and told over
 * the bus; losing it never costs a message.
 */
import { inboxOf } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import type { Logger } from 'pino'
import type { Bus, BusMessage } from '../backends/bus/bus.ts'
import type { Clock } from '../clock.ts'

export interface PresenceDeps {
  bus: Bus
  clock: Clock
  logger: Logger
  /** Unix milliseconds; at most `savedAtOnceMax` accounts. */
  saveLastSeen(seenMs: ReadonlyMap<AccountId, number>): Promise<void>
  /** 0 when unknown. */
  loadLastSeen(account: AccountId): Promise<number>
}

export interface PresenceNews {
  account: AccountId
  online: boolean
  /** Unix milliseconds; 0 when unknown. */
  lastSeen: number
}

export interface Presence {
  /** A connection of the account stands. */
  arrived(account: AccountId): void
  /** It is gone; with the last one the account is offline at once. */
  left(account: AccountId): void
  /** Answers with the present state, then with each change, until left. */
  watch(account: AccountId, onNews: (news: PresenceNews) => void): Promise<() => void>
  typing(from: AccountId, to: AccountId, active: boolean): void
  /** Stores what is not stored yet. */
  close(): Promise<void>
}

const saveEveryMs = 5_000
/** When a network goes, thousands leave at once; others are not to wait until all are stored. */
export const savedAtOnceMax = 256
const pauseMs = 20
const unsavedMax = 100_000

export function openPresence(deps: PresenceDeps): Presence {
  return new MemoryPresence(deps)
}

class MemoryPresence implements Presence {
  readonly #deps: PresenceDeps
  /** Connections of each account that is online. */
  readonly #online = new Map<AccountId, number>()
  /** Last seen, not stored yet. */
  readonly #unsaved = new Map<AccountId, number>()
  #cancel: (() => void) | undefined
  #closed = false

  constructor(deps: PresenceDeps) {
    this.#deps = deps
  }

  arrived(account: AccountId): void {
    const connections = this.#online.get(account) ?? 0
    this.#online.set(account, connections + 1)
    if (connections === 0) this.#tell({ account, online: true, lastSeen: this.#deps.clock.now() })
  }

  left(account: AccountId): void {
    const connections = this.#online.get(account) ?? 0
    if (connections > 1) {
      this.#online.set(account, connections - 1)
      return
    }
    if (!this.#online.delete(account)) return
    const lastSeen = this.#deps.clock.now()
    if (this.#unsaved.size < unsavedMax) this.#unsaved.set(account, lastSeen)
    this.#tell({ account, online: false, lastSeen })
    if (!this.#closed) this.#saveLater(saveEveryMs)
  }

  async watch(account: AccountId, onNews: (news: PresenceNews) => void): Promise<() => void> {
    let changed = false
    const { bus } = this.#deps
    const topic = `presence:${account}` as const
    const listener = {
      onNews(message: BusMessage) {
        if (message.kind !== 'presence') return
        changed = true
        const { online, lastSeen } = message
        onNews({ account, online, lastSeen })
      },
      onBroken() {},
    }
    await bus.subscribe(topic, listener)
    const news = await this.#current(account)
    // What the bus told meanwhile is newer.
    if (!changed) onNews(news)
    return () => bus.unsubscribe(topic, listener)
  }

  typing(from: AccountId, to: AccountId, active: boolean): void {
    this.#deps.bus.publish(inboxOf(to), { kind: 'typing', from, active })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    while (this.#unsaved.size > 0) await this.#save()
  }

  async #current(account: AccountId): Promise<PresenceNews> {
    if (this.#online.has(account)) {
      return { account, online: true, lastSeen: this.#deps.clock.now() }
    }
    const unsaved = this.#unsaved.get(account)
    if (unsaved !== undefined) return { account, online: false, lastSeen: unsaved }
    const lastSeen = await this.#deps.loadLastSeen(account).catch(() => 0)
    return { account, online: this.#online.has(account), lastSeen }
  }

  #tell(news: PresenceNews): void {
    this.#deps.bus.publish(`presence:${news.account}`, { kind: 'presence', ...news })
  }

  async #save(): Promise<void> {
    const saved = new Map<AccountId, number>()
    for (const [account, lastSeen] of this.#unsaved) {
      if (saved.size === savedAtOnceMax) break
      saved.set(account, lastSeen)
    }
    try {
      await this.#deps.saveLastSeen(saved)
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown'
      this.#deps.logger.warn({ error: name }, 'last seen was not stored')
    }
    for (const [account, lastSeen] of saved) {
      if (this.#unsaved.get(account) === lastSeen) this.#unsaved.delete(account)
    }
    this.#cancel = undefined
    if (this.#unsaved.size === 0 || this.#closed) return
    this.#saveLater(saved.size === savedAtOnceMax ? pauseMs : saveEveryMs)
  }

  #saveLater(delayMs: number): void {
    this.#cancel ??= this.#deps.clock.after(delayMs, () => {
      void this.#save()
    })
  }
}
