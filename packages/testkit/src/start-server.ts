/**
 * The real server for tests: in this process on a free port with a folder of its own, or as a
 * process of its own that can be killed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  openServer,
  readConfig,
  type Server,
  type Surroundings,
  systemClock,
  systemRandom,
} from '@parley/app-server'
import { type Clock, MemoryLog, MemoryStore, openLogger, type Sms } from '@parley/server'

export interface StartServerOptions {
  /** `memory-late` shows appended entries late, as a cluster does. */
  log?: 'sqlite' | 'memory-late'
  /** Undefined: a temporary one that goes with the server. */
  dataFolder?: string
  clock?: Clock
  /** Rate limits are off unless a test is about them. */
  limited?: boolean
  /** Folder of a built web app. */
  webFolder?: string
  port?: number
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly dataFolder: string
  /** The newest code sent to each number. */
  readonly codes: ReadonlyMap<string, string>
  /** Stops it as SIGTERM does, and starts it again on the same port and folder. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const lateMsMax = 20
const memoryEntriesMax = 100_000

export async function startServer(options: StartServerOptions = {}): Promise<TestServer> {
  const dataFolder = options.dataFolder ?? (await temporaryFolder())
  const codes = new Map<string, string>()
  const sms: Sms = {
    async sendCode(phone, code) {
      codes.set(phone, code)
    },
  }
  const open = await opener({ ...options, dataFolder }, sms)
  let server: Server | undefined = await open(options.port ?? 0)
  const { url } = server
  const stop = async () => {
    const running = server
    server = undefined
    await running?.stop()
  }
  return {
    url,
    dataFolder,
    codes,
    stop,
    async restart() {
      await stop()
      server = await open(Number(new URL(url).port))
    },
    async [Symbol.asyncDispose]() {
      await stop()
      if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

async function opener(
  options: StartServerOptions & { dataFolder: string },
  sms: Sms,
): Promise<(port: number) => Promise<Server>> {
  const clock = options.clock ?? systemClock
  const store = new MemoryStore(memoryEntriesMax)
  return (port) => {
    const flags = ['--port', String(port), '--data', options.dataFolder, '--log-level', 'error']
    const config = readConfig(options.limited ? flags : [...flags, '--unlimited'], {})
    if (!config) throw new Error('no configuration')
    const log = options.log === 'memory-late' ? lateLog(store, clock) : undefined
    const print = () => {}
    const surroundings: Surroundings = { clock, random: systemRandom, sms, log, print }
    return openServer(config, surroundings, options.webFolder)
  }
}

function lateLog(store: MemoryStore, clock: Clock): MemoryLog {
  return new MemoryLog({
    store,
    clock,
    random: systemRandom,
    logger: openLogger('error'),
    delayMsMax: lateMsMax,
    onParked: undefined,
  })
}

function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'parley-'))
}

export interface SpawnServerOptions {
  dataFolder?: string
  /** 0 takes a free one. */
  port?: number
  /** Serves the web app, and builds it first if it must. */
  web?: boolean
  /** More flags of `parley serve`. */
  flags?: string[]
  /** Deaf to the Ctrl-C of a terminal, which is for who started it. */
  detached?: boolean
  /** A file that the process runs first, with what it reads from its environment. */
  preload?: { file: string; environment: Readonly<Record<string, string>> }
}

export interface SpawnedServer extends AsyncDisposable {
  readonly url: string
  readonly dataFolder: string
  readonly pid: number
  readonly exited: Promise<number>
  /** The next code that it prints for this number, or printed and nobody took. */
  code(phone: string): Promise<string>
  /** Everything that it wrote so far. */
  output(): { stdout: string; stderr: string }
  kill(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT' | 'SIGSTOP' | 'SIGCONT'): void
}

const repository = resolve(import.meta.dir, '../../..')
const readyPattern = /^Parley is ready at (\S+)$/m

/**
 * Resolves when the process says that it is ready; rejects with what it wrote when it ends before.
 */
export async function spawnServer(options: SpawnServerOptions = {}): Promise<SpawnedServer> {
  const dataFolder = options.dataFolder ?? (await temporaryFolder())
  const main = join(repository, 'apps/server/src/main.ts')
  const flags = ['--port', String(options.port ?? 0), '--data', dataFolder, '--unlimited']
  if (!options.web) flags.push('--web-dir', join(dataFolder, 'no-web-app'))
  const { preload } = options
  const first = preload ? ['--preload', preload.file] : []
  const child = Bun.spawn([process.execPath, ...first, main, ...flags, ...(options.flags ?? [])], {
    env: { ...process.env, ...preload?.environment },
    detached: options.detached ?? false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const stdout = new Transcript(child.stdout)
  const stderr = new Transcript(child.stderr)
  const ready = await stdout.find((text) => readyPattern.exec(text)?.[1])
  if (ready === undefined) {
    throw new Error(`the server ended with ${await child.exited}: ${await stderr.whole()}`)
  }
  const taken = new Map<string, number>()
  return {
    url: ready,
    dataFolder,
    pid: child.pid,
    exited: child.exited,
    output: () => ({ stdout: stdout.text, stderr: stderr.text }),
    kill: (signal) => child.kill(signal),
    async code(phone) {
      const found = await stdout.find((text) => {
        const codes = text.split('\n').filter((line) => line.startsWith(`Code for ${phone}: `))
        return codes[taken.get(phone) ?? 0]
      })
      if (found === undefined) throw new Error(`the server ended without a code for ${phone}`)
      taken.set(phone, (taken.get(phone) ?? 0) + 1)
      return found.slice(-6)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
      if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

/** What a process has written; waits until something stands in it. */
class Transcript {
  text = ''
  #ended = false
  #waiting: (() => void)[] = []
  readonly #done: Promise<void>

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#done = this.#read(stream)
  }

  /** Whole lines only; undefined when the process ended without it. */
  async find<T>(look: (text: string) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = look(this.text.slice(0, this.text.lastIndexOf('\n') + 1))
      if (found !== undefined || this.#ended) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async whole(): Promise<string> {
    await this.#done
    return this.text
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true })
      this.#wake()
    }
    this.#ended = true
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
