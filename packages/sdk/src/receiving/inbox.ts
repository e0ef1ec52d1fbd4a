/**
 * Hop 6 of ARCHITECTURE.md: takes the entries of the own inbox in order, opens them, and commits
 * plaintext, ratchets, cursor, marks, chat rows and events in one transaction; only then it
 * acknowledges. Rules Y10-Y19: docs/spec/sync.md.
 */
import { fetchEntriesMax, inboxOf } from '@parley/wire'
import type { AccountId, Content, DeviceId, Entry, LogId, MessageContent } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { isNews, listedDevice, refreshDevices } from '../trust/devices.ts'
import type { Connection } from '../connection/connection.ts'
import type { EngineFrame } from '../connection/frame-socket.ts'
import { isDelivered, isTaken, writeContent, writeNotOpened, writeRepeat } from './incoming.ts'
import type { NotOpened } from './incoming.ts'
import { LogReader } from './log-reader.ts'
import { openEnvelope } from './opening.ts'
import type { Opened } from './opening.ts'
import { StoreError } from '../platform/ports.ts'
import { writeReceiptEntry } from './receipts.ts'
import { Retries } from './retries.ts'
import { Ratchets } from '../trust/sessions.ts'
import { readCursor, readHadBefore, writeCursor } from '../store/cursors.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readMarks } from '../store/marks.ts'
import { StaleSession } from '../store/sessions.ts'
import { readUnopenedOf } from '../store/unopened.ts'
import { Alarm } from '../tasks.ts'

type CaughtUp = Extract<EngineFrame, { kind: 'caught-up' }>

/** What the rest of the engine does about what came in. All are called after the commit. */
export interface InboxEvents {
  /** Marks may have risen. */
  marksChanged(): void
  /** It was opened and written; answers to it may be in the outbox. */
  received(sender: AccountId, content: Content): void
  preKeysUsed(): void
  /** A content mentions a list of this account that is not known. */
  listMentioned(account: AccountId, content: Content): void
  /** The own list has a newer version. */
  ownListChanged(): void
  /** An entry held nothing for this device, which knows of no mark; what does the account have? */
  absent(sender: AccountId, device: DeviceId): void
  /** Something waits for its sender: when it is due to be asked for. */
  unopened(askAtMs: number): void
  failed(error: unknown): void
}

interface Step {
  entry: Entry
  opened: Opened | { kind: 'taken' } | { kind: 'own' } | undefined
}

/**
 * Entries that are committed together, at most: a transaction waits for the disk once. A quarter of
 * what the server sends without an Ack, so that it reads on while these are opened.
 */
const batchMax = 256
/** Entries that come within this of the last ones are many: the next are taken together. */
const burstMs = 5
/** More than the server sends without an Ack; what comes beyond is a gap, and is fetched again. */
const queueMax = 2_048
const fetchAgainMs = 10_000
/** Before a gap that an answer did not fill is asked for again, or a server could keep us busy. */
const fetchStuckMs = 250
/** How long a message of somebody who could not be verified waits before it is tried again. */
const unverifiedRetryMs = 5_000
/** Time for the server to say that another device has it. */
const absentGraceMs = 3_000
const retriedMax = 64
const staleMax = 5

export class Inbox {
  readonly #core: Core
  readonly #connection: Connection
  readonly #events: InboxEvents
  readonly #retries = new Retries()
  readonly #alarm: Alarm
  #log: LogId | undefined
  #reader = new LogReader(0)
  #queue: (Entry | CaughtUp)[] = []
  /** It runs, or is about to. */
  #running = false
  #ranAtMs = Number.NEGATIVE_INFINITY
  /** Where the last Fetch began. */
  #fetchedAfter: number | undefined
  /** Changes with each connection, so that work of an older one stops. */
  #generation = 0

  constructor(core: Core, connection: Connection, events: InboxEvents) {
    this.#core = core
    this.#connection = connection
    this.#events = events
    this.#alarm = new Alarm(core.tasks, core.clock, () => this.#fetchAgain())
  }

  connected(): void {
    this.#generation++
    this.#queue = []
    this.#log = inboxOf(ownAccount(this.#core).account)
    this.#reader = new LogReader(readCursor(this.#core.store, this.#log))
    this.#fetchedAfter = undefined
  }

  lost(): void {
    this.#generation++
    this.#queue = []
  }

  receive(frame: Entry | CaughtUp): void {
    if (frame.log !== this.#log || this.#queue.length >= queueMax) return
    this.#queue.push(frame)
    if (this.#running) return
    this.#running = true
    const { clock, tasks } = this.#core
    // Each frame comes by itself: whoever began with the first would commit each by itself.
    const isBurst = !this.#reader.isComplete || clock.now() - this.#ranAtMs < burstMs
    if (isBurst) tasks.after(0, () => tasks.run(() => this.#run()))
    else tasks.run(() => this.#run())
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#core.tasks.ended) await this.#takeSome()
    } catch (error) {
      // The reader is ahead of what is committed. Whatever came after it would pass over what was
      // not written, so nothing more is taken on this connection.
      this.#log = undefined
      this.#queue = []
      this.#events.failed(error)
    } finally {
      this.#running = false
      this.#ranAtMs = this.#core.clock.now()
    }
  }

  async #takeSome(): Promise<void> {
    const [first] = this.#queue
    if (first?.kind === 'caught-up') {
      this.#queue.shift()
      this.#takeCaughtUp(first)
    } else {
      const generation = this.#generation
      const batch = this.#nextBatch()
      if (batch.length > 0) await this.#take(batch, generation)
      if (generation !== this.#generation) return
    }
    this.#fetchMissing()
  }

  /** The next entries in order; repeats and what lies behind a gap are dropped (Y10, Y11). */
  #nextBatch(): Entry[] {
    const batch: Entry[] = []
    const now = this.#core.serverClock.now()
    while (batch.length < batchMax) {
      const [frame] = this.#queue
      if (frame?.kind !== 'entry') break
      this.#queue.shift()
      if (this.#reader.place(frame, now) !== 'next') continue
      this.#reader.taken(frame.position)
      batch.push(frame)
    }
    return batch
  }

  async #take(batch: readonly Entry[], generation: number): Promise<void> {
    await this.#verifySenders(batch)
    const senders = batch.flatMap(({ content }) =>
      content.kind === 'message' ? [content.sender] : [],
    )
    await this.#core.turns.takeAll(senders, async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#openAndWrite(batch)
        } catch (error) {
          if (!(error instanceof StaleSession) || tries >= staleMax) throw error
        }
      }
    })
    if (generation !== this.#generation) return
    const last = batch.at(-1)
    if (last) this.#connection.send({ kind: 'ack', log: last.log, position: last.position })
  }

  /**
   * Lists of senders that are not known are fetched before, so that nobody's turn waits for the
   * network. Without an answer their messages stay unopened for now.
   */
  async #verifySenders(batch: readonly Entry[]): Promise<void> {
    const { store } = this.#core
    const asked = new Set<AccountId>()
    for (const { content } of batch) {
      if (content.kind !== 'message' || asked.has(content.sender)) continue
      if (listedDevice(readDeviceList(store, content.sender), content.senderDevice)) continue
      asked.add(content.sender)
      try {
        const learned = await refreshDevices(this.#core, content.sender)
        // What could not be verified before goes first: one device's messages show in order (I3).
        if (learned === 'changed') await this.retryNow(content.sender)
      } catch (error) {
        if (error instanceof StoreError) throw error
      }
    }
  }

  async #openAndWrite(batch: readonly Entry[]): Promise<void> {
    const { store } = this.#core
    const ratchets = new Ratchets(this.#core)
    const seen = new Set<string>()
    const steps: Step[] = []
    for (const entry of batch) {
      const { content } = entry
      const opened =
        content.kind === 'message' ? await this.#open(ratchets, content, seen) : undefined
      steps.push({ entry, opened })
    }
    store.transaction(() => {
      ratchets.write()
      for (const step of steps) this.#write(step)
      const last = batch.at(-1)
      if (last) writeCursor(store, last.log, last.position)
    })
    this.#announce(steps, ratchets)
  }

  async #open(
    ratchets: Ratchets,
    message: MessageContent,
    seen: Set<string>,
  ): Promise<Step['opened']> {
    const { envelope, sender, messageId } = message
    if (sender === ownAccount(this.#core).account) return { kind: 'own' }
    const key = `${sender} ${messageId}`
    const isHere = seen.has(key) || isTaken(this.#core, message)
    if (!envelope) return isHere ? { kind: 'repeat' } : { kind: 'unopened', tried: false }
    const opened = await openEnvelope(this.#core, ratchets, message, envelope)
    if (opened.kind === 'content') seen.add(key)
    if (!isHere) return opened
    // E6: a receipt is owed to the sender who encrypts it again, not to whoever replays it.
    return { kind: opened.kind === 'content' ? 'taken' : 'repeat' }
  }

  /** Inside the transaction. */
  #write({ entry, opened }: Step): void {
    const { content } = entry
    if (content.kind === 'receipt') return writeReceiptEntry(this.#core, content)
    if (content.kind !== 'message') return
    switch (opened?.kind) {
      case 'content':
        return writeContent(this.#core, content, opened.content)
      case 'taken':
        return writeRepeat(this.#core, content)
      case 'unopened':
        return this.#writeUnopened(entry, content)
      case 'repeat':
      case 'own':
      case undefined:
        return
    }
  }

  #writeUnopened(entry: Entry, message: MessageContent): void {
    // What was read before a restore and held nothing for this device is not asked for again (Y43).
    const isOld = entry.position <= readHadBefore(this.#core.store)
    if (!message.envelope && (isOld || isDelivered(this.#core, message))) return
    writeNotOpened(this.#core, message, this.#notOpened(entry, message))
  }

  #notOpened({ position }: Entry, message: MessageContent): NotOpened {
    const now = this.#core.clock.now()
    const { envelope, sender, senderDevice } = message
    if (!envelope) {
      const askAtMs = now + absentGraceMs
      return { position, type: 'absent', ciphertext: undefined, shown: false, askAtMs }
    }
    const { type, ciphertext } = envelope
    const isListed = listedDevice(readDeviceList(this.#core.store, sender), senderDevice)
    if (isListed) return { position, type, ciphertext, shown: true, askAtMs: now }
    return { position, type, ciphertext, shown: false, askAtMs: now + unverifiedRetryMs }
  }

  #announce(steps: readonly Step[], ratchets: Ratchets): void {
    const { store } = this.#core
    this.#events.marksChanged()
    if (ratchets.usedPreKeys) this.#events.preKeysUsed()
    const retry = new Set<AccountId>()
    for (const { entry, opened } of steps) {
      const { content } = entry
      if (content.kind === 'devices') this.#events.ownListChanged()
      if (content.kind !== 'message') continue
      if (opened?.kind === 'content') {
        this.#announceContent(content.sender, opened.content)
        if (content.envelope?.type === 'prekey') retry.add(content.sender)
      }
      if (opened?.kind !== 'unopened') continue
      if (!content.envelope) this.#announceAbsent(content)
      this.#events.unopened(this.#notOpened(entry, content).askAtMs)
    }
    for (const sender of retry) {
      if (readUnopenedOf(store, sender, 1).length > 0) this.retry(sender)
    }
  }

  /**
   * Marks of its own say what this device had, also after it was restored; only a fresh one has to
   * ask.
   */
  #announceAbsent({ sender, senderDevice }: MessageContent): void {
    const known = readMarks(this.#core.store, sender, senderDevice)
    if ((known?.delivered ?? 0) === 0) this.#events.absent(sender, senderDevice)
  }

  #announceContent(sender: AccountId, content: Content): void {
    const { store } = this.#core
    this.#events.received(sender, content)
    const own = ownAccount(this.#core).account
    const mentionsNews =
      isNews(store, sender, content.senderList) || isNews(store, own, content.recipientList)
    if (mentionsNews) this.#events.listMentioned(sender, content)
  }

  /** There is a new key for this sender: what could not be opened is tried again (E7). */
  retry(sender: AccountId): void {
    this.#core.tasks.run(() => this.retryNow(sender))
  }

  async retryNow(sender: AccountId): Promise<void> {
    const { store, turns } = this.#core
    for (const item of readUnopenedOf(store, sender, retriedMax)) {
      const { ciphertext, type, id: messageId } = item
      if (!ciphertext || type === 'absent') continue
      const key = `${sender} ${messageId}`
      if (this.#retries.areSpent(key)) continue
      const head = { ...item, messageId }
      await turns.take(sender, async () => {
        const ratchets = new Ratchets(this.#core)
        const opened = await openEnvelope(this.#core, ratchets, head, { type, ciphertext })
        if (opened.kind === 'unopened' && opened.tried) this.#retries.count(key)
        if (opened.kind !== 'content') return
        try {
          store.transaction(() => {
            ratchets.write()
            writeContent(this.#core, head, opened.content)
          })
        } catch (error) {
          // The keys of the sender changed meanwhile: it stays unopened.
          if (error instanceof StaleSession) return
          throw error
        }
        if (ratchets.usedPreKeys) this.#events.preKeysUsed()
        this.#announceContent(sender, opened.content)
      })
    }
    this.#events.marksChanged()
  }

  #takeCaughtUp(frame: CaughtUp): void {
    const { store } = this.#core
    this.#reader.caughtUp(frame.position, frame.expiredUpTo)
    store.transaction(() => writeCursor(store, frame.log, this.#reader.at))
    if (this.#reader.isComplete) this.#connection.caughtUp()
  }

  #fetchMissing(): void {
    const after = this.#reader.toFetch()
    const log = this.#log
    if (after === undefined || !log) return
    if (after === this.#fetchedAfter) {
      return this.#alarm.setAt(this.#core.clock.now() + fetchStuckMs)
    }
    this.#fetchedAfter = after
    if (!this.#connection.send({ kind: 'fetch', log, after, limit: fetchEntriesMax })) return
    this.#reader.asked()
    this.#alarm.setAt(this.#core.clock.now() + fetchAgainMs)
  }

  #fetchAgain(): void {
    if (!this.#connection.live()) return
    this.#reader.unasked()
    this.#fetchedAfter = undefined
    this.#fetchMissing()
  }
}
