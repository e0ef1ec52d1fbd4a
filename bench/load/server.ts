/**
 * The server under load: the real process, on a data folder with accounts put into it before the
 * start.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provision, spawnServer } from '@parley/testkit'
import type { ProvisionedUser } from '@parley/testkit'

export interface BenchServer extends AsyncDisposable {
  port: number
  pid: number
  /** From the start of the process until it could serve. */
  readyMs: number
  users: ProvisionedUser[]
}

export async function startBenchServer(count: number): Promise<BenchServer> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const users = await provision(folder, count)
  const startedAt = performance.now()
  const server = opened.use(await spawnServer({ dataFolder: folder }))
  const readyMs = performance.now() - startedAt
  const kept = opened.move()
  return {
    port: Number(new URL(server.url).port),
    pid: server.pid,
    readyMs,
    users,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
