/**
 * The log in memory, for the simulator and for tests: it shows entries late, in order, as a cluster
 * does, so that nobody leans on more than the port promises. What a crash leaves is the store.
 */
import type { DeviceId, LogId } from '@parley/wire'
import { nextPosition } from '@parley/wire'
import type { Logger } from 'pino'
import type { Clock, RandomBytes } from '../../clock.ts'
import { followLog } from './follow.ts'
import type { FollowSource } from './follow.ts'
import { LogUnavailable } from './log.ts'
import type { EntryHandler, Log, LogEntry, LogPage, NewEntry } from './log.ts'

export interface MemoryLogOptions {
  store: MemoryStore
  clock: Clock
  random: RandomBytes
  logger: Logger
  /** An append is answered, and its entry shown, within this time each. */
  delayMsMax: number
  onParked: (() => void) | undefined
}

interface StoredLog {
  entries: LogEntry[]
  head: number
  /** The newest expired position. */
  kept: number
  cursors: Map<DeviceId, number>
  /** Stored ones, and those that can be seen. */
  sequences: Map<DeviceId, number>
  visibleSequences: Map<DeviceId, number>
}
interface StoredEntry {
  entry: LogEntry
  origin: NewEntry['origin']
}

/** What is durable. */
export class MemoryStore {
  readonly logs = new Map<LogId, StoredLog>()
  /** All entries in the order of their positions. */
  entries: StoredEntry[] = []
  last = 0
  /** Entries up to here can be seen. */
  visible = 0
  readonly followers = new Map<string, number>()
  readonly parked = new Set<string>()
  readonly entriesMax: number

  constructor(entriesMax: number) {
    this.entriesMax = entriesMax
  }

  log(id: LogId): StoredLog {
    let log = this.logs.get(id)
    if (!log) {
      const sequences = new Map()
      log = {
        entries: [],
        head: 0,
        kept: 0,
        cursors: new Map(),
        sequences,
        visibleSequences: new Map(),
      }
      this.logs.set(id, log)
    }
    return log
  }
}

export class MemoryLog implements Log {
  readonly #options: MemoryLogOptions
  readonly #store: MemoryStore
  #closed = false
  #refusing = false
  #revealing = false
  #answered = 0
  readonly #unanswered: (() => void)[] = []
  #changed: (() => void)[] = []

  constructor(options: MemoryLogOptions) {
    this.#options = options
    this.#store = options.store
    this.#revealNext()
  }

  append(log: LogId, entry: NewEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal()
      if (refusal) return reject(refusal)
      this.#keep(log, entry)
      this.#answer(resolve)
      this.#revealNext()
    })
  }

  async read(log: LogId, after: number, limit: number): Promise<LogPage> {
    const { entries, kept } = this.#store.log(log)
    const found = entries.filter(
      ({ position }) => position > after && position <= this.#store.visible,
    )
    const expiredUpTo = kept > after ? kept : 0
    return { entries: found.slice(0, limit), expiredUpTo, atEnd: found.length <= limit }
  }

  async heads(logs: readonly LogId[]): Promise<number[]> {
    return logs.map((id) => {
      const { entries, kept } = this.#store.log(id)
      const newest = entries.findLast(({ position }) => position <= this.#store.visible)
      return newest?.position ?? kept
    })
  }

  follow(follower: string, handle: EntryHandler, signal: AbortSignal): Promise<void> {
    const { clock, logger, onParked } = this.#options
    const options = { follower, handle, signal, clock, logger, onParked: onParked ?? (() => {}) }
    return followLog(this.#followSource(), options)
  }

  commit(log: LogId, device: DeviceId, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError())
      const { cursors } = this.#store.log(log)
      cursors.set(device, Math.max(position, cursors.get(device) ?? 0))
      this.#answer(resolve)
    })
  }

  async cursors(log: LogId): Promise<ReadonlyMap<DeviceId, number>> {
    return new Map(this.#store.log(log).cursors)
  }

  async lastSequence(device: DeviceId, log: LogId | undefined): Promise<number> {
    if (log !== undefined) return this.#store.log(log).visibleSequences.get(device) ?? 0
    let last = 0
    for (const { visibleSequences } of this.#store.logs.values()) {
      last = Math.max(last, visibleSequences.get(device) ?? 0)
    }
    return last
  }

  async trim(before: number): Promise<void> {
    const count = firstAfter(this.#store.entries, before - 1)
    for (const { entry } of this.#store.entries.splice(0, count)) {
      const log = this.#store.log(entry.log)
      log.entries.shift()
      log.kept = entry.position
    }
  }

  /** Takes and shows nothing more. */
  async kill(): Promise<void> {
    this.#closed = true
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** L2: who was refused learns of it before anything more is taken. */
  #refusal(): LogUnavailable | undefined {
    if (this.#closed) return closedError()
    if (!this.#refusing && this.#store.entries.length < this.#store.entriesMax) return undefined
    if (!this.#refusing) {
      this.#refusing = true
      this.#options.clock.after(0, () => {
        this.#refusing = false
      })
    }
    return new LogUnavailable('full', 'The message log is full.')
  }

  #keep(id: LogId, { origin, body }: NewEntry): void {
    const store = this.#store
    const log = store.log(id)
    if (origin) {
      if (origin.sequence <= (log.sequences.get(origin.device) ?? 0)) return
      log.sequences.set(origin.device, origin.sequence)
    }
    const position = nextPosition(store.last, this.#options.clock.now())
    const entry = { log: id, position, prev: log.head, body }
    store.last = position
    log.head = position
    log.entries.push(entry)
    store.entries.push({ entry, origin })
  }

  /** In the order of the calls: whose time has come takes along those before it. */
  #answer(resolve: () => void): void {
    this.#unanswered.push(resolve)
    const turn = this.#answered + this.#unanswered.length
    this.#options.clock.after(this.#delayMs(), () => {
      if (this.#closed) return
      while (this.#answered < turn) {
        this.#answered++
        this.#unanswered.shift()?.()
      }
    })
  }

  #revealNext(): void {
    const { store, clock } = this.#options
    if (this.#revealing || store.visible >= store.last) return
    this.#revealing = true
    const upTo = store.last
    clock.after(this.#delayMs(), () => {
      if (this.#closed) return
      this.#revealing = false
      this.#reveal(upTo)
      this.#revealNext()
    })
  }

  #reveal(upTo: number): void {
    const { entries, visible } = this.#store
    for (let index = firstAfter(entries, visible); index < entries.length; index++) {
      const { entry, origin } = entries[index] as StoredEntry
      if (entry.position > upTo) break
      if (!origin) continue
      this.#store.log(entry.log).visibleSequences.set(origin.device, origin.sequence)
    }
    this.#store.visible = upTo
    const changed = this.#changed
    this.#changed = []
    for (const run of changed) run()
  }

  #delayMs(): number {
    const [byte = 0] = this.#options.random(1)
    return Math.floor((this.#options.delayMsMax * byte) / 255)
  }

  #followSource(): FollowSource {
    const store = this.#store
    return {
      committed: (follower) => store.followers.get(follower) ?? 0,
      entriesAfter: (after, limit) => this.#visibleAfter(after, limit),
      commitFollower: (follower, position) => {
        if (!this.#closed) store.followers.set(follower, position)
      },
      park: async (follower, position) => {
        if (!this.#closed) store.parked.add(`${follower} ${position}`)
      },
      whenChanged: (run) => this.#changed.push(run),
    }
  }

  #visibleAfter(after: number, limit: number): LogEntry[] {
    if (this.#closed) return []
    const { entries, visible } = this.#store
    const first = firstAfter(entries, after)
    const page = entries.slice(first, first + limit).map(({ entry }) => entry)
    return page.filter(({ position }) => position <= visible)
  }
}

/** Index of the first entry after the position. */
function firstAfter(entries: readonly StoredEntry[], position: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.entry.position ?? 0) <= position) low = middle + 1
    else high = middle
  }
  return low
}

function closedError(): LogUnavailable {
  return new LogUnavailable('closed', 'The message log is closed.')
}
