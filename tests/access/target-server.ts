/**
 * The server under attack: a process of its own with people in it, and one of them who must notice
 * nothing while the others do their worst.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provision, type ProvisionedUser, spawnServer, type SpawnedServer } from '@parley/testkit'
import {
  type ClientFrame,
  closeReasons,
  type CloseReasonName,
  encodeClientFrame,
  messageIdOf,
  type Send,
} from '@parley/wire'
import { expect } from 'bun:test'
import { deviceIdAt, logIdAt } from '../../packages/wire/src/ids.ts'
import { RawSocket, webSocketFrame } from './raw-socket.ts'

export interface TargetOptions {
  people: number
  /** More flags of `parley serve`. */
  flags?: string[]
}

/** Well within the server's patience with who is silent. */
const keepaliveMs = 20_000
const askEveryMs = 500
const askedMax = 240
/** F2: what the runtime keeps of memory that it has used, and what passes through it. */
const slackMib = 64
/** F2: a frame that is not complete, frames that wait, and bytes that are not read. */
const connectionMib = 2 + 8 + 8

const ping = clientFrame({ kind: 'ping' })

export class TargetServer implements AsyncDisposable {
  readonly #process: SpawnedServer
  readonly people: readonly ProvisionedUser[]
  readonly #folder: string
  readonly #bystander: RawSocket
  readonly #keepalive: Timer
  #baseMib: number

  private constructor(
    process: SpawnedServer,
    place: { people: readonly ProvisionedUser[]; folder: string; bystander: RawSocket },
  ) {
    this.#process = process
    this.people = place.people
    this.#folder = place.folder
    this.#bystander = place.bystander
    this.#keepalive = setInterval(() => void this.#bystander.write(ping), keepaliveMs)
    this.#baseMib = this.memoryMib()
  }

  static async start({ people: count, flags = [] }: TargetOptions): Promise<TargetServer> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-access-'))
    const [first, ...people] = await provision(folder, count + 1)
    if (!first) throw new Error('nobody was provided')
    const process = await spawnServer({ dataFolder: folder, flags })
    const bystander = await greeted(process.url, first)
    return new TargetServer(process, { people, folder, bystander })
  }

  get url(): string {
    return this.#process.url
  }

  person(index: number): ProvisionedUser {
    const person = this.people[index]
    if (!person) throw new Error(`there is no person ${index}`)
    return person
  }

  enter(index: number): Promise<RawSocket> {
    return greeted(this.url, this.person(index))
  }

  /** The bystander's connection answers, and so does a new one. Milliseconds until both did. */
  async serves(): Promise<number> {
    const startedMs = performance.now()
    const heard = this.#bystander.receivedBytes
    await this.#bystander.write(ping)
    await this.#bystander.until(() => this.#bystander.receivedBytes > heard, 'the pong')
    const ready = await fetch(`${this.url}/readyz`)
    if (ready.status !== 200) throw new Error(`not ready: ${ready.status}`)
    return performance.now() - startedMs
  }

  /** The bystander alone: for when there are no descriptors for anybody else. */
  async servesThoseWhoAreThere(): Promise<void> {
    const heard = this.#bystander.receivedBytes
    await this.#bystander.write(ping)
    await this.#bystander.until(() => this.#bystander.receivedBytes > heard, 'the pong')
  }

  /** Resident memory of the process, MiB. */
  memoryMib(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
  }

  /** What the server uses from here on is what a test is about. */
  beginHere(): void {
    this.#baseMib = this.memoryMib()
  }

  grownMib(): number {
    return this.memoryMib() - this.#baseMib
  }

  /** F2, when so many connections do their worst. */
  expectBounded(connections: number): void {
    expect(this.grownMib()).toBeLessThan(slackMib + connections * connectionMib)
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.#process.pid}/fd`).length
  }

  /** From here on the process may have so many, those that it has included (Linux). */
  limitDescriptors(count: number): void {
    const limit = `--nofile=${count}:${count}`
    const { exitCode } = Bun.spawnSync(['prlimit', '--pid', String(this.#process.pid), limit])
    if (exitCode !== 0) throw new Error('prlimit of util-linux could not lower the limit')
  }

  async untilDescriptors(isSo: (open: number) => boolean): Promise<void> {
    for (let looked = 0; looked < askedMax; looked++) {
      if (isSo(this.descriptors())) return
      await Bun.sleep(askEveryMs)
    }
    throw new Error(`${this.descriptors()} descriptors are open`)
  }

  async figure(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? 0)
  }

  /** Asks again and again, and others are served each time. */
  async untilFigure(name: string, atLeast: number): Promise<void> {
    for (let asked = 0; asked < askedMax; asked++) {
      if ((await this.figure(name)) >= atLeast) return
      await this.serves()
      await Bun.sleep(askEveryMs)
    }
    throw new Error(`${name} did not come to ${atLeast}`)
  }

  /** What it wrote on stderr: a mistake of its own would stand there. */
  complaints(): string {
    return this.#process.output().stderr
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#keepalive)
    await this.#bystander[Symbol.asyncDispose]()
    await this.#process[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export function helloOf({ token }: ProvisionedUser): Buffer {
  return webSocketFrame(encodeClientFrame({ kind: 'hello', token, cursors: [], capabilities: [] }))
}

async function greeted(url: string, person: ProvisionedUser): Promise<RawSocket> {
  const socket = await RawSocket.upgraded(url)
  await socket.write(helloOf(person))
  await socket.until(() => socket.frames.some(({ kind }) => kind === 'caught-up'))
  return socket
}

export function codeOf(reason: CloseReasonName): number {
  return closeReasons[reason].code
}

export function clientFrame(frame: ClientFrame): Buffer {
  return webSocketFrame(encodeClientFrame(frame))
}

export function messageTo(peer: ProvisionedUser, of: { sequence: number; bytes: number }): Send {
  const device = deviceIdAt(peer.device, 0)
  return {
    kind: 'send',
    log: logIdAt(peer.log, 0),
    sequence: of.sequence,
    messageId: messageIdOf(Buffer.from(String(of.sequence).padStart(16, '0'))),
    stamp: 1,
    deviceList: peer.listHash,
    envelopes: [{ device, type: 'message', ciphertext: new Uint8Array(of.bytes) }],
  }
}

/** Fills somebody's inbox, as many at a time as a client may have waiting. */
export async function fillInbox(
  from: RawSocket,
  peer: ProvisionedUser,
  of: { count: number; bytes: number; atOnce: number },
): Promise<void> {
  const acceptedUpTo = () =>
    from.frames.reduce((upTo, frame) => (frame.kind === 'accepted' ? frame.upTo : upTo), 0)
  for (let first = 1; first <= of.count; first += of.atOnce) {
    const last = Math.min(of.count, first + of.atOnce - 1)
    for (let sequence = first; sequence <= last; sequence++) {
      await from.write(clientFrame(messageTo(peer, { sequence, bytes: of.bytes })))
    }
    await from.until(() => acceptedUpTo() >= last, 'Accepted')
  }
}
