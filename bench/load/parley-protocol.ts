/**
 * Parley as a load scenario sees it. Its receipts and acknowledgements are watermarks by send
 * sequence; here they become news of single messages.
 */
import { encodeClientFrame, positionAt } from '@parley/wire'
import type { ProvisionedUser } from '@parley/testkit'
import { readEntry, readPlace } from './frame-reading.ts'
import type { SeenEntry } from './frame-reading.ts'
import {
  SendTemplate,
  bodyFiller,
  bodyHeadBytes,
  frameTag,
  writeAck,
  writeReceipt,
} from './frames.ts'
import { Outgoing } from './outgoing.ts'
import { bodyBytes } from './protocol.ts'
import type { LoadEvents, LoadSession, Login, Protocol, SeenMessage } from './protocol.ts'
import { WebSocketConnection } from './websocket.ts'

/** What all sessions share. */
interface Server {
  port: number
  users: readonly ProvisionedUser[]
  /** Users by their account's bytes and by their log's, as text. */
  numbers: ReadonlyMap<string, number>
  out: Outgoing
}

export function parleyProtocol(port: number, users: readonly ProvisionedUser[]): Protocol {
  const numbers = new Map<string, number>()
  for (const [number, { account, log }] of users.entries()) {
    numbers.set(textOf(account), number)
    numbers.set(textOf(log), number)
  }
  const server = { port, users, numbers, out: new Outgoing() }
  return {
    accepts: true,
    async logIn({ user }: Login, events: LoadEvents) {
      const session = new ParleySession(server, user, events)
      await session.open()
      return session
    },
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** What was sent to one user and is not both accepted and confirmed, oldest first. */
interface Conversation {
  readonly template: SendTemplate
  readonly unaccepted: Queue
  readonly unconfirmed: Queue
  /** Highest sequence that came from there and was confirmed here, and what was told of it. */
  delivered: number
  told: number
}

/** How many of a queue have left before their places are given back. */
const keptTaken = 64

/** Messages in flight in the order of their sequences. */
class Queue {
  readonly #sequences: number[] = []
  readonly #numbers: number[] = []
  #taken = 0

  push(sequence: number, number: number): void {
    this.#sequences.push(sequence)
    this.#numbers.push(number)
  }

  /** The oldest one up to the sequence, which leaves. */
  take(upTo: number): number | undefined {
    const sequence = this.#sequences[this.#taken]
    if (sequence === undefined || sequence > upTo) return undefined
    const number = this.#numbers[this.#taken++]
    if (this.#taken >= keptTaken) {
      this.#sequences.splice(0, this.#taken)
      this.#numbers.splice(0, this.#taken)
      this.#taken = 0
    }
    return number
  }
}

class ParleySession implements LoadSession {
  readonly user: number
  readonly #server: Server
  readonly #own: ProvisionedUser
  readonly #events: LoadEvents
  readonly #socket: WebSocketConnection
  readonly #opened = Promise.withResolvers<void>()
  #live = false
  readonly #conversations = new Map<number, Conversation>()
  /** Those that owe the peer a receipt. */
  readonly #owing = new Set<number>()
  #sequence: number
  /** Of the newest entry; undefined before the first. */
  #position: number | undefined
  #acked = 0

  constructor(server: Server, user: number, events: LoadEvents) {
    const own = server.users[user]
    if (!own) throw new Error(`there is no user ${user}`)
    this.user = user
    this.#own = own
    this.#server = server
    this.#events = events
    this.#sequence = positionAt(Date.now())
    this.#socket = new WebSocketConnection({
      upgraded: () => this.#sayHello(),
      message: (bytes, from, to) => this.#read(bytes, from, to),
      chunkRead: () => this.#events.chunkRead(this),
      closed: (reason) => {
        if (this.#live) this.#events.closed(this, reason)
        else this.#opened.reject(new Error(reason))
      },
    })
  }

  get closed(): boolean {
    return this.#socket.closed
  }

  /** Resolves when the server says that the user has caught up. */
  async open(): Promise<void> {
    const { port } = this.#server
    await this.#socket.open({ port, path: '/v1/socket', subprotocol: 'parley.v1' })
    await this.#opened.promise
  }

  send(to: number, number: number): void {
    const conversation = this.#with(to)
    const sequence = ++this.#sequence
    conversation.unaccepted.push(sequence, number)
    conversation.unconfirmed.push(sequence, number)
    conversation.template.write(this.#server.out, { sequence, number, stamp: Date.now() })
  }

  confirm({ from, mark }: SeenMessage): void {
    const conversation = this.#with(from)
    conversation.delivered = Math.max(conversation.delivered, mark)
    this.#owing.add(from)
  }

  flush(): void {
    const { out, users } = this.#server
    for (const from of this.#owing) {
      const peer = users[from]
      const conversation = this.#with(from)
      if (!peer || conversation.told === conversation.delivered) continue
      conversation.told = conversation.delivered
      const { account, device: peerDevice } = peer
      writeReceipt(out, { peer: account, peerDevice, delivered: conversation.delivered })
    }
    this.#owing.clear()
    if (this.#position !== undefined && this.#position > this.#acked) {
      this.#acked = this.#position
      writeAck(out, this.#own.log, this.#position)
    }
    if (out.length > 0) this.#socket.write(out.take())
  }

  keepAlive(): void {
    const payload = encodeClientFrame({ kind: 'ping' })
    this.#server.out.beginMessage(payload.length)
    this.#server.out.put(payload)
  }

  close(): void {
    this.#socket.close()
  }

  #with(user: number): Conversation {
    const known = this.#conversations.get(user)
    if (known) return known
    const peer = this.#server.users[user]
    if (!peer) throw new Error(`there is no user ${user}`)
    const conversation = {
      template: new SendTemplate(this.user, peer),
      unaccepted: new Queue(),
      unconfirmed: new Queue(),
      delivered: 0,
      told: 0,
    }
    this.#conversations.set(user, conversation)
    return conversation
  }

  #sayHello(): void {
    const hello = { kind: 'hello' as const, token: this.#own.token, cursors: [], capabilities: [] }
    const { out } = this.#server
    const payload = encodeClientFrame(hello)
    out.beginMessage(payload.length)
    out.put(payload)
    this.#socket.write(out.take())
  }

  #read(bytes: Uint8Array, from: number, to: number): void {
    switch (bytes[from]) {
      case frameTag.entry:
        return this.#readEntry(bytes, readEntry(bytes, from, to))
      case frameTag.accepted:
        return this.#readAccepted(bytes, from, to)
      case frameTag.rejected:
        return this.#events.wrong(this, 'the server refused a message')
      case frameTag.closing:
        return this.#events.wrong(this, 'the server said that it closes')
      case frameTag.caughtUp:
        this.#position ??= readPlace(bytes, from, to).upTo
        this.#live = true
        return this.#opened.resolve()
      default:
    }
  }

  #readEntry(bytes: Uint8Array, entry: SeenEntry): void {
    const { position, prev } = entry
    if (!isAt(bytes, entry.log, this.#own.log)) this.#wrong('an entry is of another log')
    if (this.#position !== undefined && prev !== this.#position && position > this.#position) {
      this.#wrong('an entry is missing before one')
    }
    this.#position = Math.max(this.#position ?? 0, position)
    if (entry.kind === 'message') this.#readMessage(bytes, entry)
    else if (entry.kind === 'receipt') this.#readReceipt(bytes, entry)
  }

  #readMessage(bytes: Uint8Array, entry: SeenEntry): void {
    const { number, sequence, ciphertext } = entry
    const [start, end] = ciphertext
    if (end - start !== bodyBytes) return this.#wrong('a body has another size')
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, bodyHeadBytes)
    const from = view.getUint32(4)
    const sender = this.#server.users[from]
    const whole =
      view.getUint32(0) === number &&
      bodyFiller.compare(bytes, start + bodyHeadBytes, end) === 0 &&
      sender !== undefined &&
      isAt(bytes, entry.account, sender.account) &&
      isAt(bytes, entry.senderDevice, sender.device)
    if (!whole) return this.#wrong('a message is not as it was sent')
    this.#events.message(this, { number, from, mark: sequence })
  }

  #readReceipt(bytes: Uint8Array, entry: SeenEntry): void {
    const conversation = this.#conversationOf(bytes, entry.account)
    if (!conversation) return this.#wrong('a receipt comes from a stranger')
    if (entry.sequence > this.#sequence) this.#wrong('a receipt is for what was not sent')
    const { unconfirmed } = conversation
    for (;;) {
      const number = unconfirmed.take(entry.sequence)
      if (number === undefined) return
      this.#events.confirmed(this, number)
    }
  }

  #readAccepted(bytes: Uint8Array, from: number, to: number): void {
    const { log, upTo } = readPlace(bytes, from, to)
    const conversation = this.#conversationOf(bytes, log)
    if (!conversation) return this.#wrong('what was never sent is accepted')
    for (;;) {
      const number = conversation.unaccepted.take(upTo)
      if (number === undefined) return
      this.#events.accepted(this, number)
    }
  }

  #conversationOf(bytes: Uint8Array, [from, to]: SeenEntry['log']): Conversation | undefined {
    const user = this.#server.numbers.get(textOf(bytes.subarray(from, to)))
    return user === undefined ? undefined : this.#conversations.get(user)
  }

  #wrong(reason: string): void {
    this.#events.wrong(this, reason)
  }
}

function isAt(bytes: Uint8Array, [from, to]: SeenEntry['log'], expected: Uint8Array): boolean {
  if (to - from !== expected.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (bytes[from + index] !== expected[index]) return false
  }
  return true
}
