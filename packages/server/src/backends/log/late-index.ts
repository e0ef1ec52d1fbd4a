/**
 * What finds the entries of one log, and the last send sequences: written late, sorted and in bulk,
 * because for each entry by itself they cost more than the entry. Steps are transactions of their
 * own between batches; the last one of a run moves `indexed`. What a killed run has left is written
 * over by the next, so every step can be repeated.
 */
import type { SqliteConnection } from '../../sqlite.ts'

export interface LatePace {
  /** With so many entries, or bytes of them, a run begins. */
  entries: number
  bytes: number
}

interface PlaceRow {
  log: number
  position: number
}
interface SequenceRow {
  device: string
  log: number
  sequence: number
}
/** Rows up to `next` are in their tables. */
interface Run {
  upTo: number
  places: readonly PlaceRow[]
  sequences: readonly SequenceRow[]
  next: number
}

const usualPace: LatePace = { entries: 16_384, bytes: 8 * 1024 * 1024 }
/** Appends are refused with so many times what a run begins with. */
const refusedAt = 2
/** A step has so much of what a run begins with: 1,024 rows on a server. */
const stepShare = 1 / 16
/**
 * A run has at most two rows for an entry; with four for each new one it ends before half as many
 * have come.
 */
const rowsPerEntry = 4

export class LateIndex {
  readonly #database: SqliteConnection
  readonly #statements: ReturnType<typeof prepare>
  readonly #pace: LatePace
  readonly #sync: 'full' | 'off'
  readonly #stepRows: number
  #run: Run | undefined
  #upTo = 0
  #entries = 0
  /** Beyond `#upTo`, in the batch that is being written. */
  #isTrimmed = false
  #bytes = 0

  constructor(database: SqliteConnection, sync: 'full' | 'off', pace: LatePace = usualPace) {
    this.#database = database
    this.#statements = prepare(database)
    this.#pace = pace
    this.#sync = sync
    this.#stepRows = Math.ceil(pace.entries * stepShare)
  }

  /** The tables know everything up to this position. */
  get upTo(): number {
    return this.#upTo
  }

  /** So much waits that nothing more may be appended. */
  get isOver(): boolean {
    const { entries, bytes } = this.#pace
    return this.#entries >= refusedAt * entries || this.#bytes >= refusedAt * bytes
  }

  /** What the file says, after a start, a trim, or a batch that was rolled back. */
  reload(): void {
    this.#upTo = this.#statements.indexed.get()?.position ?? 0
    const { entries = 0, bytes = 0 } = this.#statements.waiting.get(this.#upTo) ?? {}
    this.#entries = entries
    this.#bytes = bytes
    this.#run = undefined
    this.#isTrimmed = false
  }

  /** After the commit of a batch. */
  wrote({ entries, bytes }: { entries: number; bytes: number }): void {
    this.#entries += entries
    this.#bytes += bytes
    if (this.#isTrimmed) this.reload()
  }

  /**
   * The steps that are due after a batch with so many entries. Throws what SQLite says, and then
   * nothing of the step is stored.
   */
  *steps(newEntries: number): Generator<void> {
    const { entries, bytes } = this.#pace
    if (!this.#run && this.#entries < entries && this.#bytes < bytes) return
    let rows = this.isOver ? Number.POSITIVE_INFINITY : rowsPerEntry * newEntries
    do {
      this.#step()
      rows -= this.#stepRows
      yield
    } while (this.#run && rows > 0)
  }

  /**
   * Within the transaction of a trim: the last sequences of what goes and is not indexed. All up to
   * the position goes.
   */
  beforeTrim(upTo: number): void {
    if (upTo <= this.#upTo) return
    this.#statements.keepSequences.run(this.#upTo, upTo)
    this.#statements.setIndexed.run(upTo)
    this.#isTrimmed = true
  }

  #step(): void {
    this.#run ??= this.#begin()
    const run = this.#run
    const rows = run.places.length + run.sequences.length
    const end = Math.min(rows, run.next + this.#stepRows)
    // The next batch syncs the step with itself; a step that is lost is done again.
    this.#setSync('normal')
    try {
      this.#statements.begin.run()
      for (let index = run.next; index < end; index++) this.#writeRow(run, index)
      if (end === rows) this.#statements.setIndexed.run(run.upTo)
      this.#statements.commit.run()
    } catch (error) {
      if (this.#database.inTransaction) this.#statements.rollback.run()
      throw error
    } finally {
      this.#setSync('full')
    }
    run.next = end
    if (end === rows) this.reload()
  }

  /** Not as a prepared statement: this one acts when it is prepared, and only then. */
  #setSync(sync: 'normal' | 'full'): void {
    if (this.#sync === 'full') this.#database.run(`PRAGMA synchronous = ${sync}`)
  }

  #begin(): Run {
    return {
      upTo: this.#statements.last.get()?.position ?? this.#upTo,
      places: this.#statements.places.all(this.#upTo),
      sequences: this.#statements.sequences.all(this.#upTo),
      next: 0,
    }
  }

  #writeRow({ places, sequences }: Run, index: number): void {
    const place = places[index]
    if (place) {
      this.#statements.setPlace.run(place.log, place.position)
      return
    }
    const row = sequences[index - places.length]
    if (row) this.#statements.setSequence.run(row.device, row.log, row.sequence)
  }
}

const newerSequence =
  'ON CONFLICT (device, log) DO UPDATE SET sequence = max(sequence, excluded.sequence)'

function prepare(database: SqliteConnection) {
  const sql = <Row, Parameters extends (string | number)[]>(text: string) =>
    database.prepare<Row, Parameters>(text)
  return {
    begin: sql<never, []>('BEGIN IMMEDIATE'),
    commit: sql<never, []>('COMMIT'),
    rollback: sql<never, []>('ROLLBACK'),
    indexed: sql<{ position: number }, []>('SELECT position FROM indexed'),
    setIndexed: sql<never, [number]>('UPDATE indexed SET position = ?'),
    waiting: sql<{ entries: number; bytes: number }, [number]>(
      'SELECT count(*) AS entries, ifnull(sum(length(body)), 0) AS bytes FROM entries ' +
        'WHERE position > ?',
    ),
    last: sql<{ position: number }, []>('SELECT max(position) AS position FROM entries'),
    places: sql<PlaceRow, [number]>(
      'SELECT log, position FROM entries WHERE position > ? ORDER BY log, position',
    ),
    sequences: sql<SequenceRow, [number]>(
      'SELECT lower(hex(device)) AS device, log, max(sequence) AS sequence FROM entries ' +
        'WHERE position > ? AND device IS NOT NULL GROUP BY device, log ORDER BY device, log',
    ),
    setPlace: sql<never, [number, number]>(
      'INSERT INTO places (log, position) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    setSequence: sql<never, [string, number, number]>(
      `INSERT INTO sequences (device, log, sequence) VALUES (?, ?, ?) ${newerSequence}`,
    ),
    keepSequences: sql<never, [number, number]>(
      'INSERT INTO sequences (device, log, sequence) ' +
        'SELECT lower(hex(device)), log, max(sequence) FROM entries ' +
        'WHERE position > ? AND position <= ? AND device IS NOT NULL GROUP BY device, log ' +
        newerSequence,
    ),
  }
}
