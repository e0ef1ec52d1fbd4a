/**
 * A server that means harm: a proxy between one real client and the real server, which may alter
 * every answer and every frame, make entries up, hold them back and bring them again. What a test
 * does not ask for passes through as it is.
 */
import {
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  subprotocol,
} from '@parley/wire'
import type { ClientFrame, Entry, EntryContent, LogId, Send, ServerFrame } from '@parley/wire'

/** An answer of the real server, before it goes on. */
export interface Exchange {
  method: string
  /** With its query. */
  path: string
  status: number
  /** Parsed JSON, or text. */
  body: unknown
}

type Out = ServerFrame | Uint8Array | string

/** One connection of the client and the one to the real server behind it. */
interface Line {
  client: Bun.ServerWebSocket<Line> | undefined
  server: WebSocket
  /** What the client said before the connection behind was open. */
  early: Uint8Array[]
}

export class HostileServer implements AsyncDisposable {
  /** What the client gets in place of an answer: another body, or a whole response. */
  alterAnswer: (exchange: Exchange) => unknown = ({ body }) => body
  /** Frames, or any bytes, in place of the one that came. */
  alterServerFrame: (frame: ServerFrame) => readonly Out[] = (frame) => [frame]
  alterClientFrame: (frame: ClientFrame) => readonly ClientFrame[] = (frame) => [frame]
  /** How often the client was told that the server is there. */
  pongs = 0
  /** Everything that the client sent away, repetitions too. */
  readonly sends: Send[] = []
  readonly receipts: Extract<ClientFrame, { kind: 'receipt' }>[] = []
  /** Those that were answered, like `GET /v1/prekeys`. */
  readonly requests: string[] = []
  readonly #upstream: string
  readonly #server: Bun.Server<Line>
  /** Positions in the real log, and up to which the client was served when they came by. */
  readonly #genuine = new Map<number, number>()
  readonly #waiting = new Set<{ satisfied: () => boolean; resolve: () => void }>()
  #line: Line | undefined
  #log: LogId | undefined
  /** The newest position that the client was served. */
  #last = 0
  #acknowledged = 0

  constructor(upstream: string) {
    this.#upstream = upstream
    this.#server = Bun.serve<Line>({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) => this.#fetch(request, server),
      websocket: {
        open: (client) => {
          client.data.client = client
          this.#line = client.data
        },
        message: (client, bytes) => this.#fromClient(client.data, new Uint8Array(bytes as Buffer)),
        close: (client) => client.data.server.close(),
      },
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  /** Breaks the connection; the client comes again by itself. */
  cut(): void {
    this.#line?.client?.close(4000)
  }

  say(frame: Out): void {
    const client = this.#line?.client
    if (typeof frame === 'string') client?.sendText(frame)
    else client?.sendBinary(frame instanceof Uint8Array ? frame : encodeServerFrame(frame))
  }

  /** Serves an entry that the real log does not hold there; its position. */
  serve(content: EntryContent): number {
    if (!this.#log) throw new Error('the client has not said Hello')
    const entry: Entry = {
      kind: 'entry',
      log: this.#log,
      position: this.#last + 1,
      prev: this.#last,
      content,
    }
    this.#last = entry.position
    this.say(entry)
    return entry.position
  }

  /** Resolves when the client has committed it. */
  async deliver(content: EntryContent): Promise<void> {
    const position = this.serve(content)
    await this.until(() => this.#acknowledged >= position)
  }

  /** Looks again after each frame, of either side, and after each request. */
  until(satisfied: () => boolean): Promise<void> {
    if (satisfied()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add({ satisfied, resolve }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line?.server.close()
    await this.#server.stop(true)
  }

  #wake(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.satisfied()) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }

  async #fetch(request: Request, server: Bun.Server<Line>): Promise<Response | undefined> {
    const { pathname, search } = new URL(request.url)
    if (request.headers.get('upgrade')) return this.#upgrade(request, server, pathname)
    const path = pathname + search
    const { method } = request
    const body = method === 'GET' ? undefined : await request.arrayBuffer()
    const headers = new Headers(request.headers)
    headers.delete('accept-encoding')
    const answer = await fetch(this.#upstream + path, { method, headers, body })
    const text = await answer.text()
    this.requests.push(`${method} ${pathname}`)
    this.#wake()
    const isJson = answer.headers.get('content-type')?.includes('json')
    const before = isJson ? (JSON.parse(text) as unknown) : text
    const after = this.alterAnswer({ method, path, status: answer.status, body: before })
    if (after instanceof Response) return after
    if (answer.status === 204) return new Response(undefined, { status: 204 })
    return isJson
      ? Response.json(after ?? null, { status: answer.status })
      : new Response(String(after), { status: answer.status })
  }

  #upgrade(request: Request, server: Bun.Server<Line>, path: string): Response | undefined {
    const upstream = new WebSocket(this.#upstream.replace(/^http/, 'ws') + path, subprotocol)
    upstream.binaryType = 'arraybuffer'
    const line: Line = { client: undefined, server: upstream, early: [] }
    upstream.onopen = () => {
      for (const bytes of line.early.splice(0)) upstream.send(bytes as Uint8Array<ArrayBuffer>)
    }
    upstream.onmessage = ({ data }) => {
      if (line === this.#line) this.#fromServer(new Uint8Array(data as ArrayBuffer))
    }
    upstream.onclose = ({ code }) => line.client?.close(code >= 4000 ? code : 1000)
    const headers = { 'sec-websocket-protocol': subprotocol }
    if (server.upgrade(request, { data: line, headers })) return undefined
    return new Response('no connection', { status: 400 })
  }

  #fromServer(bytes: Uint8Array): void {
    const genuine = decodeServerFrame(bytes)
    if (genuine.kind === 'pong') this.pongs++
    if (genuine.kind === 'entry' || genuine.kind === 'caught-up') this.#log = genuine.log
    for (const frame of this.alterServerFrame(genuine)) {
      const isFrame = typeof frame !== 'string' && !(frame instanceof Uint8Array)
      this.say(isFrame ? this.#chained(frame) : frame)
    }
    const isNew = genuine.kind === 'entry' && !this.#genuine.has(genuine.position)
    if (isNew) this.#genuine.set(genuine.position, this.#last)
    this.#wake()
  }

  /** Whatever is held back or put in between, the client sees no gap that gives it away. */
  #chained(frame: ServerFrame): ServerFrame {
    if (frame.kind === 'caught-up') return { ...frame, position: this.#last }
    if (frame.kind !== 'entry' || this.#genuine.has(frame.position)) return frame
    const prev = this.#last
    this.#last = Math.max(prev + 1, frame.position)
    return { ...frame, position: this.#last, prev }
  }

  #fromClient(line: Line, bytes: Uint8Array): void {
    for (const frame of this.alterClientFrame(decodeClientFrame(bytes))) {
      const passed = this.#noted(frame)
      if (passed) this.#pass(line, encodeClientFrame(passed))
    }
    this.#wake()
  }

  #pass({ server, early }: Line, bytes: Uint8Array): void {
    if (server.readyState === WebSocket.OPEN) server.send(bytes as Uint8Array<ArrayBuffer>)
    else early.push(bytes)
  }

  /** The real server closes on an Ack of what it never served. */
  #noted(frame: ClientFrame): ClientFrame | undefined {
    switch (frame.kind) {
      case 'hello':
        this.#log = frame.cursors[0]?.log ?? this.#log
        this.#last = frame.cursors[0]?.position ?? 0
        this.#genuine.clear()
        return frame
      case 'send':
        this.sends.push(frame)
        return frame
      case 'receipt':
        this.receipts.push(frame)
        return frame
      case 'ack': {
        this.#acknowledged = Math.max(this.#acknowledged, frame.position)
        const read = [...this.#genuine].filter(([, servedUpTo]) => servedUpTo <= frame.position)
        if (read.length === 0) return undefined
        return { ...frame, position: Math.max(...read.map(([position]) => position)) }
      }
      default:
        return frame
    }
  }
}
