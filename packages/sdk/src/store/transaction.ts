/** BEGIN, COMMIT and ROLLBACK around a synchronous body, the same for both drivers. */
import { StoreError } from '../platform/ports.ts'

export class Transactions {
  #open = false
  readonly #exec: (sql: string) => void

  constructor(exec: (sql: string) => void) {
    this.#exec = exec
  }

  run<T>(body: () => T): T {
    if (this.#open) throw new StoreError('failed', 'a transaction inside a transaction')
    this.#exec('BEGIN IMMEDIATE')
    this.#open = true
    try {
      const outcome = body()
      if (isPromise(outcome)) throw new StoreError('failed', 'a transaction cannot span an await')
      this.#exec('COMMIT')
      return outcome
    } catch (error) {
      this.#rollBack()
      throw error
    } finally {
      this.#open = false
    }
  }

  /**
   * SQLite has rolled back by itself after some errors, a full disk for one; then there is nothing
   * to end.
   */
  #rollBack(): void {
    try {
      this.#exec('ROLLBACK')
    } catch {
      return
    }
  }
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}
