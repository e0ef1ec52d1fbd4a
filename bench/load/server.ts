/**
 * The server under load: the real process, on a data folder with accounts put into it before the
 * start.
 */
import { Database } from 'bun:sqlite'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provision, spawnServer } from '@parley/testkit'
import type { ProvisionedUser } from '@parley/testkit'
import { endWithUs } from './end-with-us.ts'

export interface BenchServer extends AsyncDisposable {
  port: number
  pid: number
  /** From the start of the process until it could serve. */
  readyMs: number
  users: ProvisionedUser[]
  /** What its stores have taken so far, whether in the files themselves or in their journals. */
  dataBytes(): number
}

export async function startBenchServer(count: number): Promise<BenchServer> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))
  const users = await provision(folder, count)
  const startedAt = performance.now()
  const server = opened.use(await spawnServer({ dataFolder: folder, detached: true }))
  opened.defer(endWithUs(() => server.kill('SIGKILL')))
  const readyMs = performance.now() - startedAt
  const kept = opened.move()
  return {
    port: Number(new URL(server.url).port),
    pid: server.pid,
    readyMs,
    users,
    dataBytes: () => sum(readdirSync(folder).map((name) => storeBytes(join(folder, name)))),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

function storeBytes(path: string): number {
  if (!path.endsWith('.sqlite')) return 0
  using database = new Database(path, { readonly: true })
  const sql = 'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size'
  return database.query<{ bytes: number }, []>(sql).get()?.bytes ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
