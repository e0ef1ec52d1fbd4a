/**
 * The engine of one profile: makes its parts, hands them what the connection brings, and looks
 * after what none of them owns: welcome, roll-back, revocation, upkeep, failures of the store.
 */
import type { AccountId, Content, DeviceId } from '@parley/wire'
import { Api } from './http/api.ts'
import { Connection } from './connection/connection.ts'
import { checkClaims } from './trust/contacts.ts'
import { ownAccount } from './core.ts'
import type { ClientSurroundings, Core } from './core.ts'
import { isNews, listedDevice, lookInto, refreshDevices } from './trust/devices.ts'
import type { EngineFrame, WelcomeFrame } from './connection/frame-socket.ts'
import { bringBack } from './account/bring-back.ts'
import { Inbox } from './receiving/inbox.ts'
import { Outbox } from './sending/outbox.ts'
import { StoreError } from './platform/ports.ts'
import { watchedRandom } from './platform/random.ts'
import { Presence } from './state/presence.ts'
import { ApiFailure, asParleyError, problemOf } from './problems.ts'
import { Receipts } from './receiving/receipts.ts'
import { Registration } from './account/registration.ts'
import { ResendRequests } from './receiving/resend-requests.ts'
import { judgeWelcome, writeNewDevice } from './account/rollback.ts'
import { createServerClock } from './connection/server-clock.ts'
import { readAccount, writeRelinkNeeded, writeRevoked } from './store/account.ts'
import { readCursors } from './store/cursors.ts'
import { readDeviceList } from './store/device-lists.ts'
import { Store } from './store/store.ts'
import { Alarm, Tasks } from './tasks.ts'
import { Turns } from './turns.ts'
import { ParleyError } from './types.ts'
import { keepPreKeys, sweep } from './account/upkeep.ts'

const upkeepEveryMs = 60 * 60_000
/** After somebody used prekeys; several at once are one look at the count. */
const preKeyCheckMs = 5_000
const recoverMs = 10_000
/** A server that calls each new device an old state is not given another one before this. */
const relinkEveryMs = 10 * 60_000
/** A peer's mention of an unknown list makes us ask the server; not for each message. */
const lookIntoEveryMs = 10_000
const lookedIntoMax = 1_024

export class Engine {
  readonly core: Core
  readonly connection: Connection
  readonly registration: Registration
  readonly outbox: Outbox
  readonly presence: Presence
  readonly receipts: Receipts
  readonly #inbox: Inbox
  readonly #resends: ResendRequests
  readonly #upkeep: Alarm
  readonly #preKeyCheck: Alarm
  readonly #claimCheck: Alarm
  readonly #recovery: Alarm
  readonly #lookedInto = new Map<AccountId, number>()
  /** Started by its owner and not stopped. */
  #wanted = false
  /** Between a welcome that this state may work with and the loss of its connection. */
  #working = false
  /** A Welcome of this run said what the server has of this device. */
  #isJudged = false
  #relinking = false
  #relinkedAtMs: number | undefined

  constructor(surroundings: ClientSurroundings) {
    const { clock, transport, curve, server, recordEvents, driver } = surroundings
    const random = watchedRandom(surroundings.random)
    const store = new Store(driver)
    const serverClock = createServerClock(clock)
    const api = new Api({ server, transport, clock, random, store })
    const tasks = new Tasks(clock, (error) => this.failed(error))
    const observeMessageKey = surroundings.observeMessageKey ?? (() => {})
    const turns = new Turns()
    this.core = {
      store,
      clock,
      serverClock,
      random,
      curve,
      api,
      turns,
      tasks,
      recordEvents,
      observeMessageKey,
    }
    this.registration = new Registration({ api, store, clock, random, server })
    const accessToken = (renew: boolean) => api.accessToken(renew)
    const handlers = this.#connectionHandlers()
    this.connection = new Connection({
      server,
      transport,
      clock,
      random,
      serverClock,
      accessToken,
      handlers,
    })
    this.outbox = new Outbox(this.core, this.connection)
    this.presence = new Presence(this.core, this.connection)
    this.receipts = new Receipts(this.core, this.connection)
    this.#inbox = new Inbox(this.core, this.connection, this.#inboxEvents())
    this.#resends = new ResendRequests(this.core, {
      live: () => this.#working,
      retry: (sender) => this.#inbox.retryNow(sender),
      queued: (peer) => this.outbox.wake(peer),
    })
    this.#upkeep = new Alarm(tasks, clock, () => this.#keepUp())
    this.#preKeyCheck = new Alarm(tasks, clock, () => this.#checkPreKeys(false))
    this.#claimCheck = new Alarm(tasks, clock, () => this.#run(() => this.#checkClaims()))
    this.#recovery = new Alarm(tasks, clock, () => this.#recover())
  }

  start(): void {
    this.#wanted = true
    if (readAccount(this.core.store)?.status === 'registered') this.connection.start()
  }

  async stop(): Promise<void> {
    this.#wanted = false
    await this.connection.stop()
  }

  /** There is an account: what was wanted before can begin. */
  registered(): void {
    if (this.#wanted) this.start()
  }

  async end(): Promise<void> {
    await this.stop()
    await this.core.tasks.end()
    this.core.store.close()
  }

  #connectionHandlers() {
    return {
      cursors: () => readCursors(this.core.store),
      welcome: (frame: WelcomeFrame) => this.#guarded(() => this.#welcome(frame)),
      frame: (frame: EngineFrame) => this.#guarded(() => this.#receive(frame)),
      lost: () => this.#guarded(() => this.#lost()),
      writable: () => this.#guarded(() => this.outbox.writable()),
      revoked: () => this.#guarded(() => this.#revoked()),
    }
  }

  #inboxEvents() {
    return {
      marksChanged: () => this.receipts.send(),
      received: (sender: AccountId, content: Content) => {
        this.presence.wrote(sender)
        this.#resends.heard(sender)
        // At once: people are to see a stranger's number, not an id.
        if (content.profile) this.#claimCheck.setAt(this.core.clock.now())
        if (content.body.kind === 'resend-request') this.outbox.wake(sender)
      },
      preKeysUsed: () => this.#preKeyCheck.setAt(this.core.clock.now() + preKeyCheckMs),
      listMentioned: (sender: AccountId, content: Content) => this.#lookInto(sender, content),
      ownListChanged: () => this.#run(() => this.#refreshOwnList()),
      absent: (sender: AccountId, device: DeviceId) => this.receipts.ask(sender, device),
      unopened: (askAtMs: number) => this.#resends.dueAt(askAtMs),
      failed: (error: unknown) => this.failed(error),
    }
  }

  #welcome(frame: WelcomeFrame): void {
    // E23: before the server has once said how far this state went, it may be a restored one.
    if (frame.lastSequence === undefined && !this.#isJudged) {
      this.connection.report(problemOf('server-unreachable'))
      return this.connection.reconnect()
    }
    this.#isJudged = true
    const verdict = judgeWelcome(this.core, frame)
    if (ownAccount(this.core).relinkNeeded) return this.#relink()
    this.connection.report(undefined)
    if (verdict === 'server-restored') {
      this.#run(() => this.#bringBack())
      // Hello named cursors of the logs that are gone.
      return this.connection.reconnect()
    }
    this.#working = true
    this.#inbox.connected()
    this.outbox.connected()
    this.receipts.connected()
    this.presence.connected()
    this.#resends.connected()
    this.#upkeep.setAt(this.core.clock.now() + preKeyCheckMs)
  }

  #receive(frame: EngineFrame): void {
    if (!this.#working) return
    switch (frame.kind) {
      case 'accepted':
        return this.outbox.accepted(frame.log, frame.upTo)
      case 'rejected':
        return this.outbox.rejected(frame)
      case 'entry':
      case 'caught-up':
        return this.#inbox.receive(frame)
      case 'receipts':
        return this.receipts.confirmed(frame.confirmed)
      case 'presence':
        return this.presence.presence(frame)
      case 'typing':
        return this.presence.typing(frame)
    }
  }

  #lost(): void {
    this.#working = false
    this.#inbox.lost()
    this.outbox.lost()
    this.receipts.lost()
    this.presence.lost()
  }

  /** The old device of a relinking is meant to go. */
  #revoked(): void {
    const account = readAccount(this.core.store)
    if (!account || account.relinkNeeded || this.#relinking) return
    this.core.store.transaction(() => writeRevoked(this.core.store))
  }

  /**
   * E23: this state is older than what was sent with it. Nothing of it encrypts any more; a new
   * device takes its place.
   */
  #relink(): void {
    this.connection.report(problemOf('rolled-back'))
    if (this.#relinking) return
    const sinceMs = this.core.clock.now() - (this.#relinkedAtMs ?? -relinkEveryMs)
    if (sinceMs >= 0 && sinceMs < relinkEveryMs) {
      return this.#recovery.setAt(this.core.clock.now() + relinkEveryMs - sinceMs)
    }
    this.#relinking = true
    this.core.tasks.run(async () => {
      // The old device's tokens must not be renewed while they are being replaced.
      await this.connection.stop()
      try {
        await this.registration.relink(() => writeNewDevice(this.core))
        this.#relinkedAtMs = this.core.clock.now()
        this.connection.report(undefined)
      } catch (error) {
        if (error instanceof StoreError) throw error
        return this.#relinkFailed(error)
      } finally {
        this.#relinking = false
      }
      if (this.#wanted) this.connection.start()
    })
  }

  #relinkFailed(error: unknown): void {
    const { store, clock } = this.core
    const isFinal = asParleyError(error).problem.code === 'revoked'
    if (!isFinal) return this.#recovery.setAt(clock.now() + recoverMs)
    store.transaction(() => {
      writeRelinkNeeded(store, false)
      writeRevoked(store)
    })
    this.connection.report(problemOf('revoked'))
  }

  /** Y44: with each connection until it is done. */
  async #bringBack(): Promise<void> {
    await bringBack(this.core)
    this.#checkOwnDevice()
  }

  #lookInto(sender: AccountId, content: Content): void {
    const { store } = this.core
    const own = ownAccount(this.core).account
    for (const [account, reference] of [
      [sender, content.senderList],
      [own, content.recipientList],
    ] as const) {
      if (!isNews(store, account, reference) || !this.#mayLookInto(account)) continue
      this.#run(async () => {
        await lookInto(this.core, account, reference)
        if (account === sender) this.#inbox.retry(sender)
        if (account === own) this.#checkOwnDevice()
        this.outbox.wake(sender)
      })
    }
  }

  #mayLookInto(account: AccountId): boolean {
    const now = this.core.clock.now()
    if (now - (this.#lookedInto.get(account) ?? -lookIntoEveryMs) < lookIntoEveryMs) return false
    if (this.#lookedInto.size >= lookedIntoMax) this.#lookedInto.clear()
    this.#lookedInto.set(account, now)
    return true
  }

  async #refreshOwnList(): Promise<void> {
    await refreshDevices(this.core, ownAccount(this.core).account)
    this.#checkOwnDevice()
  }

  /** A list without this device, properly signed: it was removed. */
  #checkOwnDevice(): void {
    const account = ownAccount(this.core)
    const list = readDeviceList(this.core.store, account.account)
    if (!list || listedDevice(list, account.device) || account.relinkNeeded) return
    if (this.#relinking) return
    this.#revoked()
    this.#run(() => this.connection.stop())
  }

  #keepUp(): void {
    if (!this.#working) return
    this.#upkeep.setAt(this.core.clock.now() + upkeepEveryMs)
    this.#run(() => this.#bringBack())
    this.#run(async () => {
      sweep(this.core)
      this.#checkPreKeys(false)
      await this.#checkClaims()
    })
  }

  /** One round after the other, so that no number is looked up twice. */
  #checkClaims(): Promise<void> {
    return this.core.turns.take('claims', () => checkClaims(this.core))
  }

  #checkPreKeys(force: boolean): void {
    if (this.#working) this.#run(() => keepPreKeys(this.core, force))
  }

  /** In the background; that the server cannot do it now is left to the next time. */
  #run(work: () => Promise<void>): void {
    this.core.tasks.run(async () => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof ApiFailure) && !(error instanceof ParleyError)) throw error
      }
    })
  }

  #guarded(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.failed(error)
    }
  }

  /**
   * Something could not be written or is wrong: it is said, nothing of it was acknowledged, and it
   * is tried again from what is committed.
   */
  failed(error: unknown): void {
    if (this.core.tasks.ended) return
    const { problem } = asParleyError(error)
    this.connection.report(problem)
    if (problem.code === 'store-corrupt') return this.#run(() => this.connection.stop())
    this.#recovery.setAt(this.core.clock.now() + recoverMs)
  }

  #recover(): void {
    if (!this.#wanted) return
    if (readAccount(this.core.store)?.relinkNeeded) return this.#relink()
    if (this.connection.live()) this.connection.reconnect()
    else this.start()
  }
}
