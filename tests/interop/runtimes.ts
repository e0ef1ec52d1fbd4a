// Our side in each of its runtimes, with that runtime's own curve: in this Bun, in Node, in a page of
// Chromium. The oracle is in a process of its own each time; a page reaches it over a WebSocket.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bunCurve } from '@parley/crypto/bun'
import type { ServerWebSocket } from 'bun'
import { launchChromium } from '../browser/chromium.ts'
import { WITHOUT_SPQR } from './expectations.ts'
import { oracleProgram } from './install.ts'
import { type Job, type JobResult, perform } from './jobs.ts'
import {
  type OracleProcess,
  type OracleProgram,
  spawnOracle,
  startOracle,
} from './oracle-process.ts'

export const RUNTIMES = ['bun', 'node', 'chromium'] as const
export type Runtime = (typeof RUNTIMES)[number]

/** What the entry for Node is given on its standard input. */
export interface NodeTask {
  job: Job
  /** By version. */
  programs: Record<string, OracleProgram>
}

export function performIn(runtime: Runtime, job: Job): Promise<JobResult> {
  switch (runtime) {
    case 'bun':
      return perform(job, {
        curve: bunCurve,
        openOracle: async (version) => startOracle(oracleProgram(version)),
      })
    case 'node':
      return performInNode(job)
    case 'chromium':
      return performInChromium(job)
  }
}

/** Versions that a job needs, installed. */
function programsFor(job: Job): Record<string, OracleProgram> {
  const needsOlder = job.kind === 'run' && job.expectation === 'downgrade'
  const versions = needsOlder ? [job.oracle, WITHOUT_SPQR] : [job.oracle]
  return Object.fromEntries(versions.map((version) => [version, oracleProgram(version)]))
}

async function performInNode(job: Job): Promise<JobResult> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-interop-'))
  try {
    const script = join(folder, 'driver.mjs')
    writeFileSync(script, await bundle(new URL('./driver.node.ts', import.meta.url), 'node'))
    const task: NodeTask = { job, programs: programsFor(job) }
    return JSON.parse(await outputOf('node', [script], JSON.stringify(task))) as JobResult
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function outputOf(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const code = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  child.stdin.end(input)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  if ((await code) !== 0) throw new Error(`${program} ended with code ${await code}`)
  return output
}

async function performInChromium(job: Job): Promise<JobResult> {
  const script = await bundle(new URL('./driver.page.ts', import.meta.url), 'browser')
  await using site = servePage(script, programsFor(job))
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    page.on('pageerror', (error) => console.error(error.message))
    await page.goto(site.url)
    await page.waitForFunction('globalThis.performJob')
    const task = JSON.stringify(job)
    return JSON.parse(await page.evaluate(`performJob(${task}).then(JSON.stringify)`)) as JobResult
  } finally {
    await browser.close()
  }
}

interface Line {
  version: string
  oracle: OracleProcess | undefined
}

/** A page with the script, and at /oracle/VERSION a WebSocket to an oracle of its own. */
function servePage(
  script: string,
  programs: Record<string, OracleProgram>,
): AsyncDisposable & { url: string } {
  const html =
    '<!doctype html><title>interop</title><script type="module" src="/driver.js"></script>'
  const answer = (body: string, type: string) =>
    new Response(body, { headers: { 'content-type': type } })
  const oracles = new Set<OracleProcess>()
  const server = Bun.serve<Line>({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request, self) {
      const { pathname } = new URL(request.url)
      if (pathname === '/') return answer(html, 'text/html')
      if (pathname === '/driver.js') return answer(script, 'text/javascript')
      const version = /^\/oracle\/(.+)$/.exec(pathname)?.[1]
      const isLine = version !== undefined && version in programs
      if (isLine && self.upgrade(request, { data: { version, oracle: undefined } })) return
      return new Response('nothing here', { status: 404 })
    },
    websocket: {
      open(socket) {
        const program = programs[socket.data.version]
        if (program) oracles.add(connect(socket, spawnOracle(program)))
      },
      message: ({ data }, line) => data.oracle?.sendLine(String(line)),
      async close({ data: { oracle } }) {
        if (oracle === undefined) return
        oracles.delete(oracle)
        await oracle[Symbol.asyncDispose]()
      },
    },
  })
  return {
    url: server.url.href,
    async [Symbol.asyncDispose]() {
      await server.stop(true)
      for (const oracle of oracles) await oracle[Symbol.asyncDispose]()
    },
  }
}

function connect(socket: ServerWebSocket<Line>, oracle: OracleProcess): OracleProcess {
  socket.data.oracle = oracle
  oracle.onLine((line) => socket.send(line))
  oracle.onEnd(() => socket.close())
  return oracle
}

async function bundle(entry: URL, target: 'node' | 'browser'): Promise<string> {
  const built = await Bun.build({ entrypoints: [entry.pathname], target, format: 'esm' })
  const [script] = built.outputs
  if (!script) throw new Error(`${entry.pathname} was not built`)
  return script.text()
}
