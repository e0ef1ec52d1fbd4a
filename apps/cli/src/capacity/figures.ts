/**
 * The figures that the model needs: measured here and now by the benchmark `capacity`, or read from
 * what it printed on another box.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliFailure, exitStatus } from '../failure.ts'
import type { Figures } from './model.ts'

/** As the benchmark prints them. */
export const figureKeys: Readonly<Record<keyof Figures, string>> = {
  cores: 'cores',
  memoryMb: 'memory_mb',
  baseMb: 'base_rss_mb',
  kbPerConnection: 'kb_per_session',
  loginsPerS: 'logins_per_s',
  messagesPerS: 'rate_per_s',
  cpuUsPerMessage: 'server_cpu_us',
  cpuUsPerMessageLight: 'server_cpu_us_light',
  cpuUsPerKeepalive: 'keepalive_cpu_us',
  diskBytesPerMessage: 'disk_bytes_per_message',
  networkBytesPerMessage: 'network_bytes_per_message',
}
/** What the model divides by may not be 0. */
const divisors: ReadonlySet<keyof Figures> = new Set([
  'kbPerConnection',
  'loginsPerS',
  'messagesPerS',
])
const root = join(import.meta.dirname, '../../../..')
const benchmark = join(root, 'bench/main.ts')
const measuring = 'npm run bench -- capacity --json'
/** It takes one to two minutes. */
const measureMsMax = 10 * 60_000

/** Throws CliFailure when the file is not what the benchmark prints. */
export function readFigures(path: string): Figures {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const says = `${path} cannot be read: ${(error as Error).message}`
    throw new CliFailure(exitStatus.usage, says, { cause: error })
  }
  return parseFigures(text, path)
}

/** The last line is the row; `source` is for the error. */
export function parseFigures(text: string, source: string): Figures {
  const row = lastRow(text)
  const figures: Partial<Figures> = {}
  for (const name of Object.keys(figureKeys) as (keyof Figures)[]) {
    const value = row?.[figureKeys[name]]
    const least = divisors.has(name) ? Number.MIN_VALUE : 0
    if (typeof value !== 'number' || !(value >= least)) {
      const says = `${source} has no good ${figureKeys[name]}. It has to be what this prints: ${measuring}`
      throw new CliFailure(exitStatus.usage, says)
    }
    figures[name] = value
  }
  return figures as Figures
}

function lastRow(text: string): Record<string, unknown> | undefined {
  try {
    const row: unknown = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')
    return typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Loads a server of its own; nothing else should run meanwhile. The row as it was printed. */
export async function measure(stop: AbortSignal, isQuiet: boolean): Promise<string> {
  if (!existsSync(benchmark)) {
    const says = `The benchmarks are not installed here. Run them elsewhere (${measuring}), and give what they print with --figures FILE.`
    throw new CliFailure(exitStatus.failed, says)
  }
  const child = Bun.spawn([process.execPath, benchmark, 'capacity', '--json'], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: isQuiet ? 'ignore' : 'inherit',
    timeout: measureMsMax,
  })
  const end = () => child.kill('SIGINT')
  stop.addEventListener('abort', end, { once: true })
  const text = await new Response(child.stdout).text()
  const status = await child.exited
  stop.removeEventListener('abort', end)
  if (stop.aborted) throw new CliFailure(exitStatus.failed, 'Stopped before all was measured.')
  if (status === 0) return text
  throw new CliFailure(exitStatus.failed, `This box could not be measured. Try: ${measuring}`)
}
