/**
 * The simulated network between clients and the server: sockets that delay and keep order like TCP,
 * and are cut at any time, with one end learning of it late or by itself only; requests and answers
 * that get lost.
 */
import type { Scheduler } from './clock.ts'
import type { SimRandom } from './random.ts'

/** The end that a party holds; the other party's handlers hear what is sent. */
export interface SimEnd {
  send(bytes: Uint8Array): void
  close(code: number): void
  bufferedBytes(): number
}

export interface SimHandlers {
  message(bytes: Uint8Array): void
  closed(code: number): void
  /** All that this end sent has arrived. */
  drained?(): void
}

export interface SentFrame {
  client: string
  toServer: boolean
  bytes: Uint8Array
  /** What this end had sent before and has not arrived. */
  bufferedBytes: number
}

/** Sees all that goes over the network, and may lie on it. */
export interface NetworkWatch {
  frame(frame: SentFrame): void
  exchange(request: Request, answer: (request: Request) => Promise<Response>): Promise<Response>
}

/** How bad the network is; the healing phase sets all to zero. */
export interface Weather {
  delayMsMax: number
  /** Probability that a frame's arrival cuts the connection instead. */
  cut: number
  /** Probability that a request, or its answer, is lost. */
  lose: number
}

const abnormalClosure = 1006

class SimConnection {
  readonly #network: SimNetwork
  readonly client: string
  readonly handlers: [SimHandlers | undefined, SimHandlers | undefined] = [undefined, undefined]
  /** Earliest time of the next arrival at each end: keeps order. */
  readonly #arrivesMs: [number, number] = [0, 0]
  readonly #open: [boolean, boolean] = [true, true]
  /** Sent by each end and not arrived. */
  readonly #bufferedBytes: [number, number] = [0, 0]

  constructor(network: SimNetwork, client: string) {
    this.#network = network
    this.client = client
  }

  end(side: 0 | 1): SimEnd {
    const other = (1 - side) as 0 | 1
    return {
      send: (bytes) => this.#transmit(side, other, bytes),
      close: (code) => this.#close(side, other, code),
      bufferedBytes: () => this.#bufferedBytes[side],
    }
  }

  #transmit(from: 0 | 1, to: 0 | 1, bytes: Uint8Array): void {
    if (!this.#open[from]) return
    const copy = bytes.slice()
    const { client } = this
    const bufferedBytes = this.#bufferedBytes[from]
    this.#network.watch?.frame({ client, toServer: to === 1, bytes: copy, bufferedBytes })
    this.#bufferedBytes[from] += copy.length
    this.#arrive(to, () => {
      this.#bufferedBytes[from] -= copy.length
      if (this.#bufferedBytes[from] === 0 && this.#open[from]) this.handlers[from]?.drained?.()
      if (!this.#open[to] || !this.#open[from]) return
      if (this.#network.random.chance(this.#network.weather.cut)) this.cut()
      else this.handlers[to]?.message(copy)
    })
  }

  #arrive(to: 0 | 1, run: () => void): void {
    const { scheduler, random, weather } = this.#network
    const passed = scheduler.nowMs + random.below(weather.delayMsMax + 1)
    const at = to === 0 ? Math.max(passed, this.#network.stalledUntilMs(this.client)) : passed
    const ordered = Math.max(at, this.#arrivesMs[to])
    this.#arrivesMs[to] = ordered
    scheduler.at(ordered, run)
  }

  #close(from: 0 | 1, to: 0 | 1, code: number): void {
    if (!this.#open[from]) return
    this.#open[from] = false
    this.#network.scheduler.at(this.#network.scheduler.nowMs, () =>
      this.handlers[from]?.closed(code),
    )
    this.#arrive(to, () => this.#lose(to, code))
  }

  #lose(side: 0 | 1, code: number): void {
    if (!this.#open[side]) return
    this.#open[side] = false
    this.handlers[side]?.closed(code)
  }

  /** The client's end is gone, and what is on the way; the server's stays open. */
  vanish(): void {
    if (!this.#open[0]) return
    this.#open[0] = false
    const { scheduler } = this.#network
    scheduler.at(scheduler.nowMs, () => this.handlers[0]?.closed(abnormalClosure))
  }

  /** Both ends lose it, each at a time of its own; what is on the way is gone. */
  cut(): void {
    const { scheduler, random } = this.#network
    for (const side of [0, 1] as const) {
      if (!this.#open[side]) continue
      this.#open[side] = false
      const lateMs = random.chance(0.2) ? random.below(20_000) : random.below(200)
      scheduler.at(scheduler.nowMs + lateMs, () => this.handlers[side]?.closed(abnormalClosure))
    }
  }
}

/** Where sockets and requests of clients go; undefined while the server is down. */
export interface SimServerPort {
  /** Called with the server's end; answers with what hears the client's frames. */
  open(end: SimEnd): SimHandlers
  fetch(request: Request): Promise<Response>
}

export class SimNetwork {
  readonly scheduler: Scheduler
  readonly random: SimRandom
  weather: Weather = { delayMsMax: 0, cut: 0, lose: 0 }
  server: SimServerPort | undefined
  watch: NetworkWatch | undefined
  readonly #connections = new Map<SimConnection, string>()
  readonly #stalls = new Map<string, number>()

  constructor(scheduler: Scheduler, random: SimRandom) {
    this.scheduler = scheduler
    this.random = random
  }

  /**
   * Opens a socket from a client's process; `opened` is called when it stands, `handlers.closed`
   * when it fails.
   */
  open(client: string, handlers: SimHandlers, opened: () => void): SimEnd {
    const connection = new SimConnection(this, client)
    connection.handlers[0] = handlers
    this.#connections.set(connection, client)
    const delayMs = this.random.below(this.weather.delayMsMax + 1)
    this.scheduler.at(this.scheduler.nowMs + delayMs, () => {
      const { server } = this
      if (!server || this.random.chance(this.weather.cut)) return connection.cut()
      connection.handlers[1] = server.open(connection.end(1))
      opened()
    })
    return connection.end(0)
  }

  /** Until then the client reads nothing from its sockets. */
  stall(client: string, untilMs: number): void {
    this.#stalls.set(client, untilMs)
  }

  stalledUntilMs(client: string): number {
    return this.#stalls.get(client) ?? 0
  }

  /** Cuts the connections of one client, or of all. */
  cut(client: string | undefined): void {
    for (const [connection, owner] of this.#connections) {
      if (client !== undefined && owner !== client) continue
      connection.cut()
      this.#connections.delete(connection)
    }
  }

  /** The client loses its connections at once; the server hears nothing, of that or anything. */
  vanish(client: string): void {
    for (const [connection, owner] of this.#connections) {
      if (owner !== client) continue
      connection.vanish()
      this.#connections.delete(connection)
    }
  }

  /** A request over the network; rejects as `fetch` does when it is lost or nobody answers. */
  async fetch(request: Request): Promise<Response> {
    await this.#pass()
    const { server } = this
    if (!server) throw new TypeError('the server is not there')
    const { watch } = this
    const answer = (asked: Request) => server.fetch(asked)
    const response = await (watch ? watch.exchange(request, answer) : answer(request))
    await this.#pass()
    if (server !== this.server) throw new TypeError('the connection was lost')
    return response
  }

  /** One way through the network. */
  #pass(): Promise<void> {
    const { scheduler, random, weather } = this
    const lost = random.chance(weather.lose)
    return new Promise((resolve, reject) => {
      scheduler.at(scheduler.nowMs + random.below(weather.delayMsMax + 1), () => {
        if (lost) reject(new TypeError('the connection was lost'))
        else resolve()
      })
    })
  }
}
