/**
 * Hop 5: serves one log to one device. The bus is subscribed first, then the backlog is read from
 * the cursor, CaughtUp, then news goes out as it comes. When the device does not keep up, serving
 * stops at the window and goes on from the log, never from memory (docs/spec/wire.md, W20-W29).
 */
import { encodeEntryFor, encodeServerFrame, unackedEntriesMax } from '@parley/wire'
import type { DeviceId, LogId } from '@parley/wire'
import type { LogEntry, LogPage } from '../backends/log/log.ts'

import type { Host } from './host.ts'

/** The connection that entries go to. */
export interface Outlet {
  send(bytes: Uint8Array): boolean
  /** More waits for the network than serving should add to. */
  congested(): boolean
  close(reason: 'slowReader' | 'unavailable'): void
  /** An entry says that the account's device list has changed. */
  devicesChanged(): void
}

export type AckOutcome = 'moved' | 'repeat' | 'ahead'

const pageEntries = 128
/** An entry that was not acknowledged by then is sent again. */
const resendAfterMs = 5_000
const resendsMax = 3

export class Subscription {
  readonly log: LogId
  readonly device: DeviceId
  readonly #host: Host
  readonly #outlet: Outlet
  /** Served up to here. */
  #sent: number
  /** The highest position that this connection was ever served. */
  #highest: number
  acked: number
  /** Whether `acked` has to be stored. */
  dirty = false
  /** Positions behind `acked`, in order; undefined when there are none. */
  #unacked: number[] | undefined
  #movedAtMs = 0
  #resends = 0
  /** The newest position that was heard of. */
  #newest = 0
  #expiredUpTo = 0
  #caughtUp = false
  #state: 'reading' | 'live' | 'paused' | 'closed' = 'paused'

  constructor(
    host: Host,
    outlet: Outlet,
    { log, device, cursor }: { log: LogId; device: DeviceId; cursor: number },
  ) {
    this.#host = host
    this.#outlet = outlet
    this.log = log
    this.device = device
    this.acked = cursor
    this.#sent = cursor
    this.#highest = cursor
  }

  get live(): boolean {
    return this.#state === 'live'
  }

  start(): void {
    this.#readOn()
  }

  close(): void {
    this.#state = 'closed'
    this.#unacked = undefined
  }

  onNews(entry: LogEntry): void {
    this.#newest = Math.max(this.#newest, entry.position)
    if (this.#state !== 'live' || entry.position <= this.#sent) return
    if (entry.prev !== this.#sent || !this.#hasRoom()) return this.#readOn()
    this.#send(entry)
    this.#host.events.served('live', 1)
  }

  /** The head of the log as read again, in case that its news was lost. */
  onHead(position: number): void {
    this.#newest = Math.max(this.#newest, position)
    if (this.#state === 'live' && position > this.#sent) this.#readOn()
  }

  ack(position: number): AckOutcome {
    if (position > this.#highest) return 'ahead'
    if (position <= this.acked) return 'repeat'
    this.acked = position
    this.#sent = Math.max(this.#sent, position)
    this.#dropAcked(position)
    this.#movedAtMs = this.#host.clock.now()
    this.#resends = 0
    this.#host.cursorMoved(this)
    if (this.#state === 'paused' && this.#hasRoomAgain()) this.#readOn()
    return 'moved'
  }

  /** Serves a gap once more, beside the running service. */
  async fetch(after: number, limit: number): Promise<void> {
    const page = await this.#host.log.read(this.log, after, limit)
    if (this.#state === 'closed') return
    for (const entry of continuing(page, after)) this.#write(entry)
    this.#host.events.served('read', page.entries.length)
    const last = page.entries.at(-1)?.position ?? after
    this.#highest = Math.max(this.#highest, page.entries.at(-1)?.position ?? 0)
    if (page.atEnd) this.#sayCaughtUp(last, page.expiredUpTo)
  }

  drained(): void {
    if (this.#state === 'paused' && this.#hasRoom()) this.#readOn()
  }

  /** Called every few seconds. */
  check(nowMs: number): void {
    if (!this.#unacked || nowMs - this.#movedAtMs < resendAfterMs) return
    if (this.#state !== 'live' && this.#state !== 'paused') return
    if (++this.#resends > resendsMax) return this.#outlet.close('slowReader')
    this.#movedAtMs = nowMs
    this.#sent = this.acked
    this.#unacked = undefined
    this.#readOn()
  }

  #readOn(): void {
    this.#state = 'reading'
    this.#read().catch((error: unknown) => {
      if (this.#state === 'closed') return
      const name = error instanceof Error ? error.name : 'unknown'
      this.#host.logger.error({ error: name }, 'a log could not be read')
      this.#outlet.close('unavailable')
    })
  }

  async #read(): Promise<void> {
    while (this.#state === 'reading') {
      if (!this.#hasRoom()) {
        this.#pause()
        return
      }
      const room = unackedEntriesMax - (this.#unacked?.length ?? 0)
      const from = this.#sent
      const page = await this.#host.log.read(this.log, from, Math.min(room, pageEntries))
      if (this.#state !== 'reading') return
      if (this.#sent !== from) continue
      if (page.expiredUpTo > 0) this.#expiredUpTo = page.expiredUpTo
      for (const entry of continuing(page, from)) this.#send(entry)
      this.#host.events.served('read', page.entries.length)
      const complete = page.atEnd && (page.entries.length === 0 || this.#newest <= this.#sent)
      if (complete) return this.#becomeLive()
    }
  }

  /** Whoever is never acknowledged is looked after by `check`, also when nothing fits. */
  #pause(): void {
    this.#state = 'paused'
    if (!this.#unacked) {
      this.#unacked = []
      this.#movedAtMs = this.#host.clock.now()
    }
  }

  #becomeLive(): void {
    this.#state = 'live'
    if (this.#unacked?.length === 0) this.#unacked = undefined
    if (this.#caughtUp) return
    this.#caughtUp = true
    this.#sayCaughtUp(this.#sent, this.#expiredUpTo)
  }

  #sayCaughtUp(position: number, expiredUpTo: number): void {
    const frame = { kind: 'caught-up' as const, log: this.log, position, expiredUpTo }
    this.#outlet.send(encodeServerFrame(frame))
  }

  #send(entry: LogEntry): void {
    if (this.#state === 'closed') return
    this.#sent = entry.position
    this.#highest = Math.max(this.#highest, entry.position)
    if (!this.#unacked) {
      this.#unacked = []
      this.#movedAtMs = this.#host.clock.now()
    }
    this.#unacked.push(entry.position)
    this.#write(entry)
  }

  #write(entry: LogEntry): void {
    const { bytes, kind } = encodeEntryFor(this.device, entry)
    this.#host.newestPosition = Math.max(this.#host.newestPosition, entry.position)
    this.#outlet.send(bytes)
    if (kind === 'devices') this.#outlet.devicesChanged()
  }

  #dropAcked(position: number): void {
    if (!this.#unacked) return
    const first = this.#unacked.findIndex((each) => each > position)
    if (first < 0) this.#unacked = undefined
    else if (first > 0) this.#unacked.splice(0, first)
  }

  #hasRoom(): boolean {
    return (this.#unacked?.length ?? 0) < unackedEntriesMax && !this.#outlet.congested()
  }

  /** Reading on for each single acknowledgement would read the log entry by entry. */
  #hasRoomAgain(): boolean {
    return (this.#unacked?.length ?? 0) <= unackedEntriesMax / 2 && !this.#outlet.congested()
  }
}

/**
 * L7: with expired entries in between the first one follows the reader, who would wait for ever for
 * what is gone.
 */
function continuing({ entries, expiredUpTo }: LogPage, after: number): readonly LogEntry[] {
  const [first, ...others] = entries
  return first && expiredUpTo > 0 ? [{ ...first, prev: after }, ...others] : entries
}
