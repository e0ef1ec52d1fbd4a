/**
 * Login storm: everybody is online, all connections end, and everybody reconnects at once, as after
 * a restart of the network before the server.
 */
import { Ledger, checked } from '../load/ledger.ts'
import { logInAll, usersFrom } from '../load/login.ts'
import { Histogram, Meter, inParallel, rounded } from '../load/measure.ts'
import { reportFaults } from '../load/pairs.ts'
import { againstRelay } from '../load/ratios.ts'
import type { LoadEvents, LoadSession } from '../load/protocol.ts'
import { waitUntil } from '../load/watch.ts'
import type { Watch } from '../load/watch.ts'
import { inTurn, withLimits } from '../peers/in-turn.ts'
import type { Peer } from '../peers/peer.ts'
import { count, flag, scenario } from '../scenario.ts'

export interface LoginStormOptions {
  sessions: number
  /** Logins that are under way at a time. */
  atOnce: number
}

const firstLoginsAtOnce = 64
/** Until the server has noticed that nobody is there. */
const restS = 2
/** A connection that is refused in the storm is tried again, as clients do. */
const [attemptsMax, retryMs] = [8, 250]

export const loginStorm = scenario({
  says: 'all sessions end and reconnect at once',
  options: {
    sessions: count(15_000, 'sessions'),
    'at-once': count(15_000, 'logins that are under way at a time'),
    alone: flag('without the bare relay'),
  },
  async *run({ sessions, 'at-once': atOnce, alone }, watch) {
    const peers = alone ? withLimits.alone : withLimits.beside
    const rows = []
    for await (const peer of inTurn(peers, { users: sessions, durable: true }, watch)) {
      const row = await loadLogins(peer, { sessions, atOnce }, watch)
      rows.push(row)
      yield { ...row, ...againstRelay(row, rows) }
    }
  },
})

export async function loadLogins(peer: Peer, options: LoginStormOptions, watch: Watch) {
  const ledger = new Ledger({ expectsConfirmed: false, expectsAccepted: false })
  const storm = new Storm(peer, checked(ledger, {}))
  await storm.before(options.sessions, watch)
  watch.begin(`${peer.name}: everybody logs in`)
  const meter = new Meter(peer)
  const sessions = await storm.logIn(options, watch)
  const used = meter.read()
  for (const session of sessions) session.close()
  for (const reason of storm.failures) ledger.reason('closed', reason)
  reportFaults(peer, ledger)
  const loginsPerS = Math.round(sessions.length / used.wallS)
  const perLoginUs = (seconds: number) => rounded((seconds / sessions.length) * 1e6)
  return {
    peer: peer.name,
    durable: peer.durable,
    users: options.sessions,
    at_once: options.atOnce,
    sessions: sessions.length,
    rate_per_s: loginsPerS,
    logins_per_s: loginsPerS,
    p50_ms: rounded(storm.took.quantile(0.5)),
    p99_ms: rounded(storm.took.quantile(0.99)),
    p999_ms: rounded(storm.took.quantile(0.999)),
    server_cpu_us: perLoginUs(used.serverCpuS),
    client_cpu_us: perLoginUs(used.clientCpuS),
    ...used.cores,
    retries: storm.retries,
    rss_mb: Math.round(peer.residentKib() / 1024),
    errors: ledger.errors,
  }
}

class Storm {
  readonly took = new Histogram()
  retries = 0
  /** Of users who did not get in at all. */
  readonly failures: string[] = []
  readonly #peer: Peer
  readonly #events: LoadEvents

  constructor(peer: Peer, events: LoadEvents) {
    this.#peer = peer
    this.#events = events
  }

  /** Everybody is online, and then nobody. */
  async before(users: number, watch: Watch): Promise<void> {
    watch.begin(`${this.#peer.name}: before the storm`)
    const logins = usersFrom(0, users, false)
    const all = { logins, atOnce: firstLoginsAtOnce, events: this.#events }
    const sessions = await logInAll(this.#peer.protocol, all, watch)
    for (const session of sessions) session.close()
    await waitUntil(watch, { minS: restS, maxS: restS, done: () => true })
  }

  async logIn(options: LoginStormOptions, watch: Watch): Promise<LoadSession[]> {
    const users = Array.from({ length: options.sessions }, (_, user) => user)
    const sessions: LoadSession[] = []
    await inParallel(users, options.atOnce, async (user) => {
      const startedAtMs = performance.now()
      const session = await this.#logInOne(user, watch)
      if (!session) return
      this.took.add(performance.now() - startedAtMs)
      sessions.push(session)
      watch.show(sessions.length, users.length)
    })
    return sessions
  }

  async #logInOne(user: number, watch: Watch): Promise<LoadSession | undefined> {
    for (let attempt = 1; !watch.signal.aborted; attempt++) {
      try {
        return await this.#peer.protocol.logIn({ user, hearsAccepted: false }, this.#events)
      } catch (error) {
        if (attempt === attemptsMax) {
          this.failures.push(error instanceof Error ? error.message : String(error))
          return undefined
        }
        this.retries++
        await Bun.sleep(retryMs * attempt)
      }
    }
    return undefined
  }
}
