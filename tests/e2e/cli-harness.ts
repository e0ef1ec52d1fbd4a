/**
 * People who use the command line: each with a home of their own, running the real `parley` program
 * against a real server process.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'

const parley = resolve(import.meta.dirname, '../../node_modules/.bin/parley')
const commandMsMax = 60_000

export interface Finished {
  status: number
  stdout: string
  stderr: string
  /** stdout as one JSON object a line. */
  lines: Line[]
}

export type Line = Record<string, unknown>

export interface RunOptions {
  stdin?: string
  server?: string
  json?: boolean
  environment?: Record<string, string>
}

let numbers = 0

/** A valid mobile number that no other person of this run has. */
export function newPhone(): string {
  numbers++
  return `+49151${String(20_000_000 + (process.pid % 900) * 1000 + numbers)}`
}

export class Person implements AsyncDisposable {
  readonly home: string
  readonly phone = newPhone()
  readonly server: string
  account = ''
  /** What `register` printed. */
  registration: Line = {}

  private constructor(home: string, server: string) {
    this.home = home
    this.server = server
  }

  static async create(server: { url: string }): Promise<Person> {
    return new Person(await mkdtemp(join(tmpdir(), 'parley-home-')), server.url)
  }

  /** With a number that is proven and a name. */
  static async registered(server: SpawnedServer, name: string): Promise<Person> {
    const person = await Person.create(server)
    const register = ['register', '--phone', person.phone, '--code', '-', '--name', name]
    const registering = person.start(register)
    await registering.untilStderr(/was sent/)
    registering.endInput(`${await server.code(person.phone)}\n`)
    const registered = await registering.finished
    if (registered.status !== 0) throw new Error(registered.stderr)
    person.registration = registered.lines[0] ?? {}
    person.account = String(person.registration['account'])
    return person
  }

  /** Runs a command to its end. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const running = this.start(argv, options)
    running.endInput(options.stdin)
    return running.finished
  }

  /** Starts a command that reads or prints for a while. */
  start(argv: readonly string[], options: RunOptions = {}): Running {
    const { json = true, server = this.server, environment = {} } = options
    const child = Bun.spawn([parley, ...argv, ...(json ? ['--json'] : [])], {
      env: {
        PATH: process.env['PATH'],
        PARLEY_HOME: this.home,
        PARLEY_SERVER: server,
        ...environment,
      },
      cwd: this.home,
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: commandMsMax,
      killSignal: 'SIGKILL',
    })
    return new Running(child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true })
  }
}

type Child = Bun.Subprocess<'pipe', 'pipe', 'pipe'>

export class Running {
  readonly #child: Child
  readonly finished: Promise<Finished>
  stdout = ''
  stderr = ''
  #waiting: (() => void)[] = []

  constructor(child: Child) {
    this.#child = child
    this.finished = this.#finish()
  }

  get pid(): number {
    return this.#child.pid
  }

  write(text: string): void {
    void this.#child.stdin.write(text)
    void this.#child.stdin.flush()
  }

  endInput(last?: string): void {
    if (last !== undefined) void this.#child.stdin.write(last)
    void this.#child.stdin.end()
  }

  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  lines(): Line[] {
    return jsonLines(this.stdout)
  }

  /** Waits until that many lines stand on stdout; fails when the program ends before. */
  async untilLines(count: number): Promise<Line[]> {
    await this.#until(() => this.stdout.split('\n').length > count, `${count} lines`)
    return this.lines()
  }

  async untilStderr(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.stderr), String(pattern))
  }

  async #until(there: () => boolean, what: string): Promise<void> {
    let ended = false
    void this.finished.then(() => {
      ended = true
      this.#wake()
    })
    while (!there()) {
      if (ended) throw new Error(`ended without ${what}:\n${this.stdout}\n${this.stderr}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #finish(): Promise<Finished> {
    const collect = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder()
      for await (const chunk of stream) {
        take(decoder.decode(chunk, { stream: true }))
        this.#wake()
      }
    }
    await Promise.all([
      collect(this.#child.stdout, (text) => (this.stdout += text)),
      collect(this.#child.stderr, (text) => (this.stderr += text)),
    ])
    const status = await this.#child.exited
    const { stdout, stderr } = this
    return { status, stdout, stderr, lines: jsonLines(stdout) }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function jsonLines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
}

/** The real server as a process, without a web app: nobody opens a page here. */
export async function serverProcess(
  options: { dataFolder?: string; port?: number } = {},
): Promise<SpawnedServer> {
  return spawnServer({ ...options, flags: ['--web-dir', import.meta.dirname] })
}

/** Kills it as a power cut does, and starts it again on the same folder and port. */
export async function crashAndRestart(server: SpawnedServer): Promise<SpawnedServer> {
  server.kill('SIGKILL')
  await server.exited
  return serverProcess({ dataFolder: server.dataFolder, port: Number(new URL(server.url).port) })
}
