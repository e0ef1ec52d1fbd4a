/**
 * The single writer of the embedded log: applies one batch in one transaction, which is what makes
 * `append` durable (L1). Gives the positions and drops repeats; of what the late index does not
 * have yet, it forgets nothing. Runs in a thread of its own (log-writer.worker.ts) or in the
 * caller's; the code is the same.
 */
import { nextPosition } from '@parley/wire'
import type { SqliteConnection } from '../../sqlite.ts'
import { BatchReader } from './batch.ts'
import { LateIndex } from './late-index.ts'
import { openForWriting } from './schema.ts'
import type { OpeningForWriting, WriterSettings } from './schema.ts'

/** What the writer remembers of a log, so that an append reads nothing. */
interface LogState {
  number: number
  head: number
  sequences: Map<string, SequenceState>
}
interface Unindexed {
  log: string
  number: number
  position: number
  /** Empty for what the server wrote itself. */
  device: string
  sequence: number
}
interface SequenceState {
  sequence: number
  /** Of the entry that brought it; 0 when it was read from the table. */
  position: number
}

export type BatchOutcome =
  /** `indexed`: the tables know everything up to this position. */
  | { written: true; indexed: number }
  /**
   * `full` may pass; `failed` means that nobody knows what the disk holds, so the writer has
   * stopped.
   */
  | { written: false; reason: 'full' | 'failed'; message: string }

/** On a full disk, after the entries have found room for longer than their index. */
const indexBehind: BatchOutcome = {
  written: false,
  reason: 'full',
  message: 'the index of the message log is too far behind',
}
/** Logs and sequences of one generation; there are two, and what is not indexed yet. */
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
  readonly #index: LateIndex
  #appended = { entries: 0, bytes: 0 }
  #last: number
  #version: number
  #stopped: BatchOutcome | undefined
  #isReady = false

  constructor(database: SqliteConnection, { sync, pace }: Pick<WriterSettings, 'sync' | 'pace'>) {
    this.#database = database
    this.#statements = prepare(database)
    this.#index = new LateIndex(database, sync, pace)
    this.#last = this.#statements.last.get()?.last ?? 0
    this.#version = this.#statements.version.get()?.data_version ?? 0
  }

  /**
   * Reads what the tables do not know yet, once: apart from opening, so that a server that starts
   * can read its own share of the file meanwhile. What is wrong, when something is.
   */
  getReady(): BatchOutcome | undefined {
    if (this.#isReady || this.#stopped) return this.#stopped
    try {
      this.#index.reload()
      this.#remember()
      this.#isReady = true
      return undefined
    } catch (error) {
      return this.#refusal(error)
    }
  }

  /**
   * Applies the batch, writes the answers into it: for an append its position and `prev`, 0 for a
   * repeat; for a trim whether it reached its end. Never throws.
   */
  write(batch: ArrayBuffer): BatchOutcome {
    const unready = this.getReady()
    if (unready) return unready
    if (this.#index.isOver) this.tidy()
    if (this.#stopped) return this.#stopped
    const reader = new BatchReader(batch)
    const last = this.#last
    this.#appended = { entries: 0, bytes: 0 }
    reader.next()
    if (this.#index.isOver && reader.kind !== 'trim') return indexBehind
    try {
      this.#statements.begin.run()
      this.#checkAlone()
      do this.#apply(reader)
      while (reader.next())
      this.#statements.commit.run()
      this.#index.wrote(this.#appended)
    } catch (error) {
      return this.#undo(error, last)
    }
    if (this.#remembered > rememberedMax) this.#turnGeneration()
    return { written: true, indexed: this.#index.upTo }
  }

  /** Between batches, when the answers are on their way: steps of the index and checkpoints. */
  tidy(): void {
    if (this.#stopped || !this.#isReady) return
    try {
      for (const _ of this.#index.steps(this.#appended.entries)) this.#checkpoint()
    } catch (error) {
      // The entries are durable without it; on a full disk it is tried again after each batch.
      this.#refusal(error)
    }
    this.#checkpoint()
  }

  #checkpoint(): void {
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
    const { body, device, number } = reader
    if (device === '') this.#statements.insert.run(position, state.number, state.head, body)
    else {
      const { insertFrom } = this.#statements
      insertFrom.run(position, state.number, state.head, body, device, number)
      state.sequences.set(device, { sequence: number, position })
    }
    reader.answer(position, state.head)
    state.head = position
    this.#last = position
    this.#appended.entries++
    this.#appended.bytes += body.length
  }

  /** L3. */
  #isNew(state: LogState, device: string, sequence: number): boolean {
    let known = state.sequences.get(device)
    if (!known) {
      const stored = this.#statements.sequence.get(device, state.number)
      known = { sequence: stored?.sequence ?? 0, position: 0 }
      state.sequences.set(device, known)
      this.#remembered++
    }
    return sequence > known.sequence
  }

  /** The tables do not know what is not indexed, so that stays. */
  #turnGeneration(): void {
    const indexed = this.#index.upTo
    const logs = new Map([...this.#older, ...this.#logs].filter(([, { head }]) => head > indexed))
    for (const log of logs.keys()) this.#logs.delete(log)
    this.#older = this.#logs
    this.#logs = logs
    this.#remembered = 0
  }

  #state(log: string): LogState {
    const known = this.#logs.get(log)
    if (known) return known
    const state = this.#older.get(log) ?? this.#stored(log)
    this.#older.delete(log)
    if (state.sequences.size > sequencesKeptMax) forgetIndexed(state, this.#index.upTo)
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
    const step = this.#statements.trimmed.get(reader.number, trimStepEntries)
    const upTo = step?.newest ?? 0
    if (upTo > 0) {
      this.#statements.keepHeads.run(upTo)
      this.#index.beforeTrim(upTo)
      this.#statements.trimPlaces.run(upTo)
      this.#statements.trim.run(upTo)
    }
    reader.answer((step?.entries ?? 0) < trimStepEntries ? 1 : 0, 0)
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
    this.#appended = { entries: 0, bytes: 0 }
    const refusal = this.#refusal(error)
    if (this.#stopped) return refusal
    try {
      this.#remember()
    } catch (unreadable) {
      return this.#refusal(unreadable)
    }
    return refusal
  }

  #refusal(error: unknown): BatchOutcome {
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

  /** What the file says and no table does; all else is forgotten. */
  #remember(): void {
    this.#logs.clear()
    this.#older.clear()
    this.#remembered = 0
    for (const row of this.#statements.unindexed.iterate(this.#index.upTo)) {
      const { log, number, position, device, sequence } = row
      let state = this.#logs.get(log)
      if (!state) this.#logs.set(log, (state = { number, head: 0, sequences: new Map() }))
      state.head = position
      if (device !== '') state.sequences.set(device, { sequence, position })
    }
  }
}

function forgetIndexed({ sequences }: LogState, indexed: number): void {
  for (const [device, { position }] of sequences) {
    if (position <= indexed) sequences.delete(device)
  }
}

export function openLogWriter(settings: WriterSettings, opening?: OpeningForWriting): LogWriter {
  const database = openForWriting(settings, opening)
  try {
    return new LogWriter(database, settings)
  } catch (error) {
    database.close()
    throw error
  }
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
    insertFrom: sql<never, [number, number, number, Uint8Array, string, number]>(
      'INSERT INTO entries (position, log, prev, body, device, sequence) ' +
        'VALUES (?, ?, ?, ?, unhex(?), ?)',
    ),
    log: sql<{ number: number; head: number }, [string]>(
      'SELECT number, ifnull((SELECT max(position) FROM places WHERE log = number), kept) AS head ' +
        'FROM logs WHERE log = ?',
    ),
    unindexed: sql<Unindexed, [number]>(
      'SELECT logs.log, number, position, lower(hex(device)) AS device, sequence ' +
        'FROM entries JOIN logs ON logs.number = entries.log WHERE position > ? ORDER BY position',
    ),
    sequence: sql<{ sequence: number }, [string, number]>(
      'SELECT sequence FROM sequences WHERE device = ? AND log = ?',
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
    trimmed: sql<{ newest: number | null; entries: number }, [number, number]>(
      'SELECT max(position) AS newest, count(*) AS entries FROM ' +
        '(SELECT position FROM entries WHERE position < ? ORDER BY position LIMIT ?)',
    ),
    keepHeads: sql<never, [number]>(
      'UPDATE logs SET kept = step.newest FROM (SELECT log, max(position) AS newest ' +
        'FROM entries WHERE position <= ? GROUP BY log) AS step WHERE logs.number = step.log',
    ),
    trimPlaces: sql<never, [number]>(
      'DELETE FROM places WHERE (log, position) IN ' +
        '(SELECT log, position FROM entries WHERE position <= ?)',
    ),
    trim: sql<never, [number]>('DELETE FROM entries WHERE position <= ?'),
  }
}
