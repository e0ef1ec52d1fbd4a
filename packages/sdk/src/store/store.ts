/**
 * The database of one profile with the news of its changes: transactions collect what they touched,
 * and those who watch are told once, after the commit. Queries are in the files beside this one,
 * one per table.
 */
import type { SqlDriver, SqlValue } from '../platform/ports.ts'
import { migrate } from './schema.ts'

/** What can be watched. `message:` is followed by a chat's id, like `chat:`. */
export type TopicKey =
  | 'account'
  | 'chats'
  | 'events'
  | `chat:${string}`
  | `list:${string}`
  | `timeline:${string}`

export type ChangeListener = (touched: ReadonlySet<TopicKey>) => void

/** What is kept in memory of rows that are read for each message. */
const cachedMax = 512

export class Store {
  readonly #driver: SqlDriver
  readonly #listeners = new Set<ChangeListener>()
  readonly #versions = new Map<TopicKey, number>()
  readonly #cached = new Map<TopicKey, unknown>()
  readonly #beforeCommit = new Map<string, () => void>()
  #touched = new Set<TopicKey>()
  #inTransaction = false

  /** Brings the schema up to date. Throws StoreError. */
  constructor(driver: SqlDriver) {
    this.#driver = driver
    migrate(driver)
  }

  run(sql: string, parameters: readonly SqlValue[] = []): void {
    this.#driver.run(sql, parameters)
  }

  all<Row>(sql: string, parameters: readonly SqlValue[] = []): Row[] {
    return this.#driver.all<Row>(sql, parameters)
  }

  one<Row>(sql: string, parameters: readonly SqlValue[] = []): Row | undefined {
    return this.#driver.all<Row>(sql, parameters)[0]
  }

  /**
   * All or nothing; listeners hear of it after the commit. Inside another one it is a part of that.
   */
  transaction<T>(body: () => T): T {
    if (this.#inTransaction) return body()
    this.#inTransaction = true
    try {
      const outcome = this.#driver.transaction(() => {
        const made = body()
        for (const work of this.#beforeCommit.values()) work()
        return made
      })
      this.#inTransaction = false
      this.#announce()
      return outcome
    } catch (error) {
      this.#touched.clear()
      // What was read inside saw what is undone.
      this.#cached.clear()
      throw error
    } finally {
      this.#beforeCommit.clear()
      this.#inTransaction = false
    }
  }

  /**
   * Work that a transaction needs once, at its end, however many of its changes ask for it under
   * this key; at once when there is none. It must not ask for more.
   */
  beforeCommit(key: string, work: () => void): void {
    if (this.#inTransaction) this.#beforeCommit.set(key, work)
    else work()
  }

  /** What `read` said, until the key is touched: whoever writes such rows has to touch it. */
  cached<T>(key: TopicKey, read: () => T): T {
    if (this.#cached.has(key)) return this.#cached.get(key) as T
    const value = read()
    if (this.#cached.size >= cachedMax) this.#cached.clear()
    this.#cached.set(key, value)
    return value
  }

  /**
   * Says that a query over this key may have another answer: after the commit, or now when there is
   * no transaction.
   */
  touch(...keys: TopicKey[]): void {
    for (const key of keys) {
      this.#touched.add(key)
      this.#cached.delete(key)
    }
    if (!this.#inTransaction) this.#announce()
  }

  versionOf(key: TopicKey): number {
    return this.#versions.get(key) ?? 0
  }

  /** Returns the function that ends it. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Everything that is kept is gone, and an empty schema is there again. */
  erase(): void {
    this.#driver.erase()
    this.#cached.clear()
    migrate(this.#driver)
    for (const key of this.#versions.keys()) this.#touched.add(key)
    this.touch('account', 'chats', 'events')
  }

  close(): void {
    this.#listeners.clear()
    this.#driver.close()
  }

  #announce(): void {
    if (this.#touched.size === 0) return
    const touched = this.#touched
    this.#touched = new Set()
    for (const key of touched) this.#versions.set(key, this.versionOf(key) + 1)
    for (const listener of [...this.#listeners]) listener(touched)
  }
}
