/**
 * A bus that loses, repeats and reorders what it carries, for tests: nobody may lean on more than
 * the port promises.
 */
import type { SimRandom } from '../../../../testkit/src/sim/random.ts'
import type { Bus, BusListener, BusMessage, Topic } from './bus.ts'

export interface BusFaults {
  /** Probabilities. */
  lose: number
  repeat: number
  reorder: number
}

export class LossyBus implements Bus {
  readonly #bus: Bus
  readonly #random: SimRandom
  faults: BusFaults
  #held: { topic: Topic; message: BusMessage } | undefined
  readonly #listeners = new Set<BusListener>()

  constructor(bus: Bus, random: SimRandom, faults: BusFaults) {
    this.#bus = bus
    this.#random = random
    this.faults = faults
  }

  publish(topic: Topic, message: BusMessage): void {
    if (this.#random.chance(this.faults.lose)) return
    if (!this.#held && this.#random.chance(this.faults.reorder)) {
      this.#held = { topic, message }
      return
    }
    this.#bus.publish(topic, message)
    if (this.#random.chance(this.faults.repeat)) this.#bus.publish(topic, message)
    const held = this.#held
    this.#held = undefined
    if (held) this.#bus.publish(held.topic, held.message)
  }

  async subscribe(topic: Topic, listener: BusListener): Promise<void> {
    await this.#bus.subscribe(topic, listener)
    this.#listeners.add(listener)
  }

  unsubscribe(topic: Topic, listener: BusListener): void {
    this.#listeners.delete(listener)
    this.#bus.unsubscribe(topic, listener)
  }

  /** B3: tells everybody that news may have been lost. */
  tellBroken(): void {
    for (const listener of [...this.#listeners]) listener.onBroken()
  }
}
