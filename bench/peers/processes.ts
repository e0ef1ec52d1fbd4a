/**
 * The processes of a server that is no child of ours alone: free ports, waiting until it serves,
 * ending it by id, and what its whole tree of processes has used.
 */
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Subprocess } from 'bun'

const ticksPerSecond = 100
const startMs = 60_000
const endMs = 15_000

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return promise
}

export interface ServerCommand {
  folder: string
  /** It serves when all of them answer. */
  ports: readonly number[]
  command: readonly string[]
  environment: Readonly<Record<string, string>>
}

/**
 * Starts a server that is deaf to Ctrl-C, which is for us, and that dies with us in any case.
 * Resolves when it answers; rejects with the end of its output when it does not.
 */
export async function startServer(options: ServerCommand): Promise<Subprocess> {
  const { folder, ports, command, environment } = options
  const outputFile = join(folder, 'output')
  const output = openSync(outputFile, 'a')
  const server = Bun.spawn(['setpriv', '--pdeathsig', 'KILL', ...command], {
    cwd: folder,
    detached: true,
    env: { ...process.env, HOME: folder, ...environment },
    stdin: 'ignore',
    stdout: output,
    stderr: output,
  })
  closeSync(output)
  try {
    for (const port of ports) await waitForPort(port, server, outputFile)
  } catch (error) {
    await endProcess(server, 'SIGKILL')
    throw error
  }
  return server
}

/** Resolves when the port answers; throws with the end of the server's output when it does not. */
async function waitForPort(port: number, server: Subprocess, outputFile: string): Promise<void> {
  const startedAt = performance.now()
  while (!(await answers(port))) {
    const ended = server.exitCode !== null || server.signalCode !== null
    if (ended || performance.now() - startedAt > startMs) {
      const said = readFileSync(outputFile, 'utf8').trim().slice(-500)
      throw new Error(`the server ${ended ? 'ended' : 'did not listen'} at its start: ${said}`)
    }
    await Bun.sleep(50)
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } })
    socket.terminate()
    return true
  } catch {
    return false
  }
}

/** Asks it to end, and kills it when it takes too long. */
export async function endProcess(child: Subprocess, signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
  await child.exited
  clearTimeout(timer)
}

/** The fields of /proc/PID/stat from the state on; undefined once it has ended. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** The process and all that descend from it. */
export function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statOf(Number(name))?.[1] ?? -1)
    const siblings = childrenOf.get(parent)
    if (siblings) siblings.push(Number(name))
    else childrenOf.set(parent, [Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

/** CPU seconds of a tree of processes, with those that have ended and were waited for. */
export function treeCpuSeconds(root: number): number {
  let ticks = 0
  for (const pid of processTree(root)) {
    const stat = statOf(pid)
    for (const field of [11, 12, 13, 14]) ticks += Number(stat?.[field] ?? 0)
  }
  return ticks / ticksPerSecond
}

/** Resident memory of the tree in KiB; pages that processes share count once. */
export function treeResidentKib(root: number): number {
  const tree = processTree(root)
  const field = tree.length > 1 ? 'Pss' : 'Rss'
  return tree.reduce((sum, pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
      return sum + Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
    } catch {
      return sum
    }
  }, 0)
}
