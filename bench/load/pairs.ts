/** Loads a peer with 1:1 messages between users in pairs, and measures. */
import type { Peer } from '../peers/peer.ts'
import { Ledger, checked } from './ledger.ts'
import { logInAll, usersFrom } from './login.ts'
import { Histogram, Meter, rounded } from './measure.ts'
import type { LoadSession } from './protocol.ts'
import { spread } from './spread.ts'
import { waitUntil } from './watch.ts'
import type { Watch } from './watch.ts'

export interface PairsOptions {
  /** An even number. */
  users: number
  /** Closed loop: messages in flight per user. 0 with a rate. */
  w: number
  /** Open loop: messages a second in all. 0: closed. */
  ratePerS: number
  warmS: number
  measureS: number
  /** How long, after the last message was sent, what is on its way may take. */
  drainS: number
}

const loginsAtOnce = 32
const [warmSMax, measureSMax] = [60, 40]
/** How long something doubled may still come after all has arrived. */
const lateS = 0.3

export type PairsRow = Awaited<ReturnType<typeof loadPairs>>

export async function loadPairs(peer: Peer, options: PairsOptions, watch: Watch) {
  const run = new PairsRun(peer, options)
  const isOpen = options.ratePerS > 0
  const cell = `${peer.name}, ${isOpen ? `${options.ratePerS}/s` : `w=${options.w}`}`
  watch.begin(`${cell}: logging in`)
  await run.logIn(watch)
  const turnover = options.users * options.w
  watch.begin(`${cell}: warming up`)
  const stop = run.begin()
  const warm = () => isOpen || run.ledger.confirmed >= turnover * 1.5
  await waitUntil(watch, { minS: options.warmS, maxS: warmSMax, done: warm })
  watch.begin(`${cell}: measuring`)
  const measured = run.measure()
  const enough = () => isOpen || measured.counts().rounds >= turnover * 3
  await waitUntil(watch, { minS: options.measureS, maxS: measureSMax, done: enough })
  const result = measured.result()
  stop()
  await settle(run, options.drainS, watch)
  run.close()
  reportFaults(peer, run.ledger)
  return {
    peer: peer.name,
    durable: peer.durable,
    users: options.users,
    w: options.w,
    offered_per_s: options.ratePerS || undefined,
    ...result,
    messages: run.ledger.arrived,
    errors: run.ledger.errors,
  }
}

/** Waits, for a bounded time, for all that is on its way; a stopped run as well. */
async function settle(run: PairsRun, drainS: number, watch: Watch): Promise<void> {
  const patient = { ...watch, signal: new AbortController().signal }
  watch.begin('waiting for the last messages')
  const done = () => run.ledger.settled || run.isCutOff
  const progress = () => ({ done: run.ledger.confirmed, of: run.ledger.sent })
  await waitUntil(patient, { minS: 0, maxS: drainS, done, progress })
  await waitUntil(patient, { minS: lateS, maxS: lateS, done: () => true })
}

/** A run with any fault is void: which they are goes to stderr. */
export function reportFaults(peer: Peer, ledger: Ledger): void {
  const { faults, reasons, errors } = ledger
  if (errors === 0) return
  const counts = Object.entries(faults).filter(([, times]) => times > 0)
  const text = counts.map(([fault, times]) => `${fault} ${times}`).join(', ')
  process.stderr.write(`${peer.name}: ${[text, ...reasons].join('; ')}\n`)
}

class PairsRun {
  readonly ledger: Ledger
  readonly #peer: Peer
  readonly #options: PairsOptions
  #sessions: LoadSession[] = []
  #oneWay = new Histogram()
  #round = new Histogram()
  /** How late an open loop sent: the client's own doing. */
  #late = new Histogram()
  #live = true

  constructor(peer: Peer, options: PairsOptions) {
    this.#peer = peer
    this.#options = options
    const { accepts } = peer.protocol
    this.ledger = new Ledger({ expectsConfirmed: true, expectsAccepted: accepts })
  }

  /** Nothing can come any more. */
  get isCutOff(): boolean {
    return this.#sessions.every((session) => session.closed)
  }

  async logIn(watch: Watch): Promise<void> {
    const { users, ratePerS } = this.#options
    const events = checked(this.ledger, {
      arrived: (session, message) => {
        this.#oneWay.add(this.ledger.ageMs(message.number))
        session.confirm(message)
      },
      confirmed: (session, number) => {
        this.#round.add(this.ledger.ageMs(number))
        if (this.#live && ratePerS === 0) this.#send(session)
      },
    })
    const logins = usersFrom(0, users, true)
    const all = { logins, atOnce: loginsAtOnce, events }
    this.#sessions = await logInAll(this.#peer.protocol, all, watch)
  }

  /** Returns the function that ends the load. */
  begin(): () => void {
    const sessions = this.#sessions
    if (this.#options.ratePerS > 0) {
      return spread(this.#options.ratePerS, (count, lateMs) => {
        this.#late.add(lateMs)
        const session = sessions[count % sessions.length]
        if (!session) return
        this.#send(session)
        session.flush()
      })
    }
    for (const session of sessions) {
      for (let count = 0; count < this.#options.w; count++) this.#send(session)
      session.flush()
    }
    return () => {
      this.#live = false
    }
  }

  /** Starts measuring. */
  measure() {
    this.#oneWay = new Histogram()
    this.#round = new Histogram()
    this.#late = new Histogram()
    const { ledger } = this
    const { arrived, confirmed, accepted } = ledger
    const meter = new Meter(this.#peer)
    const counts = () => ({
      deliveries: ledger.arrived - arrived,
      rounds: ledger.confirmed - confirmed,
      appends: ledger.accepted - accepted,
    })
    return { counts, result: () => this.#result(counts(), meter) }
  }

  close(): void {
    for (const session of this.#sessions) session.close()
  }

  #result(counts: { deliveries: number; rounds: number; appends: number }, meter: Meter) {
    const used = meter.read()
    const perS = (number: number) => Math.round(number / used.wallS)
    const perMessageUs = (seconds: number) => rounded((seconds / counts.deliveries) * 1e6)
    const ms = (of: Histogram, share: number) => rounded(of.quantile(share))
    return {
      rate_per_s: perS(counts.deliveries),
      p50_ms: ms(this.#round, 0.5),
      p99_ms: ms(this.#round, 0.99),
      p999_ms: ms(this.#round, 0.999),
      one_way_p50_ms: ms(this.#oneWay, 0.5),
      one_way_p99_ms: ms(this.#oneWay, 0.99),
      one_way_p999_ms: ms(this.#oneWay, 0.999),
      appends_per_s: this.#peer.protocol.accepts ? perS(counts.appends) : undefined,
      deliveries_per_s: perS(counts.deliveries),
      receipts_per_s: perS(counts.rounds),
      sent_late_p99_ms: this.#options.ratePerS > 0 ? ms(this.#late, 0.99) : undefined,
      server_cpu_us: perMessageUs(used.serverCpuS),
      client_cpu_us: perMessageUs(used.clientCpuS),
      ...used.cores,
      rss_mb: Math.round(this.#peer.residentKib() / 1024),
    }
  }

  #send(session: LoadSession): void {
    const to = session.user ^ 1
    session.send(to, this.ledger.send(session.user, to))
  }
}
