/**
 * A bucket that holds `burst` and gets one back per `refillMs`, as one number: when it is full
 * again.
 */
export interface BucketSize {
  burst: number
  refillMs: number
}

export class Bucket {
  #fullAtMs = 0

  /**
   * Takes so many, or says how long to wait. A clock that was set back gives a full bucket, never a
   * long wait.
   */
  take(size: BucketSize, count: number, nowMs: number): number {
    const burstMs = size.burst * size.refillMs
    const valid = this.#fullAtMs > nowMs && this.#fullAtMs <= nowMs + burstMs
    const fullAtMs = (valid ? this.#fullAtMs : nowMs) + count * size.refillMs
    const waitMs = fullAtMs - nowMs - burstMs
    if (waitMs > 0) return Math.ceil(waitMs)
    this.#fullAtMs = fullAtMs
    return 0
  }
}
