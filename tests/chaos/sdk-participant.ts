/**
 * A person with the SDK and a profile on disk, as a bot on the command line is one: writes, prints
 * events, and says each step in the history before the next.
 */
import { parseAccountId } from '@parley/wire'
import type { AccountId, MessageId } from '@parley/wire'
import { ParleyError } from '../../packages/sdk/src/index.ts'
import type { Client, ClientEvent, TimelineItem } from '../../packages/sdk/src/index.ts'
import type { HistoryWriter } from './history.ts'
import { idOf, nameOfId, textOf } from './message-names.ts'

export interface Peer {
  name: string
  account: string
}

const eventsAtOnce = 100
const pageItems = 180
/** Unaccepted messages of one person. */
const windowMessages = 160
/** How many numbers before a printed message may have a placeholder. */
const lookBack = 64
/** Numbers of one program's run begin at a multiple of this. */
export const numbersPerRun = 1_000_000

export class SdkParticipant {
  sent = 0
  accepted = 0
  shown = 0
  readonly name: string
  readonly #client: Client
  readonly #history: HistoryWriter
  readonly #run: number
  readonly #numbers = new Map<string, number>()
  /** Not seen accepted, oldest first, by person. */
  readonly #pending = new Map<string, { n: number; id: MessageId }[]>()
  readonly #lastShown = new Map<string, number>()
  #unaccepted = 0
  #printing = false

  constructor(client: Client, options: { name: string; history: HistoryWriter; run: number }) {
    this.#client = client
    this.name = options.name
    this.#history = options.history
    this.#run = options.run
    options.history.say({ t: 'open', p: options.name, kind: 'sdk', run: options.run })
    client.eventsChanged(() => this.print())
  }

  get mayWrite(): boolean {
    return this.#unaccepted < windowMessages
  }

  async write(peer: Peer): Promise<void> {
    const first = this.#run * numbersPerRun
    const n = (this.#numbers.get(peer.name) ?? first) + 1
    this.#numbers.set(peer.name, n)
    const name = { from: this.name, to: peer.name, n }
    const id = idOf(name)
    const conversation = parseAccountId(peer.account)
    this.#unaccepted++
    this.#history.say({ t: 'send', p: this.name, to: peer.name, n })
    try {
      await this.#client.sendText(conversation, textOf(name), id)
    } catch (error) {
      this.#unaccepted--
      await this.#refused(error, conversation)
      return
    }
    this.#history.say({ t: 'kept', p: this.name, to: peer.name, n })
    this.sent++
    const pending = this.#pending.get(peer.name) ?? []
    this.#pending.set(peer.name, pending)
    pending.push({ n, id })
  }

  /** Before the first message to somebody the client looks them up. */
  async #refused(error: unknown, conversation: AccountId): Promise<void> {
    if (!(error instanceof ParleyError)) throw error
    if (error.problem.code !== 'unknown-recipient') {
      this.#odd(`not written: ${error.problem.code}`)
      return
    }
    await this.#client.findContact(conversation).catch(() => {})
  }

  /** Notices ticks. */
  look(): void {
    for (const [to, pending] of this.#pending) {
      for (let next = pending[0]; next; next = pending[0]) {
        const status = this.#client.message(next.id)?.status
        if (status === 'pending') break
        pending.shift()
        this.#unaccepted--
        if (status === undefined) this.#odd(`${to} ${next.n} is gone`)
        else if (status === 'failed') this.#odd(`${to} ${next.n} failed`)
        else {
          this.accepted++
          this.#history.say({ t: 'accept', p: this.name, to, n: next.n })
        }
      }
    }
  }

  print(): void {
    if (this.#printing) return
    this.#printing = true
    try {
      for (;;) {
        const events = this.#client.events(eventsAtOnce)
        const last = events.at(-1)
        if (!last) return
        for (const event of events) this.#printOne(event)
        this.#client.eventsDone(last.number)
        this.#history.say({ t: 'done', p: this.name })
      }
    } finally {
      this.#printing = false
    }
  }

  #printOne(event: ClientEvent): void {
    if (event.type !== 'message') return
    const name = nameOfId(event.id)
    if (name?.to !== this.name) return this.#odd(`printed ${event.id}`)
    if (event.text !== textOf(name)) this.#odd(`the text of ${event.id} is another's`)
    this.#sayWaiting(name)
    this.#history.say({ t: 'show', p: this.name, from: name.from, n: name.n })
    this.shown++
  }

  /** What stands before it and waits for its sender may be printed late. */
  #sayWaiting({ from, n, to }: { from: string; n: number; to: string }): void {
    const last = this.#lastShown.get(from) ?? 0
    this.#lastShown.set(from, Math.max(last, n))
    for (let earlier = n - 1; earlier > last && earlier >= n - lookBack; earlier--) {
      if (this.#client.message(idOf({ from, to, n: earlier }))?.body.kind === 'unreadable') {
        this.#history.say({ t: 'wait', p: this.name, from, n: earlier })
      }
    }
  }

  /** Everything of this one is delivered, and nothing waits here. */
  settled(): boolean {
    if (this.#client.connection.getSnapshot().status !== 'online') return false
    if (this.#unaccepted > 0) return false
    return this.#client
      .chats()
      .getSnapshot()
      .every(({ conversation }) => {
        const query = { conversation, around: undefined, limit: pageItems }
        return this.#client.timeline(query).getSnapshot().items.every(isThrough)
      })
  }

  says(): string {
    const { problem, status } = this.#client.connection.getSnapshot()
    return `${this.name} ${status}${problem ? ` (${problem.code})` : ''} ${this.#unaccepted}`
  }

  /** Writes the final chats into the history. */
  finish(): void {
    this.look()
    this.print()
    for (const { conversation } of this.#client.chats().getSnapshot()) {
      for (const item of this.#chat(conversation)) this.#final(item)
    }
    this.#history.later({ t: 'end', p: this.name })
    this.#history.flush()
  }

  #final({ body, id, mine, status }: TimelineItem): void {
    const name = nameOfId(id)
    const own = mine ? name?.from : name?.to
    if (!name || own !== this.name) return this.#odd(`${body.kind} ${id} in a chat`)
    if (body.kind === 'text' && body.text !== textOf(name)) this.#odd(`the text of ${id}`)
    this.#history.later({
      t: 'final',
      p: this.name,
      peer: mine ? name.to : name.from,
      mine,
      n: name.n,
      body: body.kind === 'text' ? 'text' : 'unreadable',
      status: status ?? '',
    })
  }

  /** The whole of it, oldest first, page by page as an interface reads it. */
  #chat(conversation: AccountId): TimelineItem[] {
    const pages: TimelineItem[][] = []
    const known = new Set<string>()
    for (let around: { stamp: number; id: string } | undefined; ; ) {
      const query = { conversation, around, limit: pageItems }
      const page = this.#client.timeline(query).getSnapshot()
      const older: TimelineItem[] = []
      for (const item of page.items) {
        if (known.has(item.id)) break
        older.push(item)
      }
      for (const { id } of older) known.add(id)
      pages.unshift(older)
      around = page.items[0]
      if (!page.moreBefore || older.length === 0) return pages.flat()
    }
  }

  #odd(says: string): void {
    this.#history.say({ t: 'odd', p: this.name, says })
  }
}

function isThrough({ body, mine, status }: TimelineItem): boolean {
  if (mine) return status === 'delivered' || status === 'read'
  return body.kind !== 'unreadable'
}
