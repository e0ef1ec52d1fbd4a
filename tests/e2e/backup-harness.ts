/**
 * A server process that is backed up, lost with all its data, and restored by the real command; and
 * people on it whose message keys are watched.
 */
import { Database } from 'bun:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bunCurve } from '@parley/crypto/bun'
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import type { AccountId } from '@parley/wire'
import { openClient } from '../../packages/sdk/src/client.ts'
import type { Client, TimelineItem } from '../../packages/sdk/src/index.ts'
import { systemClock } from '../../packages/sdk/src/platform/clock.ts'
import { systemRandom } from '../../packages/sdk/src/platform/random.ts'
import { bunTransport } from '../../packages/sdk/src/platform/transport.bun.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { timelineOf, until } from '../../packages/sdk/src/testing/test-people.ts'
import { Person as Operator } from './cli-harness.ts'
import type { Finished } from './cli-harness.ts'
import { newPhone, patienceMs } from './sdk-harness.ts'

export class BackedUpServer implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'parley-drill-'))
  readonly data = join(this.folder, 'data')
  readonly backup = join(this.folder, 'backup')
  #process: SpawnedServer
  readonly #operator: Operator

  private constructor(folder: string, parts: { process: SpawnedServer; operator: Operator }) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.backup = join(folder, 'backup')
    this.#process = parts.process
    this.#operator = parts.operator
  }

  static async start(): Promise<BackedUpServer> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-drill-'))
    const process = await spawnServer({ dataFolder: join(folder, 'data') })
    return new BackedUpServer(folder, { process, operator: await Operator.create(process) })
  }

  get url(): string {
    return this.#process.url
  }

  code(phone: string): Promise<string> {
    return this.#process.code(phone)
  }

  /** `parley …`; fails unless it ends with the status. */
  async parley(argv: readonly string[], status = 0): Promise<Finished> {
    // The server has no such option.
    const finished = await this.#operator.run(argv, { json: argv[0] !== 'serve' })
    if (finished.status === status) return finished
    throw new Error(`ended with ${finished.status}: ${finished.stdout}${finished.stderr}`)
  }

  backUp(): Promise<Finished> {
    return this.parley(['backup', this.backup, '--data', this.data])
  }

  /** As in a power cut. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }

  async start(): Promise<void> {
    const port = Number(new URL(this.url).port)
    this.#process = await spawnServer({ dataFolder: this.data, port })
  }

  /** The machine is gone, and another one is made of the backup. */
  async loseAndRestore(whileDown: () => Promise<void>): Promise<string> {
    await this.kill()
    rmSync(this.data, { recursive: true })
    await whileDown()
    const restored = await this.parley(['restore', this.backup, '--data', this.data])
    await this.start()
    return String(restored.lines[0]?.['incarnation'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
    await this.#operator[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Somebody on a profile in memory. */
export class Friend implements AsyncDisposable {
  readonly name: string
  readonly phone = newPhone()
  readonly client: Client
  readonly database = new Database(':memory:')
  account = '' as AccountId
  readonly #messageKeys = new Set<string>()
  /** I7. */
  keysUsedTwice = 0

  private constructor(name: string, url: string) {
    this.name = name
    this.client = openClient({
      driver: openBunDriver(this.database),
      clock: systemClock,
      random: systemRandom,
      transport: bunTransport,
      curve: bunCurve,
      server: url,
      recordEvents: true,
      observeMessageKey: (key) => {
        if (this.#messageKeys.has(key)) this.keysUsedTwice++
        this.#messageKeys.add(key)
      },
    })
  }

  static async register(server: BackedUpServer, name: string): Promise<Friend> {
    const friend = new Friend(name, server.url)
    const { registration, phone } = await friend.client.startRegistration(friend.phone)
    const code = await server.code(phone)
    const input = { registration, code, name, recoveryKey: undefined }
    friend.account = (await friend.client.finishRegistration(input)).account
    friend.client.start()
    return friend
  }

  async send(to: Friend, texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.client.sendText(to.account, text)
  }

  items(peer: Friend): readonly TimelineItem[] {
    return timelineOf(this.client, peer.account).getSnapshot().items
  }

  /** What is shown of a chat, in its order; what is no text by its kind. */
  shown(peer: Friend): string[] {
    return this.items(peer).map(({ body }) => (body.kind === 'text' ? body.text : `(${body.kind})`))
  }

  heard(): string[] {
    return this.client
      .events(1_000)
      .flatMap((event) => (event.type === 'message' ? [event.text] : []))
  }

  /** Resolves when everything that was written to the peer is at least that far. */
  async untilMine(peer: Friend, least: 'accepted' | 'delivered'): Promise<void> {
    const enough = least === 'accepted' ? ['accepted', 'delivered', 'read'] : ['delivered', 'read']
    await until(
      timelineOf(this.client, peer.account),
      ({ items }) => items.every(({ mine, status }) => !mine || enough.includes(status ?? '')),
      patienceMs,
    )
  }

  async untilShown(peer: Friend, text: string): Promise<void> {
    await until(
      timelineOf(this.client, peer.account),
      () => this.shown(peer).includes(text),
      patienceMs,
    )
  }

  async untilOnline(): Promise<void> {
    await until(this.client.connection, ({ status }) => status === 'online', patienceMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}
