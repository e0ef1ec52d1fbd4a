/**
 * The server in the simulation: the real roles on files that outlive its crashes, a lossy bus, a
 * clock that dies with the process.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  LocalBus,
  openLogger,
  openMetrics,
  openSqliteLog,
  openSqliteSql,
  readIncarnation,
  startServer,
} from '@parley/server'
import type { Bus, RunningServer, SocketEvents, Sql, SqliteLog } from '@parley/server'
import { ProcessClock } from '@parley/testkit'
import type { Scheduler, SimEnd, SimNetwork, SimRandom } from '@parley/testkit'
import { plantInLog } from './plants.ts'
import type { Plant } from './plants.ts'

export interface SimServerOptions {
  scheduler: Scheduler
  network: SimNetwork
  random: SimRandom
  plant: Plant | undefined
}

interface Process {
  clock: ProcessClock
  log: SqliteLog
  sql: Sql
  server: RunningServer
}

export class SimServer {
  readonly #options: SimServerOptions
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-sim-'))
  readonly #codes = new Map<string, string>()
  #process: Process | undefined
  /** Probability that the bus loses, repeats or delays a message. */
  #busTrouble = 0.05
  crashes = 0
  /** Batches until the crash; -1: none is planned. */
  #batchesLeft = -1

  constructor(options: SimServerOptions) {
    this.#options = options
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  /** The code last sent to the number. */
  code(phone: string): string {
    const code = this.#codes.get(phone)
    if (!code) throw new Error(`no code was sent to ${phone}`)
    return code
  }

  heal(): void {
    this.#batchesLeft = -1
    this.#busTrouble = 0
  }

  async start(): Promise<void> {
    const { scheduler, network, random, plant } = this.#options
    const clock = new ProcessClock(scheduler, 0)
    const logger = openLogger('silent')
    const sql = await openSqliteSql(join(this.#folder, 'accounts.sqlite'))
    const log = await openSqliteLog({
      path: join(this.#folder, 'log.sqlite'),
      writer: 'inline',
      sync: 'off',
      clock,
      elapsedMs: () => scheduler.nowMs,
      soon: (run) => clock.after(0, run),
      logger,
      fileBytesMax: undefined,
      queueBytesMax: undefined,
      onBatch: () => this.#written(clock),
      onParked: undefined,
    })
    const context = {
      log: plantInLog(log, plant, (delayMs, run) => clock.after(delayMs, run)),
      bus: this.#lossy(new LocalBus(logger), clock),
      sql,
      sms: { sendCode: async (phone: string, code: string) => void this.#codes.set(phone, code) },
      clock,
      random: random.bytes,
      logger,
      metrics: openMetrics(),
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
      unlimited: true,
    })
    this.#process = { clock, log, sql, server }
    const from = { remoteAddress: '127.0.0.1' }
    network.server = {
      open: (end) => this.#open(server, end),
      fetch: (request) => server.fetch(request, from),
    }
  }

  #open(server: RunningServer, end: SimEnd): SocketEvents & { closed(code: number): void } {
    const events = server.openSocket(
      {
        send: (bytes) => {
          end.send(bytes)
          return true
        },
        bufferedBytes: () => end.bufferedBytes(),
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

  /**
   * Dies soon after the n-th batch from here is on the disk: what was answered meanwhile must be
   * there afterwards.
   */
  crashAfterBatches(count: number): void {
    this.#batchesLeft = count
  }

  #written(clock: ProcessClock): void {
    if (this.#batchesLeft < 0 || --this.#batchesLeft > 0) return
    this.#batchesLeft = -1
    clock.after(this.#options.random.below(40), () => this.crash())
  }

  /** The process dies here; its files keep what was committed. */
  crash(): void {
    const dying = this.#process
    if (!dying) return
    this.crashes++
    this.#process = undefined
    this.#options.network.server = undefined
    dying.clock.kill()
    for (const ended of [dying.log.kill(), dying.sql.destroy()]) ended.catch(() => {})
    this.#options.network.cut(undefined)
  }

  dispose(): void {
    this.crash()
    rmSync(this.#folder, { recursive: true, force: true })
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
      subscribe: (...input) => bus.subscribe(...input),
    }
  }
}
