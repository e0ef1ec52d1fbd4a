/** Injected time and timers, so that the simulator can drive the server. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Runs once after the delay unless cancelled. */
  after(delayMs: number, run: () => void): () => void
}

/** A CSPRNG. */
export type RandomBytes = (length: number) => Uint8Array
