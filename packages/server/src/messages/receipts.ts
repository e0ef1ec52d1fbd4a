/**
 * Hop 7: takes the readers' watermarks and makes them entries of the senders' inboxes. Those that
 * come close together are one entry; a reader hears Receipts only after that is durable
 * (docs/spec/receipts.md).
 */
import { encodeEntryBody, inboxOf } from '@parley/wire'
import type { AccountId, Receipt } from '@parley/wire'
import type { DeviceDirectory } from '../accounts/ports.ts'
import type { Log } from '../backends/log/log.ts'
import type { Clock } from '../clock.ts'

/** Where confirmations go: a connection of the reader. */
export interface ReceiptSink {
  confirm(confirmed: readonly Receipt[]): void
}

export interface ReceiptsDeps {
  log: Log
  directory: DeviceDirectory
  clock: Clock
}

/** `nowhere`: there is nobody to be told, so it counts as done. */
type Written = 'stored' | 'nowhere' | 'later'

interface Watermark {
  reader: AccountId
  receipt: Receipt
  sinks: ReceiptSink[]
}

/**
 * How long watermarks are gathered: enough for a burst. While many come, longer: then most are of
 * people who go on writing to each other, and one entry does for several messages.
 */
const gatherMs = 4
const gatherManyMs = 20
const many = 64
const retryMs = 1_000
const pendingMax = 65_536
const knownMax = 65_536

export class Receipts {
  readonly #deps: ReceiptsDeps
  #pending = new Map<string, Watermark>()
  /** Durable ones, the newest used last. Losing one costs an entry that says nothing new. */
  readonly #known = new Map<string, Receipt>()
  #cancel: (() => void) | undefined
  #flushing: Promise<void> | undefined
  #closed = false

  constructor(deps: ReceiptsDeps) {
    this.#deps = deps
  }

  /** What does not fit is dropped without an answer: the reader repeats it. */
  receive(reader: AccountId, receipt: Receipt, sink: ReceiptSink): void {
    if (this.#closed) return
    const key = keyOf(reader, receipt)
    const known = this.#known.get(key)
    if (known && covers(known, receipt)) return sink.confirm([known])
    const pending = this.#pending.get(key)
    if (pending) {
      pending.receipt = newest(pending.receipt, receipt)
      if (!pending.sinks.includes(sink)) pending.sinks.push(sink)
    } else if (this.#pending.size < pendingMax) {
      const receiptSoFar = known ? newest(known, receipt) : receipt
      this.#pending.set(key, { reader, receipt: receiptSoFar, sinks: [sink] })
    }
    this.#gather()
  }

  /** Writes what is pending, and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#flushing
    await this.#flush()
  }

  #gather(): void {
    const { clock } = this.#deps
    this.#cancel ??= clock.after(gatherMs, () => {
      if (this.#pending.size < many) return this.#flushNow()
      this.#cancel = clock.after(gatherManyMs - gatherMs, () => this.#flushNow())
    })
  }

  #flushNow(): void {
    this.#flushing = this.#flush().then((complete) => {
      this.#flushing = undefined
      this.#cancel = undefined
      if (this.#pending.size === 0 || this.#closed) return
      if (complete) this.#gather()
      else this.#cancel = this.#deps.clock.after(retryMs, () => this.#flushNow())
    })
  }

  /** False when some were not written and have to be tried again. Never rejects. */
  async #flush(): Promise<boolean> {
    const taken = this.#pending
    let complete = true
    this.#pending = new Map()
    const confirmed = new Map<ReceiptSink, Receipt[]>()
    await Promise.all(
      Array.from(taken, async ([key, watermark]) => {
        const written = await this.#write(key, watermark)
        if (written === 'later') {
          complete = false
          return this.#putBack(key, watermark)
        }
        if (written === 'stored') this.#remember(key, watermark.receipt)
        for (const sink of watermark.sinks) {
          const receipts = confirmed.get(sink)
          if (receipts) receipts.push(watermark.receipt)
          else confirmed.set(sink, [watermark.receipt])
        }
      }),
    )
    for (const [sink, receipts] of confirmed) sink.confirm(receipts)
    return complete
  }

  async #write(key: string, { reader, receipt }: Watermark): Promise<Written> {
    const { peer, peerDevice, delivered, read } = receipt
    try {
      if (!this.#known.has(key) && (await this.#isForNobody(reader, receipt))) return 'nowhere'
      const content = {
        kind: 'receipt' as const,
        reader,
        sendingDevice: peerDevice,
        delivered,
        read,
      }
      await this.#deps.log.append(inboxOf(peer), {
        origin: undefined,
        body: encodeEntryBody(content),
      })
      return 'stored'
    } catch {
      return 'later'
    }
  }

  /**
   * Nothing is said, nobody is there to be told, or the device never sent anything to this reader:
   * else anybody could fill anybody's inbox with receipts.
   */
  async #isForNobody(reader: AccountId, receipt: Receipt): Promise<boolean> {
    const { peer, peerDevice, delivered, read } = receipt
    if (delivered === 0 && read === 0) return true
    if (!(await this.#deps.directory.current(peer))) return true
    return (await this.#deps.log.lastSequence(peerDevice, inboxOf(reader))) === 0
  }

  #putBack(key: string, watermark: Watermark): void {
    const newer = this.#pending.get(key)
    if (newer) {
      newer.receipt = newest(newer.receipt, watermark.receipt)
      for (const sink of watermark.sinks) if (!newer.sinks.includes(sink)) newer.sinks.push(sink)
    } else if (this.#pending.size < pendingMax) {
      this.#pending.set(key, watermark)
    }
  }

  #remember(key: string, receipt: Receipt): void {
    const known = this.#known.get(key)
    this.#known.delete(key)
    this.#known.set(key, known ? newest(known, receipt) : receipt)
    if (this.#known.size <= knownMax) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      break
    }
  }
}

function keyOf(reader: AccountId, { peer, peerDevice }: Receipt): string {
  return `${reader} ${peer} ${peerDevice}`
}

function covers(known: Receipt, asked: Receipt): boolean {
  return known.delivered >= asked.delivered && known.read >= asked.read
}

function newest(left: Receipt, right: Receipt): Receipt {
  return {
    ...left,
    delivered: Math.max(left.delivered, right.delivered),
    read: Math.max(left.read, right.read),
  }
}
