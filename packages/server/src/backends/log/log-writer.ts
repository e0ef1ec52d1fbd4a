/**
 * The single writer of the embedded log: applies one batch in one transaction, which is what makes
 * `append` durable (L1). Gives the positions and drops repeats. Runs in a thread of its own
 * (log-writer.worker.ts) or in the caller's; the code is the same.
 */
import { nextPosition } from '@parley/wire'
import { openBunSqlite } from '../../sqlite.ts'
import type { SqliteConnection } from '../../sqlite.ts'
import { BatchReader } from './batch.ts'
import { openForWriting } from './schema.ts'
import type { WriterSettings } from './schema.ts'

/** What the writer remembers of a log, so that an append reads nothing. */
interface LogState {
  number: number
  head: number
  sequences: Map<string, SequenceState>
}
interface SequenceState {
  log: number
  device: string
  sequence: number
  /** Changed in this batch and not yet written. */
  dirty: boolean
}

export type BatchOutcome =
  | { written: true }
  /**
   * `full` may pass; `failed` means that nobody knows what the disk holds, so the writer has
   * stopped.
   */
  | { written: false; reason: 'full' | 'failed'; message: string }

/** Logs and sequences of one generation; there are two. */
const rememberedMax = 50_000
/** More than this many of one log's sequences do not go on into the next generation. */
const sequencesKeptMax = 1_000
const trimStepEntries = 1_000
/**
 * Bigger write-ahead logs cost fewer page writes, and longer pauses: 4,000 pages take about 10 ms.
 * What a killed process leaves has to be written again before the next one serves.
 */
const checkpointPages = 4_000
const fullCodes = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_IOERR_SHMMAP'])

export class LogWriter {
  readonly #database: SqliteConnection
  readonly #statements: ReturnType<typeof prepare>
  /** What was used lately, and what was before: a generation goes at a time, and never all. */
  #logs = new Map<string, LogState>()
  #older = new Map<string, LogState>()
  #remembered = 0
  readonly #dirty: SequenceState[] = []
  #last: number
  #version: number
  #stopped: BatchOutcome | undefined

  constructor(database: SqliteConnection) {
    this.#database = database
    this.#statements = prepare(database)
    this.#last = this.#statements.last.get()?.last ?? 0
    this.#version = this.#statements.version.get()?.data_version ?? 0
  }

  /**
   * Applies the batch, writes the answers into it: for an append its position and `prev`, 0 for a
   * repeat; for a trim whether it reached its end. Never throws.
   */
  write(batch: ArrayBuffer): BatchOutcome {
    if (this.#stopped) return this.#stopped
    const reader = new BatchReader(batch)
    const last = this.#last
    try {
      this.#statements.begin.run()
      this.#checkAlone()
      while (reader.next()) this.#apply(reader)
      this.#writeSequences()
      this.#statements.commit.run()
    } catch (error) {
      return this.#undo(error, last)
    }
    return { written: true }
  }

  /** Between batches, when the answers are on their way: a checkpoint, if one is due. */
  tidy(): void {
    try {
      const { log = 0, checkpointed = 0 } = this.#statements.journal.get() ?? {}
      if (log - checkpointed >= checkpointPages) this.#statements.checkpoint.run()
    } catch {
      // It can wait: the entries are durable in the write-ahead log.
    }
  }

  close(): void {
    this.#database.close()
  }

  #apply(reader: BatchReader): void {
    switch (reader.kind) {
      case 'append':
        return this.#append(reader)
      case 'cursor': {
        const { number } = this.#state(reader.text)
        this.#statements.cursor.run(number, reader.device, reader.number)
        return
      }
      case 'followed':
        this.#statements.followed.run(reader.text, reader.number)
        return
      case 'parked':
        this.#statements.parked.run(reader.text, reader.number)
        return
      case 'trim':
        return this.#trim(reader)
    }
  }

  #append(reader: BatchReader): void {
    const state = this.#state(reader.text)
    if (reader.device !== '' && !this.#isNew(state, reader.device, reader.number)) {
      return reader.answer(0, 0)
    }
    const position = nextPosition(this.#last, reader.nowMs)
    this.#statements.insert.run(position, state.number, state.head, reader.body)
    reader.answer(position, state.head)
    state.head = position
    this.#last = position
  }

  /** L3. */
  #isNew(state: LogState, device: string, sequence: number): boolean {
    let known = state.sequences.get(device)
    if (!known) {
      const stored = this.#statements.sequence.get(device, state.number)
      known = { log: state.number, device, sequence: stored?.sequence ?? 0, dirty: false }
      state.sequences.set(device, known)
      this.#remembered++
    }
    if (sequence <= known.sequence) return false
    known.sequence = sequence
    if (!known.dirty) this.#dirty.push(known)
    known.dirty = true
    return true
  }

  #writeSequences(): void {
    for (const known of this.#dirty) {
      this.#statements.setSequence.run(known.device, known.log, known.sequence)
      known.dirty = false
    }
    this.#dirty.length = 0
    if (this.#remembered <= rememberedMax) return
    this.#older = this.#logs
    this.#logs = new Map()
    this.#remembered = 0
  }

  #state(log: string): LogState {
    const known = this.#logs.get(log)
    if (known) return known
    const state = this.#older.get(log) ?? this.#stored(log)
    this.#older.delete(log)
    if (state.sequences.size > sequencesKeptMax) state.sequences.clear()
    this.#logs.set(log, state)
    this.#remembered += 1 + state.sequences.size
    return state
  }

  #stored(log: string): LogState {
    const stored = this.#statements.log.get(log)
    if (stored) return { ...stored, sequences: new Map() }
    const { lastInsertRowid } = this.#statements.addLog.run(log)
    return { number: Number(lastInsertRowid), head: 0, sequences: new Map() }
  }

  /**
   * One bounded step of L8, oldest first; the kept heads are what `read`, `heads` and the next
   * `prev` need of an emptied log.
   */
  #trim(reader: BatchReader): void {
    this.#statements.keepHeads.run(reader.number, trimStepEntries)
    const { changes } = this.#statements.trim.run(reader.number, trimStepEntries)
    reader.answer(changes < trimStepEntries ? 1 : 0, 0)
  }

  /** Positions and sequences are given from memory, so a second writer would break L3 and L4. */
  #checkAlone(): void {
    const version = this.#statements.version.get()?.data_version
    if (version !== this.#version) {
      throw new Error('another program writes to the message log; stop it and start again')
    }
  }

  #undo(error: unknown, last: number): BatchOutcome {
    if (this.#database.inTransaction) {
      try {
        this.#statements.rollback.run()
      } catch {
        // The outcome below already says that the batch is not stored.
      }
    }
    this.#last = last
    this.#dirty.length = 0
    this.#forget()
    const message = error instanceof Error ? error.message : String(error)
    const code = (error as { code?: unknown }).code
    if (typeof code === 'string' && fullCodes.has(code)) {
      return { written: false, reason: 'full', message }
    }
    // After a failed sync the kernel may have dropped the pages: what is on the disk is unknown, so
    // nothing more is accepted.
    this.#stopped = { written: false, reason: 'failed', message }
    return this.#stopped
  }

  #forget(): void {
    this.#logs.clear()
    this.#older.clear()
    this.#remembered = 0
  }
}

export function openLogWriter(settings: WriterSettings, open = openBunSqlite): LogWriter {
  return new LogWriter(openForWriting(settings, open))
}

function prepare(database: SqliteConnection) {
  const sql = <Row, Parameters extends (string | number | Uint8Array)[]>(text: string) =>
    database.prepare<Row, Parameters>(text)
  return {
    begin: sql<never, []>('BEGIN IMMEDIATE'),
    commit: sql<never, []>('COMMIT'),
    rollback: sql<never, []>('ROLLBACK'),
    checkpoint: sql<never, []>('PRAGMA wal_checkpoint(PASSIVE)'),
    journal: sql<{ log: number; checkpointed: number }, []>('PRAGMA wal_checkpoint(NOOP)'),
    version: sql<{ data_version: number }, []>('PRAGMA data_version'),
    last: sql<{ last: number }, []>(
      // What was trimmed is older than what is left.
      'SELECT coalesce((SELECT max(position) FROM entries), (SELECT max(kept) FROM logs), 0) AS last',
    ),
    insert: sql<never, [number, number, number, Uint8Array]>(
      'INSERT INTO entries (position, log, prev, body) VALUES (?, ?, ?, ?)',
    ),
    addLog: sql<never, [string]>('INSERT INTO logs (log, kept) VALUES (?, 0)'),
    log: sql<{ number: number; head: number }, [string]>(
      'SELECT number, ifnull((SELECT max(position) FROM entries WHERE log = number), kept) AS head ' +
        'FROM logs WHERE log = ?',
    ),
    sequence: sql<{ sequence: number }, [string, number]>(
      'SELECT sequence FROM sequences WHERE device = ? AND log = ?',
    ),
    setSequence: sql<never, [string, number, number]>(
      'INSERT INTO sequences (device, log, sequence) VALUES (?, ?, ?) ' +
        'ON CONFLICT (device, log) DO UPDATE SET sequence = excluded.sequence',
    ),
    cursor: sql<never, [number, string, number]>(
      'INSERT INTO cursors (log, device, position) VALUES (?, ?, ?) ON CONFLICT (log, device) ' +
        'DO UPDATE SET position = excluded.position WHERE excluded.position > position',
    ),
    followed: sql<never, [string, number]>(
      'INSERT INTO followers (follower, position) VALUES (?, ?) ON CONFLICT (follower) ' +
        'DO UPDATE SET position = excluded.position WHERE excluded.position > position',
    ),
    parked: sql<never, [string, number]>(
      'INSERT INTO parked (follower, position) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    keepHeads: sql<never, [number, number]>(
      'UPDATE logs SET kept = step.newest FROM (SELECT log, max(position) AS newest FROM ' +
        '(SELECT log, position FROM entries WHERE position < ? ORDER BY position LIMIT ?) ' +
        'GROUP BY log) AS step WHERE logs.number = step.log',
    ),
    trim: sql<never, [number, number]>(
      'DELETE FROM entries WHERE position IN ' +
        '(SELECT position FROM entries WHERE position < ? ORDER BY position LIMIT ?)',
    ),
  }
}
