/**
 * A client that speaks frames and encrypts nothing, for volume: it keeps what is not accepted and
 * sends it again in order, takes entries by their `prev`, acknowledges, asks for gaps, and says
 * each of these in the history before it acts on it.
 */
import {
  decodeServerFrame,
  encodeClientFrame,
  inboxOf,
  positionAt,
  subprotocol,
} from '@parley/wire'
import type { AccountId, ClientFrame, DeviceId, LogId, Send, ServerFrame } from '@parley/wire'
import type { SimRandom } from '@parley/testkit'
import type { HistoryWriter } from './history.ts'
import { idOf, nameOfId, textOf } from './message-names.ts'

export interface RawPeer {
  name: string
  log: LogId
  device: DeviceId
  listHash: Uint8Array
}

export interface RawOptions {
  name: string
  account: AccountId
  url: string
  history: HistoryWriter
  random: SimRandom
  /** A fresh access token. */
  token(): Promise<string>
  tell(says: string): void
}

interface Unaccepted {
  n: number
  frame: Send
}

/** What is on its way to one person, oldest first. */
interface Lane {
  peer: RawPeer
  unaccepted: Unaccepted[]
  /** How many of those this connection has sent. */
  sent: number
  /** Undefined, or when to go on after a refusal. */
  heldUntilMs: number | undefined
}

type FrameOf<Kind extends ServerFrame['kind']> = Extract<ServerFrame, { kind: Kind }>

const windowSends = 64
const reconnectMs = { least: 50, most: 1_500 }
const pingAfterMs = 4_000
const silentMsMax = 9_000
const openMsMax = 8_000
const holdMs = 200
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class RawParticipant {
  sent = 0
  accepted = 0
  taken = 0
  readonly #options: RawOptions
  readonly #log: LogId
  readonly #lanes = new Map<LogId, Lane>()
  readonly #numbers = new Map<string, number>()
  #unaccepted = 0
  #socket: WebSocket | undefined
  #live = false
  #cursor = 0
  #acked = 0
  #fetchedAfter: number | undefined
  #sequence = 0
  /** Server time minus own. */
  #aheadMs = 0
  #token: string | undefined
  #openedAtMs = 0
  #heardAtMs = 0
  #connectAtMs = 0
  #ended = false

  constructor(options: RawOptions) {
    this.#options = options
    this.#log = inboxOf(options.account)
    options.history.later({ t: 'open', p: options.name, kind: 'raw', run: 1 })
  }

  get name(): string {
    return this.#options.name
  }

  get mayWrite(): boolean {
    return this.#unaccepted < windowSends
  }

  /** Nothing of this one is under way. */
  get settled(): boolean {
    return this.#live && this.#unaccepted === 0
  }

  write(peer: RawPeer): void {
    const { history, name } = this.#options
    const n = (this.#numbers.get(peer.name) ?? 0) + 1
    this.#numbers.set(peer.name, n)
    const message = { from: name, to: peer.name, n }
    const nowMs = Date.now() + this.#aheadMs
    this.#sequence = Math.max(this.#sequence + 1, positionAt(nowMs))
    const ciphertext = encoder.encode(textOf(message))
    const frame: Send = {
      kind: 'send',
      log: peer.log,
      sequence: this.#sequence,
      messageId: idOf(message),
      stamp: nowMs,
      deviceList: peer.listHash,
      envelopes: [{ device: peer.device, type: 'message', ciphertext }],
    }
    history.later({ t: 'send', p: name, to: peer.name, n })
    this.sent++
    this.#unaccepted++
    const lane = this.#lane(peer)
    lane.unaccepted.push({ n, frame })
    this.#pump(lane)
  }

  /** Called every few milliseconds: connects, keeps alive, goes on after refusals, acknowledges. */
  tick(): void {
    const nowMs = performance.now()
    if (this.#ended) return
    if (!this.#socket) {
      if (nowMs >= this.#connectAtMs) void this.#connect()
      return
    }
    if (!this.#live) {
      if (nowMs - this.#openedAtMs > openMsMax) this.#lost()
      return
    }
    if (nowMs - this.#heardAtMs > silentMsMax) return this.#lost()
    if (nowMs - this.#heardAtMs > pingAfterMs) this.#send({ kind: 'ping' })
    if (this.#cursor > this.#acked) {
      this.#acked = this.#cursor
      this.#send({ kind: 'ack', log: this.#log, position: this.#cursor })
    }
    for (const lane of this.#lanes.values()) {
      if (lane.heldUntilMs === undefined || nowMs < lane.heldUntilMs) continue
      lane.heldUntilMs = undefined
      lane.sent = 0
      this.#pump(lane)
    }
  }

  end(): void {
    this.#ended = true
    this.#options.history.later({ t: 'end', p: this.#options.name })
    this.#lost()
  }

  async #connect(): Promise<void> {
    const { tell, token, url } = this.#options
    this.#connectAtMs = Number.POSITIVE_INFINITY
    try {
      this.#token ??= await token()
    } catch (error) {
      tell(`no token: ${error instanceof Error ? error.message : 'unknown'}`)
      return this.#lost()
    }
    if (this.#ended) return
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/socket`, subprotocol)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    this.#openedAtMs = performance.now()
    const isCurrent = () => this.#socket === socket
    socket.onopen = () => {
      if (!isCurrent()) return
      const cursors = [{ log: this.#log, position: this.#cursor }]
      this.#send({ kind: 'hello', token: this.#token ?? '', cursors, capabilities: [] })
    }
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!isCurrent()) return
      if (!(data instanceof ArrayBuffer)) return this.#lost()
      this.#received(new Uint8Array(data))
    }
    socket.onclose = ({ code }) => {
      if (!isCurrent()) return
      const isOver = code >= 4100 && code < 4200
      if (isOver) this.#token = undefined
      if (code >= 4500) tell(`closed with ${code}`)
      this.#lost()
    }
    socket.onerror = () => {}
  }

  #lost(): void {
    const { random } = this.#options
    const socket = this.#socket
    this.#socket = undefined
    this.#live = false
    this.#fetchedAfter = undefined
    this.#connectAtMs = performance.now() + random.between(reconnectMs.least, reconnectMs.most)
    for (const lane of this.#lanes.values()) {
      lane.sent = 0
      lane.heldUntilMs = undefined
    }
    socket?.close()
  }

  #send(frame: ClientFrame): void {
    const { readyState } = this.#socket ?? {}
    if (readyState === WebSocket.OPEN) {
      this.#socket?.send(encodeClientFrame(frame) as Uint8Array<ArrayBuffer>)
    }
  }

  #pump(lane: Lane): void {
    if (!this.#live || lane.heldUntilMs !== undefined) return
    for (; lane.sent < lane.unaccepted.length; lane.sent++) {
      const next = lane.unaccepted[lane.sent]
      if (next) this.#send(next.frame)
    }
  }

  #received(bytes: Uint8Array): void {
    this.#heardAtMs = performance.now()
    let frame: ServerFrame
    try {
      frame = decodeServerFrame(bytes)
    } catch {
      return this.#lost()
    }
    switch (frame.kind) {
      case 'welcome':
        return this.#welcomed(frame)
      case 'accepted':
        return this.#accepted(frame)
      case 'rejected':
        return this.#rejected(frame)
      case 'entry':
        return this.#entry(frame)
      default:
    }
  }

  #welcomed({ time, lastSequence }: FrameOf<'welcome'>): void {
    this.#live = true
    this.#aheadMs = time - Date.now()
    if (lastSequence !== undefined && lastSequence > this.#sequence) {
      this.#odd(`the server has the sequence ${lastSequence}, the newest is ${this.#sequence}`)
    }
    for (const lane of this.#lanes.values()) this.#pump(lane)
  }

  #accepted({ log, upTo }: FrameOf<'accepted'>): void {
    const lane = this.#lanes.get(log)
    if (!lane) return this.#odd(`accepted in ${log}, where nothing was sent`)
    const { history, name } = this.#options
    let count = 0
    for (const { n, frame } of lane.unaccepted) {
      if (count === lane.sent || frame.sequence > upTo) break
      count++
      history.later({ t: 'accept', p: name, to: lane.peer.name, n })
    }
    lane.unaccepted.splice(0, count)
    lane.sent -= count
    this.#unaccepted -= count
    this.accepted += count
  }

  /** Everything that is not accepted goes again, in order, after a while. */
  #rejected({ log, reason, retryAfterMs, sequence, time }: FrameOf<'rejected'>): void {
    const lane = this.#lanes.get(log)
    const refused = lane?.unaccepted.find(({ frame }) => frame.sequence === sequence)
    if (!lane || !refused) return
    switch (reason) {
      case 'stamp-ahead':
        refused.frame.stamp = time
        break
      case 'too-fast':
      case 'unavailable':
      case 'out-of-order':
        break
      case 'devices-changed':
      case 'unknown-log':
      case 'too-large':
        this.#odd(`refused with ${reason}`)
    }
    lane.heldUntilMs = performance.now() + Math.max(holdMs, Math.min(retryAfterMs, 5_000))
  }

  #entry({ content, log, position, prev }: FrameOf<'entry'>): void {
    if (log !== this.#log) return this.#odd(`an entry of ${log}`)
    if (position <= this.#cursor) return
    if (prev > this.#cursor) return this.#fetch()
    this.#fetchedAfter = undefined
    this.#cursor = position
    if (content.kind !== 'message') return
    const { history, name } = this.#options
    const message = nameOfId(content.messageId)
    if (message?.to !== name) return this.#odd(`a message ${content.messageId}`)
    const body = decoder.decode(content.envelope?.ciphertext)
    if (body !== textOf(message)) this.#odd(`the body of ${content.messageId} is another's`)
    history.later({ t: 'take', p: name, from: message.from, n: message.n, at: position })
    this.taken++
  }

  #fetch(): void {
    if (this.#fetchedAfter === this.#cursor) return
    this.#fetchedAfter = this.#cursor
    this.#send({ kind: 'fetch', log: this.#log, after: this.#cursor, limit: 0 })
  }

  #lane(peer: RawPeer): Lane {
    let lane = this.#lanes.get(peer.log)
    if (!lane) {
      lane = { peer, unaccepted: [], sent: 0, heldUntilMs: undefined }
      this.#lanes.set(peer.log, lane)
    }
    return lane
  }

  #odd(says: string): void {
    this.#options.history.later({ t: 'odd', p: this.#options.name, says })
  }
}
