/**
 * Asks senders for what could not be opened (E7): with a fresh session, in bounded requests, ever
 * more seldom, until it comes, is refused, or is older than any log. Rules Y30-Y35:
 * docs/spec/sync.md.
 */
import { resendItemsMax } from '@parley/wire'
import type { AccountId, DeviceId } from '@parley/wire'
import type { Core } from '../core.ts'
import { listedDevice, refreshDevices } from '../trust/devices.ts'
import { writeWaiting } from './incoming.ts'
import { insertControl, writeRefused } from './resend-answers.ts'
import { StoreError } from '../platform/ports.ts'
import { retentionMs } from '../retention.ts'
import { retryDelayMs } from '../connection/backoff.ts'
import { beginSessions } from '../trust/sessions.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readSession } from '../store/sessions.ts'
import {
  nextAskAt,
  postponeAsks,
  readDueAsks,
  readUnopened,
  writeAsked,
} from '../store/unopened.ts'
import type { Unopened } from '../store/unopened.ts'
import { Alarm } from '../tasks.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
/** After the first, second... request; the last one repeats. */
const askAgainMs = [10 * minuteMs, 60 * minuteMs, dayMs, 7 * dayMs]
/** Between two requests to one person; doubles while nothing of theirs can be opened. */
const requestEvery = { firstMs: 10_000, maxMs: 60 * minuteMs }
const quietMax = 1_024
const cannotAskMs = 30_000
/**
 * A session is not begun anew more often than this: each takes a one-time prekey of the other side.
 */
const renewEveryMs = 60 * minuteMs
const dueMax = 256

export interface ResendHooks {
  live(): boolean
  /** Tries what is kept as ciphertext again. */
  retry(sender: AccountId): Promise<void>
  queued(peer: AccountId): void
}

export class ResendRequests {
  readonly #core: Core
  readonly #hooks: ResendHooks
  readonly #alarm: Alarm
  /** Since when and how often people were asked without anything coming that could be opened. */
  readonly #asked = new Map<AccountId, { times: number; notBeforeMs: number }>()
  #running = false

  constructor(core: Core, hooks: ResendHooks) {
    this.#core = core
    this.#hooks = hooks
    this.#alarm = new Alarm(core.tasks, core.clock, () => this.#start())
  }

  connected(): void {
    this.#schedule()
  }

  /** Something of theirs was opened: asking helps. */
  heard(sender: AccountId): void {
    this.#asked.delete(sender)
  }

  dueAt(atMs: number): void {
    this.#alarm.setAt(atMs)
  }

  #schedule(): void {
    const next = nextAskAt(this.#core.store)
    if (next !== undefined) this.#alarm.setAt(next)
  }

  #start(): void {
    if (this.#running || !this.#hooks.live()) return
    this.#running = true
    this.#core.tasks.run(async () => {
      try {
        await this.#askDue()
      } finally {
        this.#running = false
      }
      this.#schedule()
    })
  }

  async #askDue(): Promise<void> {
    const { store, clock } = this.#core
    const due = readDueAsks(store, clock.now(), dueMax)
    for (const sender of new Set(due.map((item) => item.sender))) {
      if (!this.#hooks.live()) return
      await this.#ask(sender, due.filter((item) => item.sender === sender).slice(0, resendItemsMax))
    }
  }

  async #ask(sender: AccountId, items: readonly Unopened[]): Promise<void> {
    const { store } = this.#core
    const notBeforeMs = this.#asked.get(sender)?.notBeforeMs ?? 0
    if (notBeforeMs > this.#core.clock.now()) return this.#postpone(sender, notBeforeMs)
    try {
      await this.#prepare(sender, items)
    } catch (error) {
      if (error instanceof StoreError) throw error
      return this.#postpone(sender, this.#core.clock.now() + cannotAskMs)
    }
    const left = items.filter((item) => readUnopened(store, sender, item.id))
    store.transaction(() => this.#write(sender, left))
    this.#hooks.queued(sender)
  }

  #postpone(sender: AccountId, toMs: number): void {
    const { store, clock } = this.#core
    store.transaction(() => postponeAsks(store, sender, clock.now(), toMs))
  }

  #countRequest(sender: AccountId): number {
    const { clock, random } = this.#core
    if (this.#asked.size >= quietMax) this.#asked.clear()
    const times = (this.#asked.get(sender)?.times ?? 0) + 1
    const notBeforeMs = clock.now() + retryDelayMs(requestEvery, times, random)
    this.#asked.set(sender, { times, notBeforeMs })
    return notBeforeMs
  }

  /**
   * Verifies who could not be verified, tries once more, and begins sessions anew where a message
   * did not open.
   */
  async #prepare(sender: AccountId, items: readonly Unopened[]): Promise<void> {
    const { store } = this.#core
    if (items.some((item) => item.ciphertext && !item.shown)) {
      await refreshDevices(this.#core, sender)
      await this.#hooks.retry(sender)
    }
    const list = readDeviceList(store, sender)
    const broken = items
      .filter((item) => item.ciphertext && readUnopened(store, sender, item.id))
      .map((item) => item.senderDevice)
    const devices = [...new Set(broken)].flatMap((device) => {
      const listed = listedDevice(list, device)
      return listed && this.#mayRenew(sender, device) ? [listed] : []
    })
    if (list) await beginSessions(this.#core, { list, devices, renew: true })
  }

  #mayRenew(account: AccountId, device: DeviceId): boolean {
    const session = readSession(this.#core.store, { account, device })
    return !session || this.#core.clock.now() - session.renewedAtMs >= renewEveryMs
  }

  #write(sender: AccountId, items: readonly Unopened[]): void {
    const { store, clock } = this.#core
    const now = clock.now()
    const oldest = this.#core.serverClock.now() - retentionMs
    const lost = items.filter((item) => item.stamp < oldest)
    writeRefused(
      this.#core,
      sender,
      lost.map((item) => item.id),
    )
    const asked = items.filter((item) => item.stamp >= oldest)
    if (asked.length === 0) return
    postponeAsks(store, sender, now, this.#countRequest(sender))
    for (const item of asked) {
      const { id: messageId } = item
      if (!item.shown) writeWaiting(this.#core, { ...item, messageId }, 'waiting')
      const waitMs = askAgainMs[Math.min(item.asks, askAgainMs.length - 1)] ?? dayMs
      writeAsked(store, item, item.asks + 1, now + waitMs)
    }
    const messageIds = asked.map((item) => item.id)
    insertControl(this.#core, sender, { kind: 'resend-request', messageIds })
  }
}
