/**
 * What the SDK needs from where it runs; implemented in *.bun.ts and *.browser.ts, and by the
 * simulator.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, by this device. */
  now(): number
  /** Runs once after the delay unless cancelled. */
  after(delayMs: number, run: () => void): () => void
}

/** A CSPRNG. */
export type RandomBytes = (length: number) => Uint8Array

export interface SocketHandlers {
  open(): void
  message(bytes: Uint8Array): void
  /** Called once, also when it never opened. */
  closed(code: number): void
}

export interface Socket {
  send(bytes: Uint8Array): void
  bufferedBytes(): number
  close(code: number): void
}

/** The network. */
export interface Transport {
  /** A WebSocket with the subprotocol; never throws, failure is `closed`. */
  openSocket(url: string, handlers: SocketHandlers): Socket
  fetch(request: Request): Promise<Response>
  /**
   * Says when the network goes and comes back, where the platform can tell. Returns the function
   * that ends it.
   */
  watch?(changed: (isOnline: boolean) => void): () => void
}

/** What went wrong with the database file. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly reason: 'full' | 'corrupt' | 'newer' | 'busy' | 'failed'
  constructor(reason: 'full' | 'corrupt' | 'newer' | 'busy' | 'failed', message: string) {
    super(message)
    this.reason = reason
  }
}

export type SqlValue = string | number | bigint | Uint8Array | null

/**
 * A synchronous SQLite connection: one owner per file; a transaction cannot span an await because
 * nothing here is asynchronous.
 */
export interface SqlDriver {
  run(sql: string, parameters?: readonly SqlValue[]): void
  all<Row>(sql: string, parameters?: readonly SqlValue[]): Row[]
  /** Commits when `body` returns, rolls back when it throws. Not nested. Throws StoreError. */
  transaction<T>(body: () => T): T
  /** Deletes everything (logout). */
  erase(): void
  close(): void
}
