/**
 * What an append and a read cost in a log of several sizes: the embedded log itself, with its
 * writer's thread and durable, and nothing else of the server.
 */
import { statSync } from 'node:fs'
import type { SqliteLog } from '@parley/server'
import { SimRandom } from '@parley/testkit'
import { positionAt } from '@parley/wire'
import type { LogId } from '@parley/wire'
import { openBenchLog } from '../load/bench-log.ts'
import { dropFromCache, median, openLogFolder } from '../load/log-folder.ts'
import type { LogFolder } from '../load/log-folder.ts'
import { rounded } from '../load/measure.ts'
import { count, counts, scenario } from '../scenario.ts'

const usualSizes = [1_000_000, 2_000_000, 5_000_000, 10_000_000]
const rounds = 5
const appendsPerRound = 8_192
/** Appends that are not durable yet: about what the server's batches have under load. */
const inFlight = 256
const readsPerRound = 1_000
const coldReads = 50
/** Of one read: what a device gets that was away for a while. */
const pageEntries = 32

export const growth = scenario({
  says: 'what an append and a read cost as the log grows',
  options: {
    entries: counts('sizes of the log (1000000,2000000,5000000,10000000)'),
    users: count(10_000, 'users; each has an inbox'),
  },
  async *run({ entries, users }, watch) {
    const sizes = (entries ?? usualSizes).toSorted((a, b) => a - b)
    using folder = await openLogFolder({ users, entriesMax: Math.max(...sizes) * 1.1 }, watch)
    for (const size of sizes) {
      await folder.fill.upTo(size, watch)
      if (watch.signal.aborted) return
      const bytesPerEntry = statSync(folder.logPath).size / folder.fill.entries
      watch.begin(`measuring at ${size.toLocaleString('en')} entries`)
      yield {
        peer: 'parley',
        durable: true,
        users,
        entries: size,
        ...(await measure(folder)),
        file_bytes_per_entry: Math.round(bytesPerEntry),
      }
    }
  },
})

interface Spent {
  cpuUs: number
  wallUs: number
}

async function measure(folder: LogFolder) {
  const appends: Spent[] = []
  const reads: Spent[] = []
  {
    await using log = await openFilled(folder)
    for (let round = 0; round < rounds; round++) {
      appends.push(await appendSome(log, folder))
      reads.push(await readSome(log, folder, { seed: round, times: readsPerRound }))
    }
  }
  dropFromCache(folder.logPath)
  await using log = await openFilled(folder)
  const cold = await readSome(log, folder, { seed: rounds, times: coldReads })
  return {
    append_us: rounded(median(appends.map(({ cpuUs }) => cpuUs))),
    append_wall_us: rounded(median(appends.map(({ wallUs }) => wallUs))),
    read_us: rounded(median(reads.map(({ cpuUs }) => cpuUs))),
    read_wall_us: rounded(median(reads.map(({ wallUs }) => wallUs))),
    read_entries: pageEntries,
    read_cold_us: rounded(cold.cpuUs),
    read_cold_wall_us: rounded(cold.wallUs),
  }
}

/** Its time is that of the rows, which go on where the fill stopped. */
function openFilled({ logPath, fill }: LogFolder): Promise<SqliteLog> {
  return openBenchLog(logPath, () => fill.nowMs)
}

/** For each append; the processor time is the writer's thread and this one's. */
async function appendSome(log: SqliteLog, { fill }: LogFolder): Promise<Spent> {
  const rows = Array.from({ length: appendsPerRound / 2 }, () => fill.next()).flat()
  return spent(appendsPerRound, async () => {
    let next = 0
    const lane = async () => {
      for (let row = rows[next++]; row; row = rows[next++]) await log.append(row.log, row.entry)
    }
    await Promise.all(Array.from({ length: inFlight }, lane))
  })
}

/** For each page, of random inboxes and from anywhere in the first half of the log. */
async function readSome(
  log: SqliteLog,
  { fill, owners }: LogFolder,
  { seed, times }: { seed: number; times: number },
): Promise<Spent> {
  const random = new SimRandom(seed)
  const wanted = Array.from({ length: times }, (): [LogId, number] => {
    const afterMs = fill.startMs + random.below(2 ** 31) * ((fill.nowMs - fill.startMs) / 2 ** 32)
    return [random.pick(owners).log, positionAt(afterMs)]
  })
  let entries = 0
  const used = await spent(times, async () => {
    for (const [inbox, after] of wanted) {
      entries += (await log.read(inbox, after, pageEntries)).entries.length
    }
  })
  if (entries === 0) throw new Error('the inboxes are empty')
  return used
}

async function spent(times: number, work: () => Promise<void>): Promise<Spent> {
  const before = process.cpuUsage()
  const startedAtMs = performance.now()
  await work()
  const wallUs = (performance.now() - startedAtMs) * 1000
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: (user + system) / times, wallUs: wallUs / times }
}
