/** Idle sessions: logs users in, keeps them idle, weighs the server. */
import { LoadClient } from '../load/client.ts'
import { Meter, inParallel, residentKib, rounded } from '../load/measure.ts'
import type { BenchServer } from '../load/server.ts'

export interface IdleOptions {
  settleS: number
}

const loginsAtOnce = 64

export async function idle(server: BenchServer, options: IdleOptions) {
  await Bun.sleep(3000)
  const baseKib = residentKib(server.pid)
  const client = new LoadClient(server.port, {
    entry() {},
    rejected() {},
    chunkRead() {},
  })
  const meter = new Meter(server.pid)
  await inParallel(server.users, loginsAtOnce, async (user) => {
    await client.connect(user)
  })
  const used = meter.read()
  const fullKib = residentKib(server.pid)
  const idleMeter = new Meter(server.pid)
  await Bun.sleep(options.settleS * 1000)
  const idleUsed = idleMeter.read()
  const settledKib = residentKib(server.pid)
  const sessions = client.connections.filter((connection) => !connection.closed).length
  client.closeAll()
  const perSession = (kib: number) => rounded((kib - baseKib) / server.users.length)
  return {
    users: server.users.length,
    sessions,
    kb_per_session: perSession(Math.max(fullKib, settledKib)),
    kb_per_session_settled: perSession(settledKib),
    base_rss_mb: Math.round(baseKib / 1024),
    rss_mb: Math.round(Math.max(fullKib, settledKib) / 1024),
    logins_per_s: Math.round(server.users.length / used.wallS),
    server_cpu_us_per_login: rounded((used.serverCpuS / server.users.length) * 1e6),
    idle_cpu_percent: rounded((idleUsed.serverCpuS / idleUsed.wallS) * 100),
    errors: client.lost,
  }
}
