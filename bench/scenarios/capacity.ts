/**
 * What one box can do, as one row: the figures that `parley capacity` plans with. Short cells, one
 * after the other; the other scenarios measure each of these longer, beside other servers.
 */
import { availableParallelism, totalmem } from 'node:os'
import { carried } from '../load/connection.ts'
import { loadPairs } from '../load/pairs.ts'
import { rounded } from '../load/measure.ts'
import type { Watch } from '../load/watch.ts'
import { startParley } from '../peers/parley.ts'
import { count, scenario } from '../scenario.ts'
import { keepAliveS, loadIdle } from './idle.ts'
import { loadLogins } from './login-storm.ts'

interface Sizes {
  sessions: number
  users: number
  measureS: number
  settleS: number
}

const fullW = 8
const lightPerS = 1_000
const [warmS, drainS] = [3, 30]

export const capacity = scenario({
  says: 'what one box can do, in one row, for `parley capacity`',
  options: {
    sessions: count(10_000, 'idle sessions, and logins'),
    users: count(1_000, 'users who write, in pairs'),
    measure: count(10, 'seconds measured at least'),
    settle: count(25, 'seconds that sessions are idle'),
  },
  async *run({ sessions, users, measure: measureS, settle: settleS }, watch) {
    const sizes = { sessions, users: users + (users % 2), measureS, settleS }
    const idle = await idleFigures(sizes, watch)
    if (watch.signal.aborted) return
    const logins = await loginFigures(sizes, watch)
    if (watch.signal.aborted) return
    const light = await messageFigures({ w: 0, ratePerS: lightPerS }, sizes, watch)
    if (watch.signal.aborted) return
    const full = await messageFigures({ w: fullW, ratePerS: 0 }, sizes, watch)
    yield {
      peer: 'parley',
      durable: true,
      cores: availableParallelism(),
      memory_mb: Math.round(totalmem() / 1024 / 1024),
      ...idle.figures,
      ...logins.figures,
      ...full.figures,
      server_cpu_us_light: light.figures.server_cpu_us,
      errors: idle.errors + logins.errors + light.errors + full.errors,
    }
  },
})

async function idleFigures({ sessions, settleS }: Sizes, watch: Watch) {
  await using peer = await startParley({ users: sessions, durable: true })
  const row = await loadIdle(peer, { sessions, settleS }, watch)
  const { base_rss_mb, errors, kb_per_session } = row
  const busyUsPerS = row.idle_cpu_percent * 10_000
  const keepalive_cpu_us = rounded(busyUsPerS / (row.sessions / keepAliveS))
  return { figures: { base_rss_mb, kb_per_session, keepalive_cpu_us }, errors }
}

async function loginFigures({ sessions }: Sizes, watch: Watch) {
  await using peer = await startParley({ users: sessions, durable: true })
  const { errors, logins_per_s } = await loadLogins(peer, { sessions, atOnce: sessions }, watch)
  return { figures: { logins_per_s }, errors }
}

async function messageFigures(
  loop: { w: number; ratePerS: number },
  { measureS, users }: Sizes,
  watch: Watch,
) {
  await using peer = await startParley({ users, durable: true })
  const before = { disk: peer.dataBytes(), network: carried() }
  const row = await loadPairs(peer, { users, ...loop, warmS, measureS, drainS }, watch)
  const { errors, messages, rate_per_s, server_cpu_us } = row
  const figures = {
    rate_per_s,
    server_cpu_us,
    disk_bytes_per_message: Math.round((peer.dataBytes() - before.disk) / messages),
    network_bytes_per_message: Math.round((carried() - before.network) / messages),
  }
  return { figures, errors }
}
