/**
 * A bus that loses, repeats and reorders what it carries, for tests: nobody may lean on more than
 * the port promises.
 */
import type { SimRandom } from '../../../../testkit/src/sim/random.ts'
import type { Bus, BusMessage, Topic } from './bus.ts'

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
  readonly #broken = new Set<() => void>()

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

  async subscribe(
    topic: Topic,
    onMessage: (message: BusMessage) => void,
    onBroken: () => void,
  ): Promise<() => void> {
    const leave = await this.#bus.subscribe(topic, onMessage, onBroken)
    this.#broken.add(onBroken)
    return () => {
      this.#broken.delete(onBroken)
      leave()
    }
  }

  /** B3: tells everybody that news may have been lost. */
  tellBroken(): void {
    for (const onBroken of [...this.#broken]) onBroken()
  }
}
