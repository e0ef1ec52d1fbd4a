/**
 * Keeps a socket from falling silent: a Ping every 25 s with jitter, and the end when nothing is
 * heard after one.
 */
import { keepaliveMs } from '@parley/wire'
import { fraction } from './backoff.ts'
import type { Clock, RandomBytes } from '../platform/ports.ts'

const jitter = 0.2
const answerMs = 10_000

export interface KeepaliveOptions {
  clock: Clock
  random: RandomBytes
  ping: () => void
  silent: () => void
}

export class Keepalive {
  readonly #options: KeepaliveOptions
  #cancelPing = () => {}
  #cancelAnswer: (() => void) | undefined

  constructor(options: KeepaliveOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, random } = this.#options
    const delayMs = keepaliveMs * (1 + jitter * (2 * fraction(random) - 1))
    this.#cancelPing = clock.after(delayMs, () => {
      this.check()
      this.start()
    })
  }

  /** Asks for a sign of life now. */
  check(): void {
    this.#options.ping()
    this.#cancelAnswer ??= this.#options.clock.after(answerMs, this.#options.silent)
  }

  /** Anything from the server will do. */
  heard(): void {
    this.#cancelAnswer?.()
    this.#cancelAnswer = undefined
  }

  stop(): void {
    this.#cancelPing()
    this.heard()
  }
}
