/**
 * The embedded log: one SQLite file, one writer, group commit. What is appended while the writer is
 * busy becomes its next batch; followers are fed from memory while they keep up, readers have a
 * connection of their own, and what the file does not find yet in memory (L5: nothing is shown
 * before it was answered).
 */
import { positionTimeMs } from '@parley/wire'
import type { DeviceId, LogId } from '@parley/wire'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import type { OpenSqlite, SqliteConnection } from '../../sqlite.ts'
import { BatchBuilder, answersOf } from './batch.ts'
import { followLog } from './follow.ts'
import type { FollowSource } from './follow.ts'
import type { LatePace } from './late-index.ts'
import type { BatchOutcome } from './log-writer.ts'
import type { MigrationProgress } from './migrate-log.ts'
import { LogUnavailable } from './log.ts'
import type { EntryHandler, Log, LogEntry, LogPage, NewEntry } from './log.ts'
import { PositionTime } from './position-time.ts'
import { openForReading } from './schema.ts'
import { Tail } from './tail.ts'
import { Unindexed } from './unindexed.ts'
import { linkInline, linkThread } from './writer-link.ts'
import type { WriterLink } from './writer-link.ts'

export interface SqliteLogOptions {
  path: string
  /** A thread keeps the event loop free of a slow disk; inline is for the simulator. */
  writer: 'thread' | 'inline'
  /** For the inline writer and the reader; bun:sqlite unless given. */
  openSqlite?: OpenSqlite
  /** `off` survives a crash of the process, but not of the machine. */
  sync: 'full' | 'off'
  clock: Clock
  /** Milliseconds from anywhere that pass evenly, whatever is done to the clock. */
  elapsedMs: () => number
  /** Runs later, after what is already due: setImmediate, or the simulator's clock. */
  soon: (run: () => void) => void
  logger: Logger
  /** The file grows no further; undefined for as far as the disk goes. */
  fileBytesMax: number | undefined
  /** Bytes that may wait for the writer. */
  queueBytesMax: number | undefined
  /** How much may wait for the index; undefined for what suits a server. */
  pace?: LatePace | undefined
  onBatch: ((operations: number) => void) | undefined
  onParked: (() => void) | undefined
}

/** What waits for the writer's answer; `entry` is there for an append only. */
interface Waiting {
  append: { log: LogId; entry: NewEntry } | undefined
  resolve: (atEnd: boolean) => void
  reject: (error: LogUnavailable) => void
}

const queueBytesMaxDefault = 32 * 1024 * 1024
const fileBytesMaxDefault = 2 ** 43
const pageBytesMax = 4 * 1024 * 1024
const closedMessage = 'The message log is closed.'
const headsPerTurn = 512
const batchGapMs = 2
/** So few wait for nothing: a gap would cost them more than it saves in commits. */
const smallBatch = 8
/** How long a follower's commit may wait for a batch to ride on. */
const followerCommitMs = 1_000

/** Entries in order, as many as go into one answer. */
class Page {
  readonly entries: LogEntry[] = []
  readonly #limit: number
  #bytes = 0
  atEnd = true

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False, and the page is full, when the entry does not go in. */
  add(entry: LogEntry): boolean {
    const { length } = this.entries
    this.#bytes += entry.body.length
    const fits = length === 0 || this.#bytes <= pageBytesMax
    // A trim may have taken what was between two looks; then the page ends there.
    const follows = length === 0 || entry.prev === this.entries[length - 1]?.position
    this.atEnd = length < this.#limit && fits && follows
    if (this.atEnd) this.entries.push(entry)
    return this.atEnd
  }
}

export async function openSqliteLog(options: SqliteLogOptions): Promise<SqliteLog> {
  const { path, sync, fileBytesMax, pace, openSqlite, soon, logger } = options
  const settings = { path, sync, fileBytesMax: fileBytesMax ?? fileBytesMaxDefault, pace }
  const onMigration = (progress: MigrationProgress) =>
    logger.info(progress, 'The message log is being brought to this version of Parley.')
  const link =
    options.writer === 'inline'
      ? linkInline(settings, { open: openSqlite, onMigration }, soon)
      : await linkThread(settings, { onMigration })
  try {
    return new SqliteLog(link, options)
  } catch (error) {
    // A writer that is left would keep the file, and its thread the process.
    await link.kill()
    throw error
  }
}

export class SqliteLog implements Log, AsyncDisposable {
  readonly #options: SqliteLogOptions
  readonly #link: WriterLink
  readonly #reader: SqliteConnection
  readonly #statements: ReturnType<typeof prepare>
  readonly #tail: Tail
  readonly #unindexed: Unindexed
  readonly #time: PositionTime
  readonly #queueBytesMax: number
  readonly #builder = new BatchBuilder()
  #queued: Waiting[] = []
  readonly #trims: { batch: ArrayBuffer; waiting: Waiting }[] = []
  #inFlight: Waiting[] | undefined
  #spare: ArrayBuffer | undefined
  /** Why nothing is taken at the moment. */
  #refusing: LogUnavailable | undefined
  /** The last batch failed; said once, not for each batch. */
  #failing = false
  #closed = false
  #dispatching = false
  #dispatchedAtMs = 0
  /** Operations of the last batch. */
  #dispatched = 0
  #idle: (() => void) | undefined
  #changed: (() => void)[] = []
  readonly #followed = new Map<string, number>()
  #followedTimer: (() => void) | undefined

  constructor(link: WriterLink, options: SqliteLogOptions) {
    this.#link = link
    this.#options = options
    this.#queueBytesMax = options.queueBytesMax ?? queueBytesMaxDefault
    this.#reader = openForReading(options.path, options.openSqlite)
    this.#statements = prepare(this.#reader)
    const last = this.#statements.last.get()?.last ?? 0
    this.#tail = new Tail(last)
    this.#unindexed = this.#loadUnindexed()
    this.#time = new PositionTime(options, positionTimeMs(last))
    link.onWritten = (batch, outcome) => this.#written(batch, outcome)
  }

  append(log: LogId, entry: NewEntry): Promise<void> {
    return this.#enqueue({ log, entry }, () => this.#builder.append(log, entry))
  }

  commit(log: LogId, device: DeviceId, position: number): Promise<void> {
    return this.#enqueue(undefined, () => this.#builder.cursor(log, device, position))
  }

  async read(log: LogId, after: number, limit: number): Promise<LogPage> {
    const { indexed } = this.#unindexed
    const page = new Page(limit)
    if (after < indexed) {
      // One row more than asked for tells whether there are more.
      for (const row of this.#statements.read.iterate(log, after, indexed, limit + 1)) {
        if (!page.add({ log, position: row.position, prev: row.prev, body: row.body })) break
      }
    }
    if (page.atEnd) {
      for (const entry of this.#unindexed.after(log, after)) if (!page.add(entry)) break
    }
    const { entries, atEnd } = page
    const before = entries[0]?.prev ?? this.#statements.kept.get(log)?.kept ?? 0
    return { entries, expiredUpTo: before > after ? before : 0, atEnd }
  }

  async heads(logs: readonly LogId[]): Promise<number[]> {
    const heads: number[] = []
    for (const log of logs) {
      heads.push(this.#head(log))
      if (heads.length % headsPerTurn === 0) {
        await new Promise<void>((resolve) => this.#options.soon(resolve))
      }
    }
    return heads
  }

  async cursors(log: LogId): Promise<ReadonlyMap<DeviceId, number>> {
    const rows = this.#statements.cursors.all(log)
    return new Map(rows.map((row) => [row.device as DeviceId, row.position]))
  }

  async lastSequence(device: DeviceId, log: LogId | undefined): Promise<number> {
    const row =
      log === undefined
        ? this.#statements.lastSequence.get(device)
        : this.#statements.lastSequenceIn.get(device, log)
    return Math.max(row?.sequence ?? 0, this.#unindexed.lastSequence(device, log))
  }

  async trim(before: number): Promise<void> {
    while (!(await this.#trimStep(before)));
  }

  #head(log: LogId): number {
    const { indexed } = this.#unindexed
    return this.#unindexed.head(log) ?? this.#statements.head.get(indexed, log)?.head ?? 0
  }

  /** What the writer had not indexed when it ended; it has done nothing since. */
  #loadUnindexed(): Unindexed {
    const unindexed = new Unindexed(this.#statements.indexed.get()?.position ?? 0)
    for (const row of this.#statements.unindexed.iterate(unindexed.indexed)) {
      const { log, position, prev, body, sequence } = row
      const origin = row.device === '' ? undefined : { device: row.device as DeviceId, sequence }
      unindexed.push({ log: log as LogId, position, prev, body }, origin)
    }
    return unindexed
  }

  follow(follower: string, handle: EntryHandler, signal: AbortSignal): Promise<void> {
    const { clock, logger, onParked } = this.#options
    const options = { follower, handle, signal, clock, logger, onParked: onParked ?? (() => {}) }
    return followLog(this.#followSource(), options)
  }

  /** Takes nothing more, writes what waits, and closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#refusing = new LogUnavailable('closed', closedMessage)
    this.#followedTimer?.()
    this.#dispatch()
    if (this.#inFlight) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    // The writer is the last to close, because only a writer can take the journal away.
    this.#reader.close()
    await this.#link.close()
  }

  /** Ends as a crash of the process would: what was not answered may or may not be stored. */
  async kill(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#refusing = new LogUnavailable('closed', closedMessage)
    this.#followedTimer?.()
    this.#reader.close()
    await this.#link.kill()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * In a batch of its own: on a full disk it must not fail together with the appends that it makes
   * room for. Resolves with whether nothing older is left.
   */
  #trimStep(before: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new LogUnavailable('closed', closedMessage))
      const builder = new BatchBuilder()
      builder.trim(before)
      const waiting = { append: undefined, resolve, reject }
      this.#trims.push({ batch: builder.take(this.#time.now(), undefined), waiting })
      if (!this.#inFlight) this.#dispatchSoon()
    })
  }

  #enqueue<T>(append: Waiting['append'], add: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#refusing && this.#builder.byteLength > this.#queueBytesMax) {
        this.#refuseForNow(new LogUnavailable('overloaded', 'Too much waits for the message log.'))
      }
      if (this.#refusing) return reject(this.#refusing)
      add()
      this.#queued.push({ append, resolve: resolve as Waiting['resolve'], reject })
      if (this.#queued.length === 1 && !this.#inFlight) this.#dispatchSoon()
    })
  }

  /** L2: who was refused learns of it before anything more is taken. */
  #refuseForNow(refusal: LogUnavailable): void {
    this.#refusing = refusal
    this.#options.soon(() => {
      if (this.#refusing === refusal) this.#refusing = undefined
    })
  }

  /**
   * At once after a rest or a small batch; under load batches keep a distance, because a commit
   * costs the same for one entry as for fifty.
   */
  #dispatchSoon(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    const { clock, soon } = this.#options
    const run = () => {
      this.#dispatching = false
      this.#dispatch()
    }
    const sinceMs = clock.now() - this.#dispatchedAtMs
    const isBusy = this.#dispatched > smallBatch && sinceMs >= 0 && sinceMs < batchGapMs
    if (isBusy) clock.after(batchGapMs - sinceMs, run)
    else soon(run)
  }

  #dispatch(): void {
    if (this.#inFlight) return
    const trim = this.#trims.shift()
    if (trim) {
      this.#inFlight = [trim.waiting]
      this.#link.send(trim.batch)
      return
    }
    // Last in the batch, since nobody waits for their answers.
    for (const [name, position] of this.#followed) this.#builder.followed(name, position)
    this.#followed.clear()
    if (this.#builder.count === 0) return
    this.#dispatchedAtMs = this.#options.clock.now()
    this.#dispatched = this.#queued.length
    this.#inFlight = this.#queued
    this.#queued = []
    this.#link.send(this.#builder.take(this.#time.now(), this.#spare))
    this.#spare = undefined
  }

  #written(batch: ArrayBuffer, outcome: BatchOutcome): void {
    const written = this.#inFlight ?? []
    this.#inFlight = undefined
    if (outcome.written) {
      this.#spare = batch
      this.#failing = false
      this.#settle(written, batch, outcome.indexed)
      if (this.#closed) this.#dispatch()
      else if (this.#queued.length + this.#trims.length > 0) this.#dispatchSoon()
    } else {
      this.#refuse(written, outcome)
    }
    if (!this.#inFlight) this.#idle?.()
  }

  #settle(written: readonly Waiting[], batch: ArrayBuffer, indexed: number): void {
    const answers = answersOf(batch)
    let appended = false
    for (let index = 0; index < written.length; index++) {
      const append = written[index]?.append
      const position = answers[index * 2] ?? 0
      if (append === undefined || position === 0) continue
      const { log, entry } = append
      const prev = answers[index * 2 + 1] ?? 0
      const stored = { log, position, prev, body: entry.body }
      this.#tail.push(stored)
      this.#unindexed.push(stored, entry.origin)
      appended = true
    }
    this.#unindexed.dropUpTo(indexed)
    for (let index = 0; index < written.length; index++) {
      written[index]?.resolve(answers[index * 2] !== 0)
    }
    this.#options.onBatch?.(written.length)
    if (appended) this.#wakeFollowers()
  }

  /**
   * L2: what waits behind the failed batch fails with it, so that nobody's later send overtakes an
   * earlier one.
   */
  #refuse(written: readonly Waiting[], outcome: BatchOutcome & { written: false }): void {
    const { reason, message } = outcome
    const says = reason === 'full' ? 'The disk is full.' : 'The message log cannot be written.'
    if (!this.#failing) this.#options.logger.error({ reason, error: message }, says)
    this.#failing = true
    const refusal = new LogUnavailable(reason, says)
    const refused = [...written, ...this.#queued]
    this.#queued = []
    this.#builder.clear()
    if (reason === 'failed') {
      this.#refusing ??= refusal
      refused.push(...this.#trims.splice(0).map(({ waiting }) => waiting))
    } else if (!this.#refusing) {
      this.#refuseForNow(refusal)
    }
    for (const waiting of refused) waiting.reject(refusal)
    if (this.#trims.length > 0) this.#dispatchSoon()
  }

  #wakeFollowers(): void {
    const changed = this.#changed
    this.#changed = []
    for (const run of changed) run()
  }

  #followSource(): FollowSource {
    return {
      committed: (follower) =>
        this.#followed.get(follower) ?? this.#statements.followed.get(follower)?.position ?? 0,
      entriesAfter: (position, limit) =>
        this.#closed ? [] : (this.#tail.read(position, limit) ?? this.#fromFile(position, limit)),
      commitFollower: (follower, position) => this.#commitFollower(follower, position),
      park: (follower, position) =>
        this.#enqueue(undefined, () => this.#builder.parked(follower, position)),
      whenChanged: (run) => this.#changed.push(run),
    }
  }

  #fromFile(position: number, limit: number): LogEntry[] {
    const entries: LogEntry[] = []
    let bytes = 0
    for (const row of this.#statements.follow.iterate(position, this.#tail.newest, limit)) {
      entries.push({ ...row, log: row.log as LogId })
      bytes += row.body.length
      if (bytes > pageBytesMax) break
    }
    return entries
  }

  /**
   * Rides on the next batch, or goes alone after a while: an entry handed out twice does no harm
   * (L6).
   */
  #commitFollower(follower: string, position: number): void {
    if (this.#closed) return
    this.#followed.set(follower, position)
    this.#followedTimer ??= this.#options.clock.after(followerCommitMs, () => {
      this.#followedTimer = undefined
      this.#dispatch()
    })
  }
}

interface UnindexedRow {
  log: string
  position: number
  prev: number
  body: Uint8Array
  /** Empty for what the server wrote itself. */
  device: string
  sequence: number
}

function prepare(reader: SqliteConnection) {
  const sql = <Row, Parameters extends (string | number)[]>(text: string) =>
    reader.prepare<Row, Parameters>(text)
  const number = '(SELECT number FROM logs WHERE log = ?)'
  return {
    kept: sql<{ kept: number }, [string]>('SELECT kept FROM logs WHERE log = ?'),
    read: sql<Omit<LogEntry, 'log'>, [string, number, number, number]>(
      'SELECT places.position, prev, body FROM places ' +
        'CROSS JOIN entries ON entries.position = places.position ' +
        `WHERE places.log = ${number} AND places.position > ? AND places.position <= ? ` +
        'ORDER BY places.position LIMIT ?',
    ),
    head: sql<{ head: number }, [number, string]>(
      'SELECT ifnull((SELECT max(position) FROM places WHERE log = number AND position <= ?), ' +
        'kept) AS head FROM logs WHERE log = ?',
    ),
    follow: sql<
      { position: number; prev: number; body: Uint8Array; log: string },
      [number, number, number]
    >(
      'SELECT position, prev, body, logs.log FROM entries JOIN logs ON logs.number = entries.log ' +
        'WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
    ),
    indexed: sql<{ position: number }, []>('SELECT position FROM indexed'),
    unindexed: sql<UnindexedRow, [number]>(
      'SELECT position, prev, body, logs.log, lower(hex(device)) AS device, sequence ' +
        'FROM entries JOIN logs ON logs.number = entries.log WHERE position > ? ORDER BY position',
    ),
    followed: sql<{ position: number }, [string]>(
      'SELECT position FROM followers WHERE follower = ?',
    ),
    cursors: sql<{ device: string; position: number }, [string]>(
      `SELECT device, position FROM cursors WHERE log = ${number}`,
    ),
    lastSequence: sql<{ sequence: number | null }, [string]>(
      'SELECT max(sequence) AS sequence FROM sequences WHERE device = ?',
    ),
    lastSequenceIn: sql<{ sequence: number }, [string, string]>(
      `SELECT sequence FROM sequences WHERE device = ? AND log = ${number}`,
    ),
    last: sql<{ last: number | null }, []>('SELECT max(position) AS last FROM entries'),
  }
}
