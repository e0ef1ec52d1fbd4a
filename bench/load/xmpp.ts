/**
 * XMPP over plain TCP as a load scenario sees it: SASL PLAIN, bind, presence, messages with
 * receipts (XEP-0184), and stream management (XEP-0198) where a sender wants to hear that the
 * server has taken its message.
 */
import { Connection } from './connection.ts'
import { Outgoing } from './outgoing.ts'
import type { LoadEvents, LoadSession, Login, Protocol, SeenMessage } from './protocol.ts'
import {
  archivedNumber,
  messageTemplate,
  readMessage,
  readStanzas,
  receiptNotKeptTemplate,
  receiptTemplate,
  xmppHost,
  xmppPassword,
  xmppResource,
  xmppUser,
} from './xmpp-stanzas.ts'
import type { Stanza } from './xmpp-stanzas.ts'

export interface XmppOptions {
  /** How often senders ask what the server has taken; each time costs it a stanza more. */
  asks: 'never' | 'each-burst' | 'each-message'
  /** False: receipts ask the server not to put them into its archive. */
  receiptsKept: boolean
}

const namespaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
const header = `<?xml version='1.0'?><stream:stream to='${xmppHost}' version='1.0' ${namespaces}>`
const bind =
  "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
  `<resource>${xmppResource}</resource></bind></iq>`
const management = "xmlns='urn:xmpp:sm:3'"
const askWhatWasTaken = Buffer.from(`<r ${management}/>`)
/** A receipt among what the server takes: it counts, and nobody waits for it. */
const receiptTaken = -1

export interface XmppProtocol extends Protocol {
  /** Numbers of all messages in the user's archive (XEP-0313), through a login of its own. */
  readArchive(user: number): Promise<ReadonlySet<number>>
}

export function xmpp(port: number, options: XmppOptions): XmppProtocol {
  const out = new Outgoing()
  return {
    accepts: options.asks !== 'never',
    async logIn(login: Login, events: LoadEvents) {
      const session = new XmppSession({ login, events, out, options })
      await session.open(port)
      return session
    },
    async readArchive(user: number) {
      const login = { user, hearsAccepted: false }
      const session = new XmppSession({ login, events: nobodyListens, out, options })
      await session.open(port)
      const numbers = await session.readArchive()
      session.close()
      return numbers
    },
  }
}

const nobodyListens: LoadEvents = {
  message() {},
  confirmed() {},
  accepted() {},
  wrong() {},
  closed() {},
  chunkRead() {},
}

const archivePage = 250
const archivePageMs = 60_000

function archiveQuery(page: number, after: string | undefined): string {
  const from = after === undefined ? '' : `<after>${after}</after>`
  const set = `<set xmlns='http://jabber.org/protocol/rsm'><max>${archivePage}</max>${from}</set>`
  return `<iq type='set' id='q${page}'><query xmlns='urn:xmpp:mam:2'>${set}</query></iq>`
}

/** What the archive says as it comes, until a page ends. */
interface ArchivePage {
  numbers: Set<number>
  ended: PromiseWithResolvers<string>
}

interface XmppSessionOptions {
  login: Login
  events: LoadEvents
  out: Outgoing
  options: XmppOptions
}

/** What the login waits for; the stanza that ends each step decides what is said next. */
type Step = 'mechanisms' | 'success' | 'features' | 'bound' | 'available' | 'managed' | 'live'

/** Messages that had waited may come before the login has ended. */
const canReceive: ReadonlySet<Step> = new Set(['available', 'managed', 'live'])

class XmppSession implements LoadSession {
  readonly user: number
  readonly #hearsAccepted: boolean
  readonly #asksEach: boolean
  readonly #events: LoadEvents
  readonly #out: Outgoing
  readonly #receipt: typeof receiptTemplate
  readonly #connection = new Connection()
  readonly #loggedIn = Promise.withResolvers<void>()
  #step: Step = 'mechanisms'
  #carry: Buffer | undefined
  /** Numbers that the server has not taken yet, in the order of sending. */
  #untaken: number[] = []
  #taken = 0
  #asks = false
  #stanzasRead = 0
  #owesCount = false
  #archive: ArchivePage | undefined

  constructor({ login, events, out, options }: XmppSessionOptions) {
    this.user = login.user
    this.#hearsAccepted = login.hearsAccepted && options.asks !== 'never'
    this.#asksEach = options.asks === 'each-message'
    this.#events = events
    this.#out = out
    this.#receipt = options.receiptsKept ? receiptTemplate : receiptNotKeptTemplate
  }

  get closed(): boolean {
    return this.#connection.closed
  }

  async open(port: number): Promise<void> {
    await this.#connection.open(port, {
      opened: () => this.#say(header),
      read: (chunk) => this.#read(chunk),
      closed: (reason) => this.#ended(reason),
    })
    await this.#loggedIn.promise
  }

  send(to: number, number: number): void {
    messageTemplate.put(this.#out, to, number)
    if (!this.#hearsAccepted) return
    this.#untaken.push(number)
    if (this.#asksEach) this.#ask()
    else this.#asks = true
  }

  confirm({ number, from }: SeenMessage): void {
    this.#receipt.put(this.#out, from, number)
    if (this.#hearsAccepted) this.#untaken.push(receiptTaken)
  }

  flush(): void {
    if (this.#asks) {
      this.#asks = false
      this.#ask()
    }
    if (this.#owesCount) {
      this.#owesCount = false
      const count = Buffer.from(`<a ${management} h='${this.#stanzasRead}'/>`)
      this.#out.reserve(count.length)
      this.#out.put(count)
    }
    if (this.#out.length > 0) this.#connection.write(this.#out.take())
  }

  async readArchive(): Promise<ReadonlySet<number>> {
    const numbers = new Set<number>()
    let after: string | undefined
    for (let page = 0; ; page++) {
      const ended = Promise.withResolvers<string>()
      this.#archive = { numbers, ended }
      const timer = setTimeout(() => ended.reject(new Error('no page came')), archivePageMs)
      this.#say(archiveQuery(page, after))
      const end = await ended.promise.finally(() => clearTimeout(timer))
      after = /<last>([^<]+)<\/last>/.exec(end)?.[1]
      if (after === undefined || /complete=['"]true/.test(end)) return numbers
    }
  }

  /** Neither server is told to mind silence. */
  keepAlive(): void {}

  close(): void {
    this.#connection.close()
  }

  #ask(): void {
    this.#out.reserve(askWhatWasTaken.length)
    this.#out.put(askWhatWasTaken)
  }

  #say(text: string): void {
    this.#connection.write(Buffer.from(text, 'latin1'))
  }

  #ended(reason: string): void {
    this.#archive?.ended.reject(new Error(reason))
    if (this.#step === 'live') this.#events.closed(this, reason)
    else this.#loggedIn.reject(new Error(`${reason} while it waited for ${this.#step}`))
  }

  #read(chunk: Uint8Array): void {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const bytes = this.#carry ? Buffer.concat([this.#carry, fresh]) : fresh
    this.#carry = undefined
    const readTo = readStanzas(bytes, (stanza) => this.#handle(bytes, stanza))
    if (readTo < bytes.length) this.#carry = Buffer.from(bytes.subarray(readTo))
    if (!this.closed && canReceive.has(this.#step)) this.#events.chunkRead(this)
  }

  #handle(bytes: Buffer, stanza: Stanza): void {
    if (stanza.name === 'message') this.#handleMessage(bytes, stanza)
    else if (stanza.name === 'stream:error' || stanza.name === 'failure') {
      this.#fail(bytes.toString('latin1', stanza.from, stanza.to))
    } else if (this.#step === 'live') this.#handleManagement(bytes, stanza)
    else this.#goOn(stanza.name)
  }

  #handleMessage(bytes: Buffer, stanza: Stanza): void {
    this.#stanzasRead++
    if (this.#archive) {
      const number = archivedNumber(bytes, stanza)
      if (number >= 0) this.#archive.numbers.add(number)
      return
    }
    const message = readMessage(bytes, stanza)
    if (message.kind === 'wrong') this.#events.wrong(this, message.reason)
    else if (message.to !== this.user) this.#events.wrong(this, 'it is for somebody else')
    else if (message.kind === 'message') {
      this.#events.message(this, { number: message.number, from: message.from, mark: 0 })
    } else this.#events.confirmed(this, message.number)
  }

  #goOn(name: string): void {
    if (this.#step === 'mechanisms' && name === 'stream:features') {
      this.#step = 'success'
      const secret = btoa(`\0${xmppUser(this.user)}\0${xmppPassword}`)
      this.#say(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`)
    } else if (this.#step === 'success' && name === 'success') {
      this.#step = 'features'
      this.#say(header)
    } else if (this.#step === 'features' && name === 'stream:features') {
      this.#step = 'bound'
      this.#say(bind)
    } else if (this.#step === 'bound' && name === 'iq') {
      this.#step = 'available'
      this.#say('<presence/>')
    } else if (this.#step === 'available' && name === 'presence') {
      if (this.#hearsAccepted) {
        this.#step = 'managed'
        this.#stanzasRead = 0
        this.#say(`<enable ${management}/>`)
      } else this.#live()
    } else if (this.#step === 'managed' && name === 'enabled') this.#live()
  }

  #live(): void {
    this.#step = 'live'
    this.#loggedIn.resolve()
  }

  #handleManagement(bytes: Buffer, { name, from, to }: Stanza): void {
    if (name === 'r') this.#owesCount = true
    else if (name === 'presence') this.#stanzasRead++
    else if (name === 'iq') {
      this.#stanzasRead++
      this.#archive?.ended.resolve(bytes.toString('latin1', from, to))
    } else if (name === 'a') {
      const upTo = Number(
        / h=['"](\d+)/.exec(bytes.toString('latin1', from, to))?.[1] ?? this.#taken,
      )
      const numbers = this.#untaken.splice(0, Math.max(0, upTo - this.#taken))
      this.#taken = Math.max(this.#taken, upTo)
      for (const number of numbers) if (number !== receiptTaken) this.#events.accepted(this, number)
    }
  }

  #fail(reason: string): void {
    if (this.closed) return
    this.close()
    this.#ended(reason.slice(0, 300))
  }
}
