/**
 * Simulated time. The scheduler runs one event after the other; each process (a server, a client)
 * sees time through a clock of its own, which may be skewed and dies with the process.
 */
interface Scheduled {
  atMs: number
  order: number
  run: () => void
}

/** A binary heap by (time, order of scheduling). */
export class Scheduler {
  /** Simulated Unix milliseconds. */
  nowMs: number
  #order = 0
  readonly #heap: Scheduled[] = []

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** Clocks show whole milliseconds, so time goes on in those. */
  at(atMs: number, run: () => void): void {
    const wholeMs = Math.ceil(Math.max(atMs, this.nowMs))
    this.#heap.push({ atMs: wholeMs, order: this.#order++, run })
    this.#rise(this.#heap.length - 1)
  }

  get pending(): number {
    return this.#heap.length
  }

  /** When the next event is due; undefined when there is none. */
  get nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const next = this.#heap[0]
    const last = this.#heap.pop()
    if (!next || !last) return false
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink(0)
    }
    this.nowMs = next.atMs
    next.run()
    return true
  }

  #before(left: number, right: number): boolean {
    const a = this.#heap[left] as Scheduled
    const b = this.#heap[right] as Scheduled
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  }

  #swap(left: number, right: number): void {
    const heap = this.#heap
    const kept = heap[left] as Scheduled
    heap[left] = heap[right] as Scheduled
    heap[right] = kept
  }

  #rise(start: number): void {
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#before(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #sink(start: number): void {
    let index = start
    for (;;) {
      const left = index * 2 + 1
      const right = left + 1
      let least = index
      if (left < this.#heap.length && this.#before(left, least)) least = left
      if (right < this.#heap.length && this.#before(right, least)) least = right
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }
}

/** The clock of one process: fits the Clock ports of server and SDK. */
export class ProcessClock {
  readonly #scheduler: Scheduler
  #alive = true
  /** How far this process's clock is off. */
  skewMs: number

  constructor(scheduler: Scheduler, skewMs: number) {
    this.#scheduler = scheduler
    this.skewMs = skewMs
  }

  now(): number {
    return this.#scheduler.nowMs + this.skewMs
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false
    this.#scheduler.at(this.#scheduler.nowMs + delayMs, () => {
      if (!cancelled && this.#alive) run()
    })
    return () => {
      cancelled = true
    }
  }

  /** The process is gone: none of its timers fires any more. */
  kill(): void {
    this.#alive = false
  }
}
