/** The bus within one process. A publisher runs its subscribers at once; it never breaks. */
import type { Logger } from 'pino'
import type { Bus, BusListener, BusMessage, Topic } from './bus.ts'

export class LocalBus implements Bus {
  readonly #logger: Logger
  /** One listener stands alone, since nearly every topic has one: an account's connection. */
  readonly #topics = new Map<Topic, BusListener | BusListener[]>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  publish(topic: Topic, message: BusMessage): void {
    const listeners = this.#topics.get(topic)
    if (listeners === undefined) return
    if (!Array.isArray(listeners)) return this.#tell(listeners, message)
    // A copy, because a listener may leave while it is told.
    for (const listener of [...listeners]) {
      if (this.#has(topic, listener)) this.#tell(listener, message)
    }
  }

  async subscribe(topic: Topic, listener: BusListener): Promise<void> {
    const others = this.#topics.get(topic)
    if (others === undefined) this.#topics.set(topic, listener)
    else if (Array.isArray(others)) others.push(listener)
    else this.#topics.set(topic, [others, listener])
  }

  unsubscribe(topic: Topic, listener: BusListener): void {
    const listeners = this.#topics.get(topic)
    if (listeners === listener) this.#topics.delete(topic)
    if (!Array.isArray(listeners)) return
    const left = listeners.filter((each) => each !== listener)
    if (left.length === 0) this.#topics.delete(topic)
    else this.#topics.set(topic, left)
  }

  /** Topics that somebody listens to. */
  get topics(): number {
    return this.#topics.size
  }

  #has(topic: Topic, listener: BusListener): boolean {
    const listeners = this.#topics.get(topic)
    return Array.isArray(listeners) ? listeners.includes(listener) : listeners === listener
  }

  /** B1: a listener that fails disturbs nobody else. */
  #tell(listener: BusListener, message: BusMessage): void {
    try {
      listener.onNews(message)
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown'
      this.#logger.error({ kind: message.kind, error: name }, 'a listener of the bus failed')
    }
  }
}
