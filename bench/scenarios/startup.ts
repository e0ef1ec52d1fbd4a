/**
 * From the start of the server's process until it says that it is ready, on logs of several sizes:
 * after a stop, and after it was killed while it wrote; with what it reads in the system's memory,
 * and without.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import { endWithUs } from '../load/end-with-us.ts'
import { dropFromCache, median, openLogFolder } from '../load/log-folder.ts'
import type { LogFolder } from '../load/log-folder.ts'
import { cpuSeconds, residentKib, rounded } from '../load/measure.ts'
import type { Watch } from '../load/watch.ts'
import { count, counts, scenario } from '../scenario.ts'

const usualSizes = [1_000_000, 10_000_000]
/** Rounds of a process that is killed: its journal has started over by then. */
const roundsBeforeKill = 40
const stores = ['accounts.sqlite', 'log.sqlite']

/** `ended`: how the process before it did. */
const cells = [
  { ended: 'stopped', cache: 'warm' },
  { ended: 'stopped', cache: 'cold' },
  { ended: 'killed', cache: 'warm' },
] as const
type Cell = (typeof cells)[number]

export const startup = scenario({
  says: 'from the start of the process until it serves, after a stop and after a kill',
  options: {
    entries: counts('sizes of the log, beside an empty one (1000000,10000000)'),
    users: count(10_000, 'users; each has an inbox'),
    starts: count(5, 'starts of each kind, whose median counts'),
  },
  async *run({ entries, users, starts }, watch) {
    const sizes = [0, ...(entries ?? usualSizes).toSorted((a, b) => a - b)]
    using folder = await openLogFolder({ users, entriesMax: Math.max(2, ...sizes) }, watch)
    for (const size of sizes) {
      await folder.fill.upTo(size, watch)
      for (const cell of cells) {
        if (watch.signal.aborted) return
        watch.begin(`starting with ${size.toLocaleString('en')} entries, ${words(cell)}`)
        yield {
          peer: 'parley',
          durable: true,
          users,
          entries: size,
          ...cell,
          ...(await measure(folder, { ...cell, starts }, watch)),
        }
      }
    }
  },
})

function words({ ended, cache }: Cell): string {
  return `${ended} before, ${cache} cache`
}

interface Start {
  readyMs: number
  cpuMs: number
  rssMb: number
  /** What the process before had left to be written again. */
  journalMb: number
}

async function measure(
  folder: LogFolder,
  { ended, cache, starts }: Cell & { starts: number },
  watch: Watch,
) {
  const seen: Start[] = []
  while (seen.length < starts && !watch.signal.aborted) {
    if (ended === 'killed') await killOne(folder)
    if (cache === 'cold') {
      for (const name of stores) dropFromCache(join(folder.path, name))
    }
    seen.push(await startOne(folder))
    watch.show(seen.length, starts)
  }
  const all = (what: keyof Start) => seen.map((start) => start[what])
  return {
    starts: seen.length,
    ready_ms: Math.round(median(all('readyMs'))),
    ready_ms_max: Math.round(Math.max(...all('readyMs'))),
    ready_cpu_ms: Math.round(median(all('cpuMs'))),
    rss_mb: Math.round(median(all('rssMb'))),
    journal_mb: rounded(Math.max(...all('journalMb'))),
  }
}

async function startOne({ path, logPath }: LogFolder): Promise<Start> {
  const journal = `${logPath}-wal`
  const journalMb = existsSync(journal) ? statSync(journal).size / 2 ** 20 : 0
  const startedAtMs = performance.now()
  await using server = await spawnServer({ dataFolder: path, detached: true })
  using _ = { [Symbol.dispose]: endWithUs(() => server.kill('SIGKILL')) }
  const readyMs = performance.now() - startedAtMs
  const start = {
    readyMs,
    cpuMs: cpuSeconds(server.pid) * 1000,
    rssMb: residentKib(server.pid) / 1024,
    journalMb,
  }
  server.kill('SIGTERM')
  await server.exited
  return start
}

async function killOne({ path }: LogFolder): Promise<void> {
  const script = join(import.meta.dirname, '../load/append-until-killed.ts')
  const child = Bun.spawn([process.execPath, script, path], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    detached: true,
  })
  using _ = { [Symbol.dispose]: endWithUs(() => child.kill('SIGKILL')) }
  let rounds = 0
  for await (const chunk of child.stdout) {
    rounds += chunk.length / 2
    if (rounds >= roundsBeforeKill) break
  }
  child.kill('SIGKILL')
  await child.exited
  if (rounds < roundsBeforeKill) throw new Error('nothing could be appended')
}
