/** The bus within one process. A publisher runs its subscribers at once; it never breaks. */
import type { Logger } from 'pino'
import type { Bus, BusMessage, Topic } from './bus.ts'

interface Subscriber {
  onMessage: (message: BusMessage) => void
}

export class LocalBus implements Bus {
  readonly #logger: Logger
  /** One subscriber stands alone, since nearly every topic has one: an account's connection. */
  readonly #topics = new Map<Topic, Subscriber | Subscriber[]>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  publish(topic: Topic, message: BusMessage): void {
    const subscribers = this.#topics.get(topic)
    if (subscribers === undefined) return
    if (!Array.isArray(subscribers)) return this.#tell(subscribers, message)
    // A copy, because a subscriber may leave while it is told.
    for (const subscriber of [...subscribers]) {
      if (this.#has(topic, subscriber)) this.#tell(subscriber, message)
    }
  }

  async subscribe(topic: Topic, onMessage: (message: BusMessage) => void): Promise<() => void> {
    const subscriber = { onMessage }
    const others = this.#topics.get(topic)
    if (others === undefined) this.#topics.set(topic, subscriber)
    else if (Array.isArray(others)) others.push(subscriber)
    else this.#topics.set(topic, [others, subscriber])
    return () => this.#remove(topic, subscriber)
  }

  /** Topics that somebody listens to. */
  get topics(): number {
    return this.#topics.size
  }

  #has(topic: Topic, subscriber: Subscriber): boolean {
    const subscribers = this.#topics.get(topic)
    return Array.isArray(subscribers)
      ? subscribers.includes(subscriber)
      : subscribers === subscriber
  }

  #remove(topic: Topic, subscriber: Subscriber): void {
    const subscribers = this.#topics.get(topic)
    if (subscribers === subscriber) this.#topics.delete(topic)
    if (!Array.isArray(subscribers)) return
    const left = subscribers.filter((each) => each !== subscriber)
    if (left.length === 0) this.#topics.delete(topic)
    else this.#topics.set(topic, left)
  }

  /** B1: a subscriber that fails disturbs nobody else. */
  #tell(subscriber: Subscriber, message: BusMessage): void {
    try {
      subscriber.onMessage(message)
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown'
      this.#logger.error({ kind: message.kind, error: name }, 'a subscriber of the bus failed')
    }
  }
}
