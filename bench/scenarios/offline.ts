/**
 * Messages for users who are away: senders have them taken one by one, then all the receivers log
 * in and get them, then they log in once more and get nothing. The last is what logging in costs
 * alone, and shows that nothing comes twice.
 */
import { Ledger, checked } from '../load/ledger.ts'
import { logInAll, usersFrom } from '../load/login.ts'
import { Histogram, Meter, rounded } from '../load/measure.ts'
import { reportFaults } from '../load/pairs.ts'
import type { LoadSession } from '../load/protocol.ts'
import { waitUntil } from '../load/watch.ts'
import type { Watch } from '../load/watch.ts'
import { inTurn, withLimits } from '../peers/in-turn.ts'
import type { Peer } from '../peers/peer.ts'
import { count, scenario } from '../scenario.ts'

export interface OfflineOptions {
  /** Receivers; the senders are users of their own. */
  users: number
  messages: number
  senders: number
  /** Messages of a sender that are not accepted yet. */
  w: number
}

const loginsAtOnce = 64
/** How long storing or draining may take without anything happening at all. */
const patienceS = 30
const phaseSMax = 600
/** Between the phases: connections end, and what a server puts off is done. */
const restS = 1.5

export const offline = scenario({
  says: 'messages to users who are away, then they log in and get them',
  options: {
    users: count(5_000, 'receivers'),
    messages: count(50_000, 'messages in all, to the receivers in turn'),
    senders: count(50, 'senders'),
    w: count(8, 'messages of a sender that are not accepted yet'),
  },
  async *run(options, watch) {
    const accounts = { users: options.users + options.senders, durable: true }
    for await (const peer of inTurn(withLimits.alone, accounts, watch)) {
      yield await loadOffline(peer, options, watch)
    }
  },
})

export async function loadOffline(peer: Peer, options: OfflineOptions, watch: Watch) {
  if (!peer.stores) throw new Error(`${peer.name} stores nothing`)
  const ledger = new Ledger({ expectsConfirmed: false, expectsAccepted: peer.protocol.accepts })
  const run = { peer, options, ledger, watch }
  const stored = await store(run)
  await rest(watch)
  const drained = await logInReceivers(run, 'draining')
  await rest(watch)
  const empty = await logInReceivers(run, 'logging in again')
  if (watch.signal.aborted) ledger.forgiveUnsettled()
  reportFaults(peer, ledger)
  const { sent, arrived } = ledger
  const loginS = empty.wallS
  const drainRate = (seconds: number) => Math.round(arrived / seconds)
  const perMessageUs = (seconds: number) => rounded((seconds / sent) * 1e6)
  return {
    peer: peer.name,
    durable: peer.durable,
    users: options.users,
    w: options.w,
    messages: sent,
    rate_per_s: Math.round(sent / stored.wallS),
    store_per_s: Math.round(sent / stored.wallS),
    // From sending to being told that it is taken.
    p50_ms: rounded(stored.took.quantile(0.5)),
    p99_ms: rounded(stored.took.quantile(0.99)),
    p999_ms: rounded(stored.took.quantile(0.999)),
    store_cpu_us: perMessageUs(stored.serverCpuS),
    drain_per_s: drainRate(drained.wallS),
    drain_cpu_us: perMessageUs(drained.serverCpuS),
    drain_logins_per_s: Math.round(drained.logins / drained.wallS),
    // Undefined where the logins themselves took longer this time.
    drain_without_logins_per_s:
      loginS < drained.wallS ? drainRate(drained.wallS - loginS) : undefined,
    drain_without_logins_cpu_us: perMessageUs(drained.serverCpuS - empty.serverCpuS),
    empty_logins_per_s: Math.round(empty.logins / loginS),
    server_cpu_us: perMessageUs(stored.serverCpuS + drained.serverCpuS),
    client_cpu_us: perMessageUs(stored.clientCpuS + drained.clientCpuS),
    ...stored.cores,
    rss_mb: Math.round(peer.residentKib() / 1024),
    errors: ledger.errors,
  }
}

interface OfflineRun {
  peer: Peer
  options: OfflineOptions
  ledger: Ledger
  watch: Watch
}

async function store({ peer, options, ledger, watch }: OfflineRun) {
  const { users, messages, senders, w } = options
  watch.begin(`${peer.name}: senders log in`)
  const took = new Histogram()
  const send = (session: LoadSession) => {
    if (ledger.sent === messages || watch.signal.aborted) return
    const to = senders + (ledger.sent % users)
    session.send(to, ledger.send(session.user, to))
  }
  const events = checked(ledger, {
    accepted(session, number) {
      took.add(ledger.ageMs(number))
      send(session)
    },
  })
  const logins = usersFrom(0, senders, true)
  const sessions = await logInAll(peer.protocol, { logins, atOnce: loginsAtOnce, events }, watch)
  watch.begin(`${peer.name}: storing`)
  const meter = new Meter(peer)
  for (const session of sessions) {
    for (let inFlight = 0; inFlight < w; inFlight++) send(session)
    session.flush()
  }
  await progressOf(watch, { done: () => ledger.accepted, of: messages })
  const used = meter.read()
  for (const session of sessions) session.close()
  return { ...used, took }
}

async function logInReceivers({ peer, options, ledger, watch }: OfflineRun, what: string) {
  watch.begin(`${peer.name}: ${what}`)
  const meter = new Meter(peer)
  const logins = usersFrom(options.senders, options.users, false)
  const all = { logins, atOnce: loginsAtOnce, events: checked(ledger, {}) }
  const sessions = await logInAll(peer.protocol, all, watch)
  await progressOf(watch, { done: () => ledger.arrived, of: ledger.sent })
  const used = meter.read()
  // What comes twice may come late.
  await rest(watch)
  for (const session of sessions) session.close()
  return { ...used, logins: sessions.length }
}

async function rest(watch: Watch): Promise<void> {
  await waitUntil(watch, { minS: restS, maxS: restS, done: () => true })
}

/** Until all of it is done, or nothing has happened for a while. */
async function progressOf(watch: Watch, { done, of }: { done: () => number; of: number }) {
  let [last, changedAtMs] = [-1, performance.now()]
  const isOver = () => {
    const nowMs = performance.now()
    if (done() !== last) [last, changedAtMs] = [done(), nowMs]
    return last >= of || nowMs - changedAtMs > patienceS * 1000
  }
  const progress = () => ({ done: last, of })
  await waitUntil(watch, { minS: 0, maxS: phaseSMax, done: isOver, progress })
}
