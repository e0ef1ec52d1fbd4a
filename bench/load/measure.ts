/**
 * What a benchmark reads off the machine: CPU and memory of processes from /proc, and latencies in
 * a histogram.
 */
import { readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** User and system CPU seconds that a process has used so far, all threads; steps of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory in KiB. */
export function residentKib(pid: number): number {
  const match = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  if (!match) throw new Error(`the process ${pid} shows no memory`)
  return Number(match[1])
}

/** 1 µs to 1000 s in buckets about 1.5 % wide. */
export class Histogram {
  readonly #buckets = new Uint32Array(2048)
  count = 0

  add(milliseconds: number): void {
    const bucket = Math.min(2047, Math.max(0, Math.trunc(Math.log2(milliseconds * 1000 + 1) * 48)))
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
    this.count++
  }

  /** Milliseconds that this share of the samples stayed below; 0 without samples. */
  quantile(share: number): number {
    let needed = Math.ceil(this.count * share)
    if (needed === 0) return 0
    let bucket = 0
    for (; bucket < 2048; bucket++) {
      needed -= this.#buckets[bucket] ?? 0
      if (needed <= 0) break
    }
    return (2 ** ((bucket + 0.5) / 48) - 1) / 1000
  }
}

/** Busy CPU seconds of the whole machine since its start; what another machine took counts too. */
function machineCpuSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, soft = 0, stolen = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + interrupts + soft + stolen) / ticksPerSecond
}

/** CPU of peer, load client and everything else, and the wall clock, since a moment. */
export class Meter {
  readonly #peer: { cpuSeconds(): number }
  readonly #start: { wallS: number; serverCpuS: number; clientCpuS: number; machineCpuS: number }

  constructor(peer: { cpuSeconds(): number }) {
    this.#peer = peer
    this.#start = this.#look()
  }

  read() {
    const [before, after] = [this.#start, this.#look()]
    const wallS = after.wallS - before.wallS
    const serverCpuS = after.serverCpuS - before.serverCpuS
    const clientCpuS = after.clientCpuS - before.clientCpuS
    const otherCpuS = after.machineCpuS - before.machineCpuS - serverCpuS - clientCpuS
    const cores = (cpuS: number) => rounded(Math.max(cpuS, 0) / wallS)
    return {
      wallS,
      serverCpuS,
      clientCpuS,
      /** Who had the machine: with others on it, a figure says less about the server. */
      cores: {
        server_cores: cores(serverCpuS),
        client_cores: cores(clientCpuS),
        other_cores: cores(otherCpuS),
      },
    }
  }

  #look() {
    return {
      wallS: performance.now() / 1000,
      serverCpuS: this.#peer.cpuSeconds(),
      clientCpuS: cpuSeconds(process.pid),
      machineCpuS: machineCpuSeconds(),
    }
  }
}

/** Three significant digits are more than these figures are good for. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

/** Runs `work` over the items, at most `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < items.length) await work(items[next++] as T)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
}
