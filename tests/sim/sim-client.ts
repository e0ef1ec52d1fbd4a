/**
 * One person's device in the simulation: the real SDK on a database that outlives its crashes, a
 * clock that dies with them, and the simulated network.
 */
import { Database } from 'bun:sqlite'
import { nobleCurve } from '@parley/crypto/reference'
import { openClient } from '@parley/sdk'
import type { Client, SqlDriver, SqlValue, TimelineItem, Transport } from '@parley/sdk'
import { openBunDriver } from '@parley/sdk/bun'
import { ProcessClock } from '@parley/testkit'
import type { SimEnd, SimNetwork, SimRandom, Scheduler } from '@parley/testkit'
import type { AccountId } from '@parley/wire'
import type { ShownChat } from './invariants.ts'
import { plantInRandom } from './plants.ts'
import type { Plant } from './plants.ts'

const timelineLimit = 180

export interface SimClientOptions {
  name: string
  scheduler: Scheduler
  network: SimNetwork
  random: SimRandom
  plant: Plant | undefined
  observeMessageKey: (messageKeyId: string) => void
}

/**
 * A driver that a crash turns off in the middle of whatever its process was doing, before or after
 * a commit.
 */
class CrashingDriver implements SqlDriver {
  readonly #driver: SqlDriver
  /** Transactions until the crash; -1: none is planned. */
  transactionsLeft = -1
  readonly #crash: () => void
  #dead = false

  constructor(driver: SqlDriver, crash: () => void) {
    this.#driver = driver
    this.#crash = crash
  }

  kill(): void {
    this.#dead = true
  }

  #checkAlive(): void {
    if (this.#dead) throw new Error('the simulated process is gone')
  }

  run(sql: string, parameters?: readonly SqlValue[]): void {
    this.#checkAlive()
    this.#driver.run(sql, parameters)
  }

  all<Row>(sql: string, parameters?: readonly SqlValue[]): Row[] {
    this.#checkAlive()
    return this.#driver.all<Row>(sql, parameters)
  }

  transaction<T>(body: () => T): T {
    this.#checkAlive()
    if (this.transactionsLeft > 0) this.transactionsLeft--
    const crashes = this.transactionsLeft === 0
    const outcome = this.#driver.transaction(body)
    if (crashes) {
      this.#crash()
      this.#checkAlive()
    }
    return outcome
  }

  erase(): void {
    this.#checkAlive()
    this.#driver.erase()
  }

  close(): void {
    if (!this.#dead) this.#driver.close()
  }
}

export class SimClient {
  readonly name: string
  readonly database = new Database(':memory:')
  readonly #options: SimClientOptions
  readonly #deviceSeed: number
  #clock: ProcessClock
  #driver: CrashingDriver | undefined
  client: Client | undefined
  account: AccountId | undefined
  /** How far the device's clock is off; survives crashes. */
  skewMs = 0
  crashes = 0

  constructor(options: SimClientOptions) {
    this.name = options.name
    this.#options = options
    this.#deviceSeed = options.random.word()
    this.#clock = new ProcessClock(options.scheduler, 0)
  }

  open(): Client {
    const { scheduler, random, observeMessageKey, plant } = this.#options
    this.#clock = new ProcessClock(scheduler, this.skewMs)
    const driver = new CrashingDriver(openBunDriver(this.database), () => this.crash())
    this.#driver = driver
    const client = openClient({
      driver,
      clock: this.#clock,
      random: plantInRandom(random, this.#deviceSeed, plant).bytes,
      transport: this.#transport(this.#clock),
      curve: nobleCurve,
      server: 'http://parley.sim',
      recordEvents: false,
      observeMessageKey,
    })
    this.client = client
    return client
  }

  /** The process dies here: no timer, socket or database call of it does anything any more. */
  crash(): void {
    if (!this.client && !this.#driver) return
    this.crashes++
    this.#clock.kill()
    this.#driver?.kill()
    this.#driver = undefined
    this.client = undefined
    this.#options.network.cut(this.name)
  }

  /** Dies right after the n-th commit from here. */
  crashAfterCommits(count: number): void {
    if (this.#driver) this.#driver.transactionsLeft = count
  }

  skew(milliseconds: number): void {
    this.skewMs = milliseconds
    this.#clock.skewMs = milliseconds
  }

  /** What this device shows of the chat; undefined while it is down. */
  shown(peer: SimClient): ShownChat | undefined {
    if (!this.client || !peer.account) return undefined
    const items: TimelineItem[] = []
    const query = { conversation: peer.account, around: undefined, limit: timelineLimit }
    items.push(...this.client.timeline(query).getSnapshot().items)
    return { owner: this.name, peer: peer.name, items }
  }

  #transport(clock: ProcessClock): Transport {
    const { network } = this.#options
    const alive = () => clock === this.#clock && this.#driver !== undefined
    return {
      openSocket: (_url, handlers) => {
        const end: SimEnd = network.open(
          this.name,
          {
            message: (bytes) => alive() && handlers.message(bytes),
            closed: (code) => alive() && handlers.closed(code),
          },
          () => alive() && handlers.open(),
        )
        return end
      },
      fetch: (request) => network.fetch(request),
    }
  }
}
