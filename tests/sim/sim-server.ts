/**
 * The server in the simulation: the real roles on files that outlive its crashes, a lossy bus, a
 * clock that dies with the process.
 */
import {
  beginIncarnation,
  LocalBus,
  openLogger,
  openMetrics,
  openSqliteLog,
  openSqliteSql,
  readIncarnation,
  startServer,
} from '@parley/server'
import type { Bus, Log, Metrics, RunningServer, SocketEvents } from '@parley/server'
import { ProcessClock, SimDisk } from '@parley/testkit'
import type { DiskImage, Scheduler, SimEnd, SimNetwork, SimRandom } from '@parley/testkit'
import type { Coverage } from './coverage.ts'
import type { GatewayLimits } from '../../packages/server/src/gateway/host.ts'
import { sqliteOn } from './disk/connection.ts'
import { mountDisk, unmount } from './disk/vfs.ts'
import type { Mount } from './disk/vfs.ts'
import { Fuse } from './fuse.ts'
import type { Power } from './fuse.ts'
import { InvariantBroken } from './invariants.ts'
import { plantInDisk, plantInLog, withAppend } from './plants.ts'
import type { Plant } from './plants.ts'
import { entriesPerPageMax, logQueueBytesMax } from './witness.ts'
import type { Witness } from './witness.ts'

/** So that what is indexed late is killed in the middle often. */
const latePace = { entries: 24, bytes: 32 * 1024 }
/** Of an entry in the queue, beside its body. */
const entryOverheadBytes = 256

export interface SimServerOptions {
  scheduler: Scheduler
  network: SimNetwork
  random: SimRandom
  plant: Plant | undefined
  coverage: Coverage
  witness: Witness
  /** Whether requests are counted as on a server in the open. */
  limited: boolean
  gatewayLimits: Partial<GatewayLimits>
  broken: (error: InvariantBroken) => void
  tell: (line: string) => void
}

interface Process {
  clock: ProcessClock
  mount: Mount
  /** Rejects when the process dies. */
  died: Promise<never>
  die: (reason: Error) => void
  /** Its log takes nothing any more, after a sync that failed. */
  stopped: boolean
  metrics: Metrics | undefined
  /** As a program that is asked to end does it; undefined while it starts. */
  end: (() => Promise<void>) | undefined
}

export class SimServer {
  readonly #options: SimServerOptions
  readonly disk: SimDisk
  /** Burns at each effect of the process; the process dies at its end. */
  readonly fuse: Fuse
  readonly #codes = new Map<string, string>()
  #process: Process | undefined
  /** Probability that the bus loses, repeats or delays a message. */
  #busTrouble: number
  crashes = 0
  restores = 0
  /** What was restored has not begun its own incarnation yet. */
  #isRestored = false

  constructor(options: SimServerOptions) {
    this.#options = options
    const { coverage, random } = options
    this.#busTrouble = random.pick([0.02, 0.05, 0.3])
    this.fuse = new Fuse((power) => this.crash(power))
    this.disk = new SimDisk({
      random: random.fork(),
      onOperation: (operation, bytes) => {
        if (bytes) options.witness.expectNoMarker(bytes, "the server's disk")
        return this.fuse.burn(coverage, `server: disk ${operation}`)
      },
      onFault: (fault) => {
        coverage.meet('faults', `server: disk ${fault}`)
        if (fault === 'sync failed' && this.#process) this.#process.stopped = true
      },
    })
    plantInDisk(this.disk, options.plant)
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  /** Up, and of no use until it is started anew. */
  get stopped(): boolean {
    return this.#process?.stopped ?? false
  }

  /** The code last sent to the number. */
  code(phone: string): string {
    const code = this.#codes.get(phone)
    if (!code) throw new Error(`no code was sent to ${phone}`)
    return code
  }

  heal(): void {
    this.fuse.putOut()
    this.#busTrouble = 0
    this.disk.isFull = false
    this.disk.syncsToFail = 0
  }

  /** Resolves when it serves, or has died on the way. */
  async start(): Promise<void> {
    const { scheduler, tell } = this.#options
    const death = Promise.withResolvers<never>()
    death.promise.catch(() => {})
    const process: Process = {
      clock: new ProcessClock(scheduler, 0),
      mount: mountDisk(this.disk),
      died: death.promise,
      die: death.reject,
      stopped: false,
      metrics: undefined,
      end: undefined,
    }
    this.#process = process
    try {
      await Promise.race([this.#run(process), process.died])
    } catch (error) {
      if (this.#process !== process) return
      tell(`the server does not start: ${String(error)}`)
      this.crash('stays')
    }
  }

  /** Ends it as an operator does: connections are told, and what was accepted is answered. */
  async stop(): Promise<void> {
    const process = this.#process
    if (!process?.end) return
    try {
      await Promise.race([process.end(), process.died])
    } catch (error) {
      this.#options.tell(`the server ends with ${String(error)}`)
    }
    if (this.#process === process) this.#end(process, 'stays')
  }

  async #run(process: Process): Promise<void> {
    const { network, random, plant } = this.#options
    const { clock, mount } = process
    const logger = this.#logger()
    const metrics = openMetrics()
    process.metrics = metrics
    const openSqlite = sqliteOn(mount, plant !== 'trusted-journal')
    const sql = await openSqliteSql('accounts.sqlite', openSqlite)
    if (this.#isRestored) await beginIncarnation({ sql, random: random.bytes })
    this.#isRestored = false
    const log = await openSqliteLog({
      path: 'log.sqlite',
      writer: 'inline',
      openSqlite,
      sync: plant === 'synchronous-off' ? 'off' : 'full',
      clock,
      elapsedMs: () => clock.now(),
      soon: (run) => clock.after(0, run),
      logger,
      fileBytesMax: undefined,
      queueBytesMax: logQueueBytesMax,
      pace: latePace,
      onBatch: undefined,
      onParked: undefined,
    })
    const context = {
      log: this.#bounded(plantInLog(log, plant, (delayMs, run) => clock.after(delayMs, run))),
      bus: this.#lossy(new LocalBus(logger), clock),
      sql,
      sms: { sendCode: async (phone: string, code: string) => void this.#codes.set(phone, code) },
      clock,
      random: random.bytes,
      logger,
      metrics,
      incarnation: await readIncarnation({ sql, random: random.bytes }),
    }
    const server = await startServer(context, {
      name: 'Parley in the simulator',
      version: '0',
      defaultCountry: undefined,
      allowedOrigins: [],
      secure: false,
      webRoot: undefined,
      retentionDays: 90,
      unlimited: !this.#options.limited,
      gatewayLimits: this.#options.gatewayLimits,
    })
    if (this.#process !== process) return
    process.end = async () => {
      await server.drain()
      await server[Symbol.asyncDispose]()
      await log.close()
      await sql.destroy()
    }
    const from = { remoteAddress: '127.0.0.1' }
    network.server = {
      open: (end) => this.#open(server, end),
      fetch: (request) => server.fetch(request, from),
    }
  }

  #open(server: RunningServer, end: SimEnd): SocketEvents & { closed(code: number): void } {
    const { plant } = this.#options
    const events = server.openSocket(
      {
        send: (bytes) => {
          if (this.fuse.burn(this.#options.coverage, 'server: frame')) end.send(bytes)
          return true
        },
        bufferedBytes: () => (plant === 'unseen-backlog' ? 0 : end.bufferedBytes()),
        close: (code) => end.close(code),
      },
      '127.0.0.1',
    )
    return {
      message: (bytes) => events.message(bytes),
      drained: () => events.drained(),
      closed: () => events.closed(),
    }
  }

  /** Another server takes over with the state of a backup. */
  restore(image: DiskImage): void {
    this.crash('stays')
    this.disk.restore(image)
    this.restores++
    this.#isRestored = true
  }

  /** The process dies here, perhaps in the middle of a write; with the power goes what was not synced. */
  crash(power: Power): void {
    const dying = this.#process
    if (!dying) return
    this.#options.coverage.meet('faults', `server: killed, power ${power}`)
    this.#end(dying, power)
  }

  #end(dying: Process, power: Power): void {
    const { network, scheduler } = this.#options
    this.crashes++
    this.fuse.putOut()
    this.#process = undefined
    network.server = undefined
    dying.clock.kill()
    dying.mount.alive = false
    if (power === 'goes') this.disk.losePower()
    dying.die(new Error('the server died'))
    // It may have died inside of SQLite.
    scheduler.at(scheduler.nowMs, () => unmount(dying.mount))
    network.cut(undefined)
  }

  dispose(): void {
    const last = this.#process
    if (!last) return
    this.#end(last, 'stays')
    unmount(last.mount)
  }

  /** I6: every line at every level. */
  #logger() {
    const write = (line: string) => this.#options.witness.expectNoMarker(line, 'a log line')
    return openLogger('debug', { write })
  }

  /** I6: what the server keeps and counts. */
  async checkKept(): Promise<void> {
    const { witness } = this.#options
    for (const [path, bytes] of this.disk.contents()) witness.expectNoMarker(bytes, path)
    const metrics = await this.#process?.metrics?.registry.metrics()
    if (metrics) witness.expectNoMarker(metrics, 'the metrics')
  }

  /** I9: what waits for the log is bounded: a batch on its way, and a queue. */
  #bounded(log: Log): Log {
    let waiting = 0
    let largest = 0
    const paged: Log = {
      ...withAppend(log, (...input) => log.append(...input)),
      read: (id, after, limit) => log.read(id, after, Math.min(limit, entriesPerPageMax)),
    }
    return withAppend(paged, async (id, entry) => {
      const bytes = entry.body.length
      largest = Math.max(largest, bytes)
      if (waiting > 2 * (logQueueBytesMax + largest + entryOverheadBytes)) {
        this.#options.broken(new InvariantBroken('I9', `${waiting} bytes wait for the log`))
      }
      waiting += bytes
      try {
        await log.append(id, entry)
      } finally {
        waiting -= bytes
      }
    })
  }

  /** The bus may lose, repeat and delay (B1); the real one on one box does none of it. */
  #lossy(bus: Bus, clock: ProcessClock): Bus {
    const { random } = this.#options
    return {
      publish: (topic, message) => {
        if (random.chance(this.#busTrouble)) return
        bus.publish(topic, message)
        if (random.chance(this.#busTrouble)) {
          clock.after(random.between(1, 2_000), () => bus.publish(topic, message))
        }
      },
      subscribe: (topic, listener) => bus.subscribe(topic, listener),
      unsubscribe: (topic, listener) => bus.unsubscribe(topic, listener),
    }
  }
}
