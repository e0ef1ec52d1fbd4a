/**
 * One simulated run: a server, a few people, a network, and a schedule of what people and bad luck
 * do, all decided by one seed. After the storm everything heals, and the invariants must hold.
 */
import { ProcessClock, Scheduler, SimNetwork, SimRandom } from '@parley/testkit'
import type { DiskImage } from '@parley/testkit'
import { Coverage } from './coverage.ts'
import type { Met } from './coverage.ts'
import { restartRandomness } from './disk/vfs.ts'
import {
  checkAllArrived,
  checkConverged,
  checkNothingLost,
  checkOrder,
  checkShownOnce,
  excusesOf,
  InvariantBroken,
  MessageKeys,
  ShownBefore,
} from './invariants.ts'
import type { Past, Sent, ShownChat } from './invariants.ts'
import { nameMarker } from './markers.ts'
import type { Plant } from './plants.ts'
import { mend } from './devices.ts'
import { settle } from './settle.ts'
import { SimClient } from './sim-client.ts'
import type { Copy } from './sim-client.ts'
import { SimServer } from './sim-server.ts'
import type { StormName } from './storms.ts'
import { bounds, Witness } from './witness.ts'

/** 2026-03-01T00:00:00Z. */
const startMs = Date.UTC(2026, 2, 1)
const stormMs = 90_000
/** A limit may ask for ten minutes, and after that for ten more. */
const healMsMax = 3_600_000
const stepsMax = 400_000
const people = ['ada', 'ben', 'cleo'] as const
/** In the wide storm, the server of one seed in so many counts requests (S10, S11). */
const limitedEvery = 4
/** Of a connection: so many frames or KiB at once, and one more per so many milliseconds. */
const units = { burst: 400, refillMs: 10 }
/** A client may have as many sends on their way as it likes, up to its window. */
const queue = { queuedFramesMax: 300, queuedBytesMax: 1024 * 1024 }
const calm = { delayMsMax: 20, cut: 0, lose: 0 }

export interface RunOutcome {
  seed: number
  steps: number
  sent: number
  crashes: number
  /** Same seed, same hash: the run is decided by the seed alone. */
  traceHash: string
  failure: Failure | undefined
  met: Met
}

export interface Failure {
  invariant: string
  message: string
  /** The same seed holds when nobody dies in it. */
  byCrash: boolean
}

export interface RunOptions {
  seed: number
  plant: Plant | undefined
  /** Without, nobody dies: what still breaks is not for a crash's sake (I5). */
  crashes: boolean
  storm: StormName
  /** Hears what happens, for the story of one seed. */
  tell: (line: string) => void
}

const phoneOf = (index: number) => `+4915112345${String(index).padStart(3, '0')}`

function raise(error: Error): never {
  throw error
}

export class World {
  readonly random: SimRandom
  readonly scheduler = new Scheduler(startMs)
  readonly network: SimNetwork
  readonly witness: Witness
  readonly server: SimServer
  /** Of each person the profile in use. */
  readonly clients: SimClient[]
  /** Profiles that another one has taken the place of, and who may still run. */
  readonly ghosts: SimClient[] = []
  /** By person. */
  readonly pasts = new Map<string, Past>()
  readonly sent: Sent[] = []
  serverCopy: DiskImage | undefined
  /** By person. */
  readonly recoveryKeys = new Map<string, string>()
  readonly keys = new MessageKeys()
  readonly coverage = new Coverage()
  readonly options: RunOptions
  readonly #trace = new Bun.CryptoHasher('sha256')
  readonly #shownBefore = new ShownBefore()
  readonly #checked = new WeakSet<ShownChat>()
  #commits = 0
  #stormEndsAtMs = 0
  steps = 0
  /** What went wrong inside an event; thrown at the next step. */
  #failure: Error | undefined

  constructor(options: RunOptions) {
    this.options = options
    restartRandomness()
    this.random = new SimRandom(options.seed)
    this.network = new SimNetwork(this.scheduler, this.random.fork())
    this.network.weather = calm
    const broken = (error: Error) => this.guard(() => raise(error))
    const tell = (line: string) => this.tell(line)
    const { coverage } = this
    const { plant } = options
    const isWide = options.storm === 'wide'
    this.witness = new Witness({ random: this.random.fork(), coverage, broken, tell, plant })
    this.network.watch = this.witness
    this.server = new SimServer({
      scheduler: this.scheduler,
      network: this.network,
      random: this.random.fork(),
      plant,
      coverage,
      witness: this.witness,
      limited: isWide && options.seed % limitedEvery === 0,
      gatewayLimits: isWide ? { ...bounds, ...queue, units } : bounds,
      broken,
      tell,
    })
    this.clients = people.map((person) => {
      this.pasts.set(person, { profile: person, since: 0, rootSince: 0 })
      return this.newProfile(person, person)
    })
  }

  newProfile(person: string, name: string): SimClient {
    return new SimClient({
      person,
      name,
      scheduler: this.scheduler,
      network: this.network,
      random: this.random.fork(),
      plant: this.options.plant,
      coverage: this.coverage,
      observeMessageKey: (id) => this.guard(() => this.keys.record(name, id)),
    })
  }

  /** From here on the person uses this profile, which may lack what was shown before. */
  use(profile: SimClient, { newRoot }: { newRoot: boolean }): void {
    const { person, name } = profile
    const index = this.clients.findIndex((client) => client.person === person)
    const before = this.clients[index]
    const since = this.sent.length
    const rootSince = newRoot ? since : (this.pasts.get(person)?.rootSince ?? 0)
    this.pasts.set(person, { profile: name, since, rootSince })
    this.#shownBefore.forget(person)
    profile.era++
    if (!before || before === profile) return
    this.clients[index] = profile
    this.ghosts.splice(this.ghosts.indexOf(profile) >>> 0, 1)
    this.ghosts.push(before)
  }

  pendingOf(profile: SimClient): Set<string> {
    const items = [...this.chats()].flatMap(({ owner, chat }) =>
      owner === profile ? (chat?.items ?? []) : [],
    )
    const texts = items.map(({ body, status }) =>
      status === 'pending' && body.kind === 'text' ? [body.text] : [],
    )
    return new Set(texts.flat())
  }

  /** The profile is in the state that it had when `sent` messages had been written. */
  putBack(profile: SimClient, { sent, pending }: Pick<Copy, 'sent' | 'pending'>): void {
    const past = this.pasts.get(profile.person)
    this.pasts.set(profile.person, {
      profile: profile.name,
      since: this.sent.length,
      rootSince: past?.rootSince ?? 0,
    })
    this.#shownBefore.forget(profile.person)
    profile.era++
    for (const [index, message] of this.sent.entries()) {
      if (message.profile !== profile.name) continue
      if (index >= sent) message.forgotten = true
      else if (pending.has(message.text)) message.restamped = true
    }
  }

  wrote(message: { from: SimClient; to: SimClient; text: string; id: string | undefined }): void {
    const { from, to, text, id } = message
    const { name: profile, device } = from
    const people = { from: from.person, to: to.person }
    this.sent.push({ ...people, text, id, profile, device, forgotten: false, restamped: false })
  }

  get excuses() {
    return excusesOf(this.sent, this.pasts)
  }

  get crashes(): number {
    const everybody = [...this.clients, ...this.ghosts]
    return this.server.crashes + everybody.reduce((sum, client) => sum + client.crashes, 0)
  }

  traceHash(): string {
    return this.#trace.digest('hex').slice(0, 16)
  }

  tell(line: string): void {
    this.#trace.update(line)
    const seconds = ((this.scheduler.nowMs - startMs) / 1000).toFixed(3).padStart(9)
    this.options.tell(`${seconds}  ${line}`)
  }

  /** Keeps a broken invariant for the loop that can report it. */
  guard(body: () => void): void {
    try {
      body()
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  /** Work that a simulated person or process does; its end is awaited by settling, not by time. */
  begin(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.tell(`  refused: ${String(error)}`))
  }

  /** Work that may be refused or come to nothing without anybody minding. */
  beginQuietly(work: Promise<unknown>): void {
    work.catch(() => {})
  }

  /** The storm lasts longer by what passes in it without anything happening. */
  async beQuiet(forMs: number): Promise<void> {
    this.#stormEndsAtMs += forMs
    await this.runUntil(this.scheduler.nowMs + forMs)
  }

  async runUntil(atMs: number): Promise<void> {
    while ((this.scheduler.nextAtMs ?? Number.POSITIVE_INFINITY) <= atMs) await this.step()
    this.scheduler.nowMs = Math.max(this.scheduler.nowMs, atMs)
  }

  async step(): Promise<void> {
    if (++this.steps > stepsMax) throw new InvariantBroken('I1', 'the run does not come to rest')
    this.scheduler.step()
    await settle()
    if (this.#failure) throw this.#failure
    const commits = this.clients.reduce((sum, client) => sum + client.commits, 0)
    if (commits === this.#commits) return
    this.#commits = commits
    this.checkShown()
  }

  phone(person: string): string {
    return phoneOf(this.clients.findIndex((client) => client.person === person))
  }

  /** Runs until the promise settles, letting simulated time pass. */
  async waitFor<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const seen = promise.finally(() => {
      settled = true
    })
    seen.catch(() => {})
    await settle()
    while (!settled) {
      if (this.scheduler.pending === 0) throw new Error('nothing is left that could end this')
      await this.step()
    }
    return seen
  }

  async setUp(): Promise<void> {
    await this.waitFor(this.server.start())
    for (const [index, person] of this.clients.entries()) {
      const client = person.open()
      const phone = phoneOf(index)
      const { registration } = await this.waitFor(client.startRegistration(phone))
      const code = this.server.code(phone)
      const registered = await this.waitFor(
        client.finishRegistration({
          registration,
          code,
          name: `${person.name} ${nameMarker}`,
          recoveryKey: undefined,
        }),
      )
      person.account = registered.account
      this.recoveryKeys.set(person.person, registered.recoveryKey)
      client.start()
    }
    for (const person of this.clients) {
      for (const other of this.clients) {
        const alias = other.account
        if (other !== person && person.client && alias)
          await this.waitFor(person.client.findContact(alias))
      }
    }
    await this.runUntil(this.scheduler.nowMs + 2_000)
  }

  /** I9 on what the clients keep. */
  checkKept(): void {
    for (const { name, finding } of [...this.clients, ...this.ghosts]) {
      if (finding) throw new InvariantBroken('I9', `${name}: ${finding}`)
    }
  }

  /** I2 and I3 on what is shown at this moment. */
  checkShown(): void {
    for (const { chat } of this.chats()) {
      if (!chat || this.#checked.has(chat)) continue
      this.#checked.add(chat)
      checkShownOnce(chat, this.sent)
      checkOrder(chat, this.sent)
      this.#shownBefore.check(chat, { crashes: this.crashes, restores: this.server.restores })
    }
  }

  *chats() {
    for (const owner of this.clients) {
      for (const peer of this.clients) {
        if (owner !== peer) yield { owner, peer, chat: owner.shown(peer) }
      }
    }
  }

  /** Everything works again; ends when nothing is under way any more. */
  async heal(): Promise<void> {
    this.tell('the storm is over')
    this.witness.lies = 0
    this.network.weather = calm
    this.server.heal()
    if (this.server.stopped) this.server.crash('stays')
    if (!this.server.running) await this.waitFor(this.server.start())
    for (const client of this.clients) {
      client.heal()
      if (client.client) client.client.start()
      else client.open().start()
    }
    for (const ghost of this.ghosts) ghost.heal()
    const giveUpAt = this.scheduler.nowMs + healMsMax
    while (this.scheduler.nowMs < giveUpAt) {
      if ((await mend(this)) && this.allArrived()) break
      await this.runUntil(this.scheduler.nowMs + 5_000)
    }
    await this.runUntil(this.scheduler.nowMs + 10_000)
  }

  allArrived(): boolean {
    const { excuses } = this
    const lost = this.sent.filter((message) => excuses.byRoot(message))
    const ids = new Set(lost.map(({ id }) => id))
    for (const { chat } of this.chats()) {
      const waits = chat?.items.some((item) => {
        const unread = item.body.kind === 'unreadable' && item.body.state === 'waiting'
        const isOnItsWay = item.status === 'pending' || item.status === 'accepted'
        return unread || (isOnItsWay && !ids.has(item.id))
      })
      if (!chat || waits) return false
    }
    return true
  }

  async checkHealed(): Promise<void> {
    this.checkShown()
    const pairs = [...this.chats()].map(({ owner, peer, chat }) => {
      const other = peer.shown(owner)
      if (!chat || !other) throw new InvariantBroken('I1', `${owner.name} is not up`)
      return { chat, other }
    })
    const healed = { sent: this.sent, excuses: this.excuses }
    for (const { chat, other } of pairs) {
      checkNothingLost(chat, other, healed)
      checkAllArrived(chat, healed)
    }
    for (const { chat, other } of pairs) checkConverged(chat, other, healed)
    await this.server.checkKept()
    if (this.#failure) throw this.#failure
  }

  /** Ends all processes, so that the next run starts with an empty house. */
  dispose(): void {
    for (const client of [...this.clients, ...this.ghosts]) client.dispose()
    this.server.dispose()
  }

  /** The clock of the schedule itself. */
  scheduleClock(): ProcessClock {
    return new ProcessClock(this.scheduler, 0)
  }

  async storm(happen: (world: World) => Promise<void>): Promise<void> {
    this.#stormEndsAtMs = this.scheduler.nowMs + stormMs
    this.witness.lies = 0.3
    while (this.scheduler.nowMs < this.#stormEndsAtMs) {
      await happen(this)
      await this.runUntil(this.scheduler.nowMs + this.random.between(1, 2_500))
      this.checkShown()
      this.checkKept()
    }
  }
}
