/**
 * Keeps the real server running, as the supervisor of a machine does: starts it again when it ends,
 * whoever ended it, and when it says for long that it cannot serve. Kills, stops and steps its
 * clock when told to.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import { clockFileVariable } from './clock-preload.ts'

export interface KeeperOptions {
  dataFolder: string
  /** For what steers the server and is not on its disk. */
  folder: string
  /** Instead of clock-preload.ts, which it imports. */
  preload: string | undefined
  tell(line: string): void
}

const startAgainMs = 500
const lookEveryMs = 2_000
const answerMs = 1_500
/** A server that is not ready for so long is started anew. */
const unreadyMsMax = 20_000

export class ServerKeeper {
  /** SIGKILLs that found it alive. */
  kills = 0
  /** Ends that nobody asked for. */
  crashes = 0
  /** Started anew since it was not ready. */
  restarts = 0
  readonly #options: KeeperOptions
  readonly #clockFile: string
  #server: SpawnedServer | undefined
  #port = 0
  #clockOffsetMs = 0
  #killed = false
  #paused = false
  #ended = false
  #unreadySinceMs: number | undefined
  #running: Promise<void> | undefined
  /** What a server that is gone has printed. */
  #before = ''

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#clockFile = join(options.folder, 'clock-offset')
    this.stepClock(0)
  }

  /** Rejects when the first start fails. */
  async start(): Promise<void> {
    await this.#spawn()
    this.#running = this.#keep()
  }

  get port(): number {
    return this.#port
  }

  get pid(): number | undefined {
    return this.#server?.pid
  }

  /** Everything that the servers wrote to stderr, oldest first. */
  get talk(): string {
    return this.#before + (this.#server?.output().stderr ?? '')
  }

  async code(phone: string): Promise<string> {
    if (!this.#server) throw new Error('the server is not running')
    return this.#server.code(phone)
  }

  /** False when there is none to kill just now. */
  kill(): boolean {
    const server = this.#server
    if (!server) return false
    this.#killed = true
    this.kills++
    server.kill('SIGKILL')
    return true
  }

  /** As a machine that swaps or sleeps. */
  pause(): void {
    this.#paused = true
    this.#server?.kill('SIGSTOP')
  }

  resume(): void {
    this.#paused = false
    this.#unreadySinceMs = undefined
    this.#server?.kill('SIGCONT')
  }

  /** From the true time; a step happens within a twentieth of a second. */
  stepClock(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs
    writeFileSync(this.#clockFile, String(offsetMs))
  }

  get clockOffsetMs(): number {
    return this.#clockOffsetMs
  }

  async ready(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(answerMs)
      const answer = await fetch(`http://127.0.0.1:${this.#port}/readyz`, { signal })
      await answer.body?.cancel()
      return answer.ok
    } catch {
      return false
    }
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#killed = true
    this.#server?.kill('SIGKILL')
    await this.#running
  }

  async #keep(): Promise<void> {
    while (!this.#ended) {
      const server = this.#server
      if (server) {
        await this.#watch(server)
        this.#before += server.output().stderr
        this.#server = undefined
        if (!this.#killed) {
          this.crashes++
          this.#options.tell(`the server ended by itself: ${this.#before.slice(-500)}`)
        }
      }
      if (this.#ended) return
      await this.#spawn().catch(async (error: unknown) => {
        this.#options.tell(`no start: ${error instanceof Error ? error.message.trim() : 'unknown'}`)
        await Bun.sleep(startAgainMs)
      })
    }
  }

  /** Until it ends. */
  async #watch(server: SpawnedServer): Promise<void> {
    let over = false
    const ended = server.exited.then(() => {
      over = true
    })
    while (!over) {
      await Promise.race([ended, Bun.sleep(lookEveryMs)])
      if (over || this.#paused || (await this.ready())) {
        this.#unreadySinceMs = undefined
        continue
      }
      this.#unreadySinceMs ??= performance.now()
      if (this.#paused || performance.now() - this.#unreadySinceMs < unreadyMsMax) continue
      this.#options.tell('the server is not ready for long; it is started anew')
      this.restarts++
      this.#killed = true
      server.kill('SIGKILL')
      await ended
    }
  }

  async #spawn(): Promise<void> {
    const environment = { [clockFileVariable]: this.#clockFile }
    const { dataFolder, preload } = this.#options
    const file = preload ?? join(import.meta.dirname, 'clock-preload.ts')
    const server = await spawnServer({
      ...{ dataFolder, port: this.#port, preload: { file, environment } },
    })
    this.#port = Number(new URL(server.url).port)
    this.#killed = false
    this.#unreadySinceMs = undefined
    this.#server = server
    if (this.#ended) {
      this.#killed = true
      server.kill('SIGKILL')
    }
  }
}
