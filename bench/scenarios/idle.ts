/** Idle sessions: logs users in, keeps them idle, weighs the server. */
import { checked, Ledger } from '../load/ledger.ts'
import { logInAll, usersFrom } from '../load/login.ts'
import { Meter, rounded } from '../load/measure.ts'
import { reportFaults } from '../load/pairs.ts'
import type { LoadSession } from '../load/protocol.ts'
import { spread } from '../load/spread.ts'
import { waitUntil } from '../load/watch.ts'
import type { Watch } from '../load/watch.ts'
import { inTurn, withLimits } from '../peers/in-turn.ts'
import type { Peer } from '../peers/peer.ts'
import { count, flag, scenario } from '../scenario.ts'

const loginsAtOnce = 64
/** A server that has just started is not what it weighs. */
const restS = 3
/** Each session says that it is there so often. */
export const keepAliveS = 25

export interface IdleOptions {
  sessions: number
  settleS: number
}

export const idle = scenario({
  says: 'logs sessions in, keeps them idle, weighs the server',
  options: {
    sessions: count(15_000, 'sessions'),
    settle: count(40, 'seconds before the second weighing'),
    alone: flag('without the bare relay'),
  },
  async *run({ sessions, settle: settleS, alone }, watch) {
    const peers = alone ? withLimits.alone : withLimits.beside
    for await (const peer of inTurn(peers, { users: sessions, durable: true }, watch)) {
      yield await loadIdle(peer, { sessions, settleS }, watch)
    }
  },
})

export async function loadIdle(
  peer: Peer,
  { sessions: users, settleS }: IdleOptions,
  watch: Watch,
) {
  const ledger = new Ledger({ expectsConfirmed: false, expectsAccepted: false })
  watch.begin(`${peer.name}: at rest`)
  await waitUntil(watch, { minS: restS, maxS: restS, done: () => true })
  const baseKib = peer.residentKib()
  watch.begin(`${peer.name}: logging in`)
  const meter = new Meter(peer)
  const all = {
    logins: usersFrom(0, users, false),
    atOnce: loginsAtOnce,
    events: checked(ledger, {}),
  }
  const sessions = await logInAll(peer.protocol, all, watch)
  const used = meter.read()
  const fullKib = peer.residentKib()
  watch.begin(`${peer.name}: idle`)
  const idleUsed = await stayIdle(peer, { sessions, settleS }, watch)
  const settledKib = peer.residentKib()
  const open = sessions.filter((session) => !session.closed).length
  for (const session of sessions) session.close()
  reportFaults(peer, ledger)
  const perSession = (kib: number) => rounded((kib - baseKib) / open)
  return {
    peer: peer.name,
    durable: peer.durable,
    users,
    sessions: open,
    kb_per_session: perSession(Math.max(fullKib, settledKib)),
    kb_per_session_settled: perSession(settledKib),
    base_rss_mb: Math.round(baseKib / 1024),
    rss_mb: Math.round(Math.max(fullKib, settledKib) / 1024),
    logins_per_s: Math.round(open / used.wallS),
    server_cpu_us_per_login: rounded((used.serverCpuS / open) * 1e6),
    client_cpu_us_per_login: rounded((used.clientCpuS / open) * 1e6),
    idle_cpu_percent: rounded((idleUsed.serverCpuS / idleUsed.wallS) * 100),
    ...used.cores,
    errors: ledger.errors,
  }
}

/** Sessions say nothing but that they are there. */
async function stayIdle(
  peer: Peer,
  { sessions, settleS }: { sessions: readonly LoadSession[]; settleS: number },
  watch: Watch,
) {
  const meter = new Meter(peer)
  const stop = spread(sessions.length / keepAliveS, (turn) => {
    const session = sessions[turn % sessions.length]
    session?.keepAlive()
    session?.flush()
  })
  await waitUntil(watch, { minS: settleS, maxS: settleS, done: () => true })
  stop()
  return meter.read()
}
