/**
 * People who use the SDK as a program does: each with a profile folder of their own, against a real
 * server.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import type { AccountId, MessageId } from '@parley/wire'
import { openBunClient } from '../../packages/sdk/src/index.bun.ts'
import type { Client, LiveQuery, TimelineItem } from '../../packages/sdk/src/index.ts'
import { timelineOf, until } from '../../packages/sdk/src/testing/test-people.ts'

/** Long: the machine may be busy with other things. */
export const patienceMs = 120_000

export interface Box {
  url: string
  code(phone: string): string | Promise<string>
}

interface Registering {
  name: string
  phone?: string
  recoveryKey?: string
}

let numbers = 0

export function newPhone(): string {
  numbers++
  return `+49152${String(20_000_000 + (process.pid % 900) * 1000 + numbers)}`
}

export class Person implements AsyncDisposable {
  readonly folder: string
  readonly server: string
  readonly phone: string
  account = '' as AccountId
  recoveryKey = ''
  client: Client

  private constructor(folder: string, options: { server: string; phone: string; client: Client }) {
    this.folder = folder
    this.server = options.server
    this.phone = options.phone
    this.client = options.client
  }

  /** In a new profile folder; connected from then on. */
  static async register(box: Box, registering: Registering): Promise<Person> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-profile-'))
    const client = await openBunClient({ folder, server: box.url })
    const phone = registering.phone ?? newPhone()
    const person = new Person(folder, { server: box.url, phone, client })
    await person.registerAgain(box, registering)
    client.start()
    return person
  }

  /** In this profile, for its number. */
  async registerAgain(box: Box, { name, recoveryKey }: Omit<Registering, 'phone'>): Promise<void> {
    const { registration, phone } = await this.client.startRegistration(this.phone)
    const code = await box.code(phone)
    const input = { registration, code, name, recoveryKey }
    const registered = await this.client.finishRegistration(input)
    this.account = registered.account
    this.recoveryKey = registered.recoveryKey
  }

  /** Ends the program; the folder stays. */
  async close(): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }

  /** Another run of the program on the same folder. */
  async open(): Promise<void> {
    this.client = await openBunClient({ folder: this.folder, server: this.server })
  }

  async send(to: Person, text: string): Promise<MessageId> {
    return this.client.sendText(to.account, text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** The whole chat, oldest first, page by page as an interface reads it. */
  items(peer: Person): TimelineItem[] {
    const pages: TimelineItem[][] = []
    const known = new Set<string>()
    for (let around: { stamp: number; id: string } | undefined; ; ) {
      const query = { conversation: peer.account, around, limit: 180 }
      const page = this.client.timeline(query).getSnapshot()
      const older = page.items.filter(({ id }) => !known.has(id))
      for (const { id } of older) known.add(id)
      pages.unshift(older)
      around = page.items[0]
      if (!page.moreBefore || older.length === 0) return pages.flat()
    }
  }

  /** Texts of the other, or of both, in display order. */
  texts(peer: Person, whose: 'theirs' | 'mine' | 'both' = 'theirs'): string[] {
    return this.items(peer).flatMap((item) => {
      const isWanted = whose === 'both' || item.mine === (whose === 'mine')
      return isWanted && item.body.kind === 'text' ? [item.body.text] : []
    })
  }

  /** Resolves when the chat, looked at after each change, satisfies. */
  async untilItems(peer: Person, satisfied: (items: TimelineItem[]) => boolean): Promise<void> {
    const chat = timelineOf(this.client, peer.account)
    await until(chat, () => satisfied(this.items(peer)), patienceMs)
  }

  /** That many of the other have come, or more. */
  untilTheirs(peer: Person, count: number): Promise<void> {
    return this.untilItems(peer, (items) => textsIn(items, false) >= count)
  }

  /** Every own message has got that far. */
  untilMine(peer: Person, statuses: readonly TimelineItem['status'][]): Promise<void> {
    return this.untilItems(peer, (items) => {
      const mine = items.filter((item) => item.mine)
      return mine.length > 0 && mine.every((item) => statuses.includes(item.status))
    })
  }

  untilConnected(): Promise<unknown> {
    return this.until(this.client.connection, ({ status }) => status === 'online')
  }

  until<T>(query: LiveQuery<T>, satisfied: (value: T) => boolean): Promise<T> {
    return until(query, satisfied, patienceMs)
  }

  /** Everything that the other wrote has been seen. */
  async read(peer: Person): Promise<void> {
    const newest = this.items(peer).findLast((item) => !item.mine)
    if (!newest) throw new Error('there is nothing to read')
    await this.client.markRead(peer.account, { stamp: newest.stamp, id: newest.id })
  }
}

function textsIn(items: readonly TimelineItem[], mine: boolean): number {
  return items.filter((item) => item.mine === mine && item.body.kind === 'text').length
}

export function numbered(name: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `${name} ${from + index}`)
}

/** The real server process, which can be killed and started again on its folder and port. */
export class ServerProcess implements Box, AsyncDisposable {
  #process: SpawnedServer

  private constructor(started: SpawnedServer) {
    this.#process = started
  }

  static async start(): Promise<ServerProcess> {
    return new ServerProcess(await spawnServer())
  }

  get url(): string {
    return this.#process.url
  }

  code(phone: string): Promise<string> {
    return this.#process.code(phone)
  }

  /** As in a power cut. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#process.exited
  }

  async startAgain(): Promise<void> {
    const { dataFolder, url } = this.#process
    this.#process = await spawnServer({ dataFolder, port: Number(new URL(url).port) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { dataFolder } = this.#process
    await this.#process[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  }
}
