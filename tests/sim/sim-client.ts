/**
 * One person's device in the simulation: the real SDK on a database that outlives its crashes, a
 * clock that dies with them, and the simulated network.
 */
import { nobleCurve } from '@parley/crypto/reference'
import { openClient } from '@parley/sdk'
import type { Client, SqlDriver, SqlValue, TimelineItem, Transport } from '@parley/sdk'
import { ProcessClock, SimDisk } from '@parley/testkit'
import type { DiskImage, SimEnd, SimNetwork, SimRandom, Scheduler } from '@parley/testkit'
import type { AccountId } from '@parley/wire'
import { openWasmDriver } from '../../packages/sdk/src/store/sqlite.browser.ts'
import { storeFinding } from './client-bounds.ts'
import type { Coverage } from './coverage.ts'
import { openDatabase, writeJournalAgain } from './disk/connection.ts'
import { mountDisk, sqlite, unmount } from './disk/vfs.ts'
import type { Mount, SqliteDatabase } from './disk/vfs.ts'
import { Fuse } from './fuse.ts'
import type { Power } from './fuse.ts'
import type { ShownChat } from './invariants.ts'
import { plantInDatabase, plantInDriver, plantInFrame } from './plants.ts'
import type { Plant } from './plants.ts'

const timelineLimit = 180
const profileFile = 'profile.sqlite'

export interface SimClientOptions {
  /** Whose it is. */
  person: string
  /** Of the profile. */
  name: string
  scheduler: Scheduler
  network: SimNetwork
  random: SimRandom
  plant: Plant | undefined
  observeMessageKey: (messageKeyId: string) => void
  coverage: Coverage
}

/** The driver of one process: after its death it does nothing any more. */
class MortalDriver implements SqlDriver {
  readonly #driver: SqlDriver
  readonly mount: Mount
  readonly database: SqliteDatabase
  /** How often what it shows may have changed. */
  commits = 0

  constructor(mount: Mount, plant: Plant | undefined) {
    this.mount = mount
    writeJournalAgain(mount, profileFile)
    this.database = plantInDatabase(openDatabase(mount, profileFile, 'c'), plant)
    this.#driver = openWasmDriver(sqlite, this.database, () => {})
  }

  #checkAlive(): void {
    if (!this.mount.alive) throw new Error('the simulated process is gone')
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
    const outcome = this.#driver.transaction(body)
    this.#checkAlive()
    this.commits++
    return outcome
  }

  erase(): void {
    this.#checkAlive()
    this.#driver.erase()
  }

  close(): void {
    if (this.mount.alive) this.#driver.close()
  }
}

/** A copy of the disk, and how many messages everybody had written until then. */
export interface Copy {
  image: DiskImage
  sent: number
  /** Texts that had no stamp yet. */
  pending: ReadonlySet<string>
}

/** All of it, page by page. */
function readChat(client: Client, conversation: AccountId): TimelineItem[] {
  const query = { conversation, around: undefined, limit: timelineLimit }
  let page = client.timeline(query).getSnapshot()
  const { items } = page
  while (page.moreBefore) {
    const [first] = items
    if (!first) break
    page = client.timeline({ ...query, around: first }).getSnapshot()
    const before = page.items.findIndex(({ id }) => id === first.id)
    items.unshift(...page.items.slice(0, before))
  }
  return items
}

export class SimClient {
  readonly person: string
  readonly name: string
  readonly disk: SimDisk
  /** Burns at each effect of the process; the process dies at its end. */
  readonly fuse: Fuse
  readonly #options: SimClientOptions
  #clock: ProcessClock
  #driver: MortalDriver | undefined
  #mount: Mount | undefined
  readonly #shown = new Map<AccountId, { commits: number; chat: ShownChat }>()
  client: Client | undefined
  account: AccountId | undefined
  copy: Copy | undefined
  /** Counts what makes another device of this profile. */
  era = 0
  /** How far the device's clock is off; survives crashes. */
  skewMs = 0
  crashes = 0
  /** What its person wrote last. */
  lastText = ''

  constructor(options: SimClientOptions) {
    this.person = options.person
    this.name = options.name
    this.#options = options
    this.#clock = new ProcessClock(options.scheduler, 0)
    const { coverage } = options
    this.fuse = new Fuse((power) => this.crash(power))
    this.disk = new SimDisk({
      random: options.random.fork(),
      onOperation: (operation) => this.fuse.burn(coverage, `client: disk ${operation}`),
      onFault: (fault) => coverage.meet('faults', `client: disk ${fault}`),
    })
  }

  open(): Client {
    const { scheduler, random, observeMessageKey, plant } = this.#options
    this.#clock = new ProcessClock(scheduler, this.skewMs)
    const mount = mountDisk(this.disk)
    this.#mount = mount
    const driver = new MortalDriver(mount, plant)
    this.#driver = driver
    const clock = this.#clock
    const client = openClient({
      driver: plantInDriver(driver, plant, {
        now: () => clock.now(),
        account: () => this.account,
      }),
      clock: this.#clock,
      random: random.bytes,
      transport: this.#transport(this.#clock),
      curve: nobleCurve,
      server: 'http://parley.sim',
      recordEvents: false,
      observeMessageKey,
    })
    this.client = client
    this.#shown.clear()
    return client
  }

  /** The process dies here: no timer, socket or database call of it does anything any more. */
  crash(power: Power): void {
    const mount = this.#mount
    if (!mount) return
    this.#options.coverage.meet('faults', `client: killed, power ${power}`)
    this.#end(mount, power)
  }

  #end(mount: Mount, power: Power): void {
    const { network, scheduler } = this.#options
    this.crashes++
    this.fuse.putOut()
    this.#clock.kill()
    mount.alive = false
    if (power === 'goes') this.disk.losePower()
    this.#mount = undefined
    this.#driver = undefined
    this.client = undefined
    // It may have died inside of SQLite.
    scheduler.at(scheduler.nowMs, () => unmount(mount))
    network.cut(this.name)
  }

  heal(): void {
    this.skew(0)
    this.fuse.putOut()
    this.disk.isFull = false
    this.disk.syncsToFail = 0
  }

  dispose(): void {
    const mount = this.#mount
    if (!mount) return
    this.#end(mount, 'stays')
    unmount(mount)
  }

  skew(milliseconds: number): void {
    this.skewMs = milliseconds
    this.#clock.skewMs = milliseconds
  }

  get commits(): number {
    return this.#driver?.commits ?? 0
  }

  /** I9: what is wrong with what it keeps. */
  get finding(): string | undefined {
    return this.#driver && storeFinding(this.#driver.database)
  }

  get device(): string {
    return `${this.name}#${this.era}`
  }

  /** The server has said that this device is not on its account any more. */
  get isRevoked(): boolean {
    return this.client?.account.getSnapshot().kind === 'revoked'
  }

  /** Something was encrypted that the server may not have. False while it is down. */
  get hasUnsent(): boolean {
    const sealed = 'SELECT 1 FROM outbox WHERE frame IS NOT NULL LIMIT 1'
    return (this.#driver?.all(sealed).length ?? 0) > 0
  }

  /** What this device shows of the chat; undefined while it is down. The same until it changes. */
  shown(peer: SimClient): ShownChat | undefined {
    const { account } = peer
    if (!this.client || !account) return undefined
    const known = this.#shown.get(account)
    if (known?.commits === this.commits) return known.chat
    const items = readChat(this.client, account)
    const chat = { owner: this.person, peer: peer.person, items }
    this.#shown.set(account, { commits: this.commits, chat })
    return chat
  }

  #transport(clock: ProcessClock): Transport {
    const { network, plant } = this.#options
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
        const effect = (name: string, run: () => void) => {
          if (alive() && this.fuse.burn(this.#options.coverage, `client: ${name}`)) run()
        }
        return {
          send: (bytes) =>
            effect('frame', () => end.send(plantInFrame(bytes, this.lastText, plant))),
          close: (code) => effect('close', () => end.close(code)),
          bufferedBytes: () => end.bufferedBytes(),
        }
      },
      fetch: (request) => network.fetch(request),
    }
  }
}
