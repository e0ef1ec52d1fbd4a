/**
 * The embedded log on the simulated disk, killed at any operation of the disk, with and without the
 * power: between a batch and its late index, in the middle of either, in a trim, in a start.
 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { ProcessClock, SimDisk, SimRandom } from '@parley/testkit'
import { openLogger, openSqliteLog } from '@parley/server'
import type { SqliteLog } from '@parley/server'
import { accountIdFromRandom, deviceIdOf, inboxOf } from '@parley/wire'
import type { DeviceId, LogId } from '@parley/wire'
import { SteppedTime } from '../../../packages/testkit/src/sim/stepped-time.ts'
import { sqliteOn } from './connection.ts'
import { mountDisk, unmount } from './vfs.ts'
import type { Mount } from './vfs.ts'

const seeds = Array.from({ length: 25 }, (_, index) => index + 1)
const lives = 8
const stepsMax = 60
setDefaultTimeout(60_000)

interface Sent {
  log: LogId
  device: DeviceId
  sequence: number
}

/** What was sent, by log and device, in order. */
class World extends SteppedTime {
  readonly random: SimRandom
  readonly disk: SimDisk
  /** Operations of the disk until the process dies; 0: it has died. */
  left = Number.POSITIVE_INFINITY
  readonly sent: Sent[] = []
  unanswered: Sent[] = []
  /** Where each sequence was seen. */
  readonly positions = new Map<number, number>()
  trimmedBefore = 0
  indexedWith: number
  readonly #logs: LogId[]
  readonly #devices: DeviceId[]
  #sequence = 0
  #clock: ProcessClock
  #mount: Mount | undefined
  log: SqliteLog | undefined

  constructor(seed: number) {
    super(Date.UTC(2026, 5, 1))
    const random = new SimRandom(seed)
    this.random = random
    this.#logs = [1, 2, 3].map(() => inboxOf(accountIdFromRandom(random.bytes(16))))
    this.#devices = [1, 2].map(() => deviceIdOf(random.bytes(16)))
    this.indexedWith = random.between(2, 25)
    this.#clock = new ProcessClock(this.scheduler, 0)
    this.disk = new SimDisk({
      random: random.fork(),
      onOperation: () => {
        this.left = Math.max(0, this.left - 1)
        return this.left > 0
      },
      onFault: () => {},
    })
  }

  /** False when the process dies on the way. */
  async start(): Promise<boolean> {
    this.#clock = new ProcessClock(this.scheduler, 0)
    const clock = this.#clock
    this.#mount = mountDisk(this.disk)
    try {
      this.log = await openSqliteLog({
        path: 'log.sqlite',
        writer: 'inline',
        openSqlite: sqliteOn(this.#mount, true),
        sync: 'full',
        clock,
        elapsedMs: () => this.scheduler.nowMs,
        soon: (run) => clock.after(0, run),
        logger: openLogger('silent'),
        fileBytesMax: undefined,
        queueBytesMax: undefined,
        pace: { entries: this.indexedWith, bytes: 100_000 },
        onBatch: undefined,
        onParked: undefined,
      })
      return true
    } catch (error) {
      if (this.left !== 0) throw error
      return false
    }
  }

  end(power: 'stays' | 'goes'): void {
    if (this.#mount) unmount(this.#mount)
    this.#clock.kill()
    this.log = undefined
    if (power === 'goes') this.disk.losePower()
  }

  send(): void {
    const sequence = ++this.#sequence
    const sent = {
      log: this.random.pick(this.#logs),
      device: this.random.pick(this.#devices),
      sequence,
    }
    this.sent.push(sent)
    this.unanswered.push(sent)
    void this.#append(sent)
  }

  async #append(sent: Sent): Promise<void> {
    const { log, device, sequence } = sent
    const body = new TextEncoder().encode(`${sequence}`.padEnd(1 + (sequence % 7) * 200))
    const stored = this.log?.append(log, { origin: { device, sequence }, body })
    await stored?.then(
      () => {
        this.unanswered = this.unanswered.filter((each) => each !== sent)
      },
      () => {},
    )
  }

  /** In their order, since a later sequence would take an earlier one for a repeat. */
  async repeat(): Promise<void> {
    for (const sent of [...this.unanswered]) await this.finish(this.#append(sent))
  }

  /** What was refused is repeated before anything else is sent. */
  async fillDisk(): Promise<void> {
    this.disk.isFull = true
    for (let sends = this.random.below(10); sends > 0; sends--) this.send()
    await this.pass(20)
    this.disk.isFull = false
    await this.pass(20)
    await this.repeat()
  }

  /** All entries can be read, and their positions are known. */
  async trim(log: SqliteLog): Promise<void> {
    await this.repeat()
    if (this.unanswered.length > 0 || this.sent.length === 0) return
    await this.check(log)
    const positions = [...this.positions.values()].toSorted((a, b) => a - b)
    const before = this.random.pick(positions.slice(-40))
    this.trimmedBefore = Math.max(this.trimmedBefore, before)
    await this.finish(log.trim(before).catch(() => {}))
  }

  /** Rules L1-L5, L7 and L8 by what was answered. */
  async check(log: SqliteLog): Promise<void> {
    for (const id of this.#logs) {
      const found = await this.#readAll(log, id)
      const answered = this.sent.filter(
        (each) => each.log === id && !this.unanswered.includes(each),
      )
      for (const { sequence } of answered) {
        const position = found.get(sequence) ?? this.positions.get(sequence) ?? 0
        if (!found.has(sequence)) expect(position).toBeGreaterThan(0)
        if (!found.has(sequence)) expect(position).toBeLessThan(this.trimmedBefore)
        this.positions.set(sequence, position)
      }
      for (const device of this.#devices) await this.#checkSequences(log, id, { device, found })
    }
  }

  async #readAll(log: SqliteLog, id: LogId): Promise<Map<number, number>> {
    const found = new Map<number, number>()
    let last = 0
    for (let atEnd = false; !atEnd; ) {
      const page = await log.read(id, last, this.random.between(1, 9))
      for (const { position, prev, body } of page.entries) {
        expect(prev).toBe(last === 0 ? page.expiredUpTo : last)
        expect(position).toBeGreaterThan(last)
        const sequence = Number(new TextDecoder().decode(body))
        expect(found.has(sequence)).toBe(false)
        found.set(sequence, position)
        last = position
      }
      if (page.entries.length === 0) last = Math.max(last, page.expiredUpTo)
      atEnd = page.atEnd
    }
    expect(await log.heads([id])).toEqual([last])
    return found
  }

  async #checkSequences(
    log: SqliteLog,
    id: LogId,
    { device, found }: { device: DeviceId; found: ReadonlyMap<number, number> },
  ): Promise<void> {
    const own = this.sent.filter((each) => each.log === id && each.device === device)
    const shown = [...found.keys()].filter((each) => own.some(({ sequence }) => sequence === each))
    expect(shown).toEqual(shown.toSorted((a, b) => a - b))
    const answered = own.filter((each) => !this.unanswered.includes(each))
    const last = await log.lastSequence(device, id)
    expect(last).toBeGreaterThanOrEqual(Math.max(0, ...answered.map(({ sequence }) => sequence)))
    expect(last).toBeGreaterThanOrEqual(Math.max(0, ...shown))
    expect(last).toBeLessThanOrEqual(Math.max(0, ...own.map(({ sequence }) => sequence)))
    expect(await log.lastSequence(device, undefined)).toBeGreaterThanOrEqual(last)
  }
}

async function live(world: World, log: SqliteLog): Promise<void> {
  const { random } = world
  await world.repeat()
  for (let step = 0; step < stepsMax && world.left !== 0; step++) {
    const choice = random.below(100)
    if (choice < 60) world.send()
    else if (choice < 95) await world.step()
    else if (choice < 96) await world.fillDisk()
    else if (choice < 98) await world.check(log)
    else await world.trim(log)
  }
}

/** The last life is whole, and looks at what the others have left. */
async function liveLast(world: World): Promise<void> {
  world.left = Number.POSITIVE_INFINITY
  await world.start()
  const log = world.log as SqliteLog
  await live(world, log)
  await world.repeat()
  await world.check(log)
  expect(world.unanswered).toEqual([])
  world.end('stays')
}

test('[L1-L8] what was answered is there, once, in order, and only a trim takes it, wherever the process dies', async () => {
  let [deaths, trims] = [0, 0]
  for (const seed of seeds) {
    const world = new World(seed)
    for (let life = 0; life < lives; life++) {
      world.left = world.random.between(5, 200)
      if (await world.start()) await live(world, world.log as SqliteLog)
      if (world.left === 0) deaths++
      world.end(world.random.pick(['stays', 'goes']))
    }
    await liveLast(world)
    if (world.trimmedBefore > 0) trims++
  }
  expect(deaths).toBeGreaterThan(50)
  expect(trims).toBeGreaterThan(5)
})
