/**
 * 1:1 online: users in pairs, each keeps `w` messages in flight; the receiver answers with a
 * delivered receipt; a message is done when its receipt has reached the sender. With a rate the
 * loop is open: so many messages a second in all. Same sizes and receipts as the peers that Parley
 * is compared with.
 */
import { positionAt } from '@parley/wire'
import { LoadClient } from '../load/client.ts'
import type { LoadConnection } from '../load/client.ts'
import { Outgoing, SendTemplate, writeAck, writeReceipt } from '../load/frames.ts'
import type { SeenEntry } from '../load/frames.ts'
import { Histogram, Meter, inParallel, residentKib, rounded, until } from '../load/measure.ts'
import type { BenchServer } from '../load/server.ts'

export interface OneToOneOptions {
  users: number
  /** Messages in flight per user; ignored when a rate is given. */
  w: number
  /** Messages a second in all; 0: closed loop. */
  ratePerS: number
  warmS: number
  measureS: number
}

const bodyBytes = 300

/** One user: its templates, what is in flight, what its next burst carries. */
class Chatter {
  readonly connection: LoadConnection
  readonly template: SendTemplate
  /** Sequences in flight, oldest first, with the time of sending. */
  readonly inFlight: { sequence: number; sentAtMs: number }[] = []
  sequence: number
  ackUpTo = 0
  /** Watermark to report over the peer's messages. */
  delivered = 0
  lastEntry: SeenEntry | undefined

  constructor(connection: LoadConnection, template: SendTemplate) {
    this.connection = connection
    this.template = template
    this.sequence = positionAt(Date.now())
  }
}

export async function oneToOne(server: BenchServer, options: OneToOneOptions) {
  const run = new OneToOneRun(options)
  const client = new LoadClient(server.port, run)
  await run.connect(client, server)
  const stop = run.begin()
  await until(options.warmS, 60, () => options.ratePerS > 0 || run.done >= run.turnover * 1.5)
  run.reset()
  const meter = new Meter(server.pid)
  await until(options.measureS, 40, () => options.ratePerS > 0 || run.done >= run.turnover * 3)
  const used = meter.read()
  const { delivered, roundTrip } = run
  const rssMb = Math.round(residentKib(server.pid) / 1024)
  stop()
  client.closeAll()
  return {
    users: options.users,
    w: options.ratePerS > 0 ? 0 : options.w,
    offered_per_s: options.ratePerS || undefined,
    rate_per_s: Math.round(delivered / used.wallS),
    p50_ms: rounded(roundTrip.quantile(0.5)),
    p99_ms: rounded(roundTrip.quantile(0.99)),
    p999_ms: rounded(roundTrip.quantile(0.999)),
    one_way_p50_ms: rounded(run.oneWay.quantile(0.5)),
    one_way_p99_ms: rounded(run.oneWay.quantile(0.99)),
    server_cpu_us: rounded((used.serverCpuS / delivered) * 1e6),
    client_cpu_us: rounded((used.clientCpuS / delivered) * 1e6),
    rss_mb: rssMb,
    errors: run.errors + client.lost,
  }
}

class OneToOneRun {
  readonly #options: OneToOneOptions
  readonly #chatters = new Map<LoadConnection, Chatter>()
  readonly #out = new Outgoing()
  readonly turnover: number
  oneWay = new Histogram()
  roundTrip = new Histogram()
  delivered = 0
  done = 0
  errors = 0
  #live = true
  /** Send times by number, to measure the way to the receiver. */
  readonly #sentAt = new Float64Array(1 << 20)
  #number = 0

  constructor(options: OneToOneOptions) {
    this.#options = options
    this.turnover = options.users * options.w
  }

  async connect(client: LoadClient, server: BenchServer): Promise<void> {
    const { users } = server
    await inParallel(
      users.map((_, index) => index),
      32,
      async (index) => {
        const peer = users[index ^ 1]
        const user = users[index]
        if (!peer || !user) throw new Error('users come in pairs')
        const body = new Uint8Array(bodyBytes).fill(97)
        const connection = await client.connect(user)
        this.#chatters.set(connection, new Chatter(connection, new SendTemplate(peer, body)))
      },
    )
  }

  /** Returns the function that ends the load. */
  begin(): () => void {
    if (this.#options.ratePerS > 0) return this.#beginOpenLoop()
    for (const chatter of this.#chatters.values()) {
      for (let count = 0; count < this.#options.w; count++) this.#send(chatter)
      this.#flush(chatter)
    }
    return () => {
      this.#live = false
    }
  }

  reset(): void {
    this.oneWay = new Histogram()
    this.roundTrip = new Histogram()
    this.delivered = 0
    this.done = 0
  }

  #beginOpenLoop(): () => void {
    const chatters = [...this.#chatters.values()]
    const startedAt = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * this.#options.ratePerS)
      for (; sent < due; sent++) {
        const chatter = chatters[sent % chatters.length]
        if (!chatter) return
        this.#send(chatter)
        this.#flush(chatter)
      }
    }, 1)
    return () => {
      this.#live = false
      clearInterval(timer)
    }
  }

  #send(chatter: Chatter): void {
    const now = performance.now()
    const number = this.#number++ % this.#sentAt.length
    const sequence = ++chatter.sequence
    this.#sentAt[number] = now
    chatter.inFlight.push({ sequence, sentAtMs: now })
    chatter.template.write(this.#out, { sequence, number, stamp: Date.now() })
  }

  entry(connection: LoadConnection, entry: SeenEntry): void {
    const chatter = this.#chatters.get(connection)
    if (!chatter) return
    chatter.ackUpTo = entry.position
    if (entry.kind === 'message') {
      this.delivered++
      this.oneWay.add(performance.now() - (this.#sentAt[entry.number] ?? 0))
      if (entry.sequence <= chatter.delivered) this.errors++
      chatter.delivered = entry.sequence
      chatter.lastEntry = {
        ...entry,
        sender: entry.sender.slice(),
        senderDevice: entry.senderDevice.slice(),
      }
    } else if (entry.kind === 'receipt') {
      this.#confirm(chatter, entry.sequence)
    }
  }

  #confirm(chatter: Chatter, upTo: number): void {
    const now = performance.now()
    let oldest = chatter.inFlight[0]
    while (oldest && oldest.sequence <= upTo) {
      chatter.inFlight.shift()
      this.done++
      this.roundTrip.add(now - oldest.sentAtMs)
      if (this.#live && this.#options.ratePerS === 0) this.#send(chatter)
      oldest = chatter.inFlight[0]
    }
  }

  rejected(): void {
    this.errors++
  }

  chunkRead(connection: LoadConnection): void {
    const chatter = this.#chatters.get(connection)
    if (chatter) this.#flush(chatter)
  }

  #flush(chatter: Chatter): void {
    const last = chatter.lastEntry
    if (last) {
      const { sender: peer, senderDevice: peerDevice } = last
      writeReceipt(this.#out, { peer, peerDevice, delivered: chatter.delivered })
      chatter.lastEntry = undefined
    }
    if (chatter.ackUpTo > 0) {
      writeAck(this.#out, chatter.connection.user.log, chatter.ackUpTo)
      chatter.ackUpTo = 0
    }
    if (this.#out.length > 0) chatter.connection.write(this.#out.take())
  }
}
