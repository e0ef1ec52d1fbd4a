/**
 * Both ways of a receipt. Out: the marks of store/marks.ts, each repeated until the server confirms
 * it. In: a reader's marks raise the ticks of own messages. Rules: docs/spec/receipts.md and
 * sync.md (Y20-Y24).
 */
import type { AccountId, DeviceId, Receipt, ReceiptContent } from '@parley/wire'
import type { Core } from '../core.ts'
import type { Connection } from '../connection/connection.ts'
import { readContact, updateContact } from '../store/contacts.ts'
import { insertEvent } from '../store/events.ts'
import { raiseMarks, readMarks, readOwed, writeConfirmed } from '../store/marks.ts'
import type { Marks } from '../store/marks.ts'
import { readCovered, touchMessage, writeStatus } from '../store/messages.ts'
import type { MessageRow } from '../store/messages.ts'
import { deleteAbsentUpTo } from '../store/unopened.ts'
import { Alarm } from '../tasks.ts'

const receiptsPerRound = 64
const confirmWithinMs = 10_000
/** Confirmations that come together are written together: each transaction waits for the disk. */
const gatherMs = 50
const gatheredMax = 1_024

/** What receipts need of the connection. */
type ReceiptsEnd = Pick<Connection, 'live' | 'send'>

export class Receipts {
  readonly #core: Core
  readonly #connection: ReceiptsEnd
  /** What went out last on this connection and is not confirmed, by device. */
  readonly #sent = new Map<DeviceId, { read: number; atMs: number }>()
  /** Confirmed and not written yet. */
  #confirmed: Receipt[] = []
  readonly #alarm: Alarm
  readonly #writing: Alarm

  constructor(core: Core, connection: ReceiptsEnd) {
    this.#core = core
    this.#connection = connection
    this.#alarm = new Alarm(core.tasks, core.clock, () => this.send())
    this.#writing = new Alarm(core.tasks, core.clock, () =>
      core.tasks.run(async () => this.#writeConfirmed()),
    )
  }

  connected(): void {
    this.#sent.clear()
    this.send()
  }

  /** The next connection may be to a server that knows less: what is not written is asked again. */
  lost(): void {
    this.#confirmed = []
  }

  /**
   * After each commit that may have raised a mark. A backlog raises delivered many times before the
   * first is confirmed; then the newest goes out. What a person has read is said at once, since a
   * program may end after it.
   */
  send(): void {
    if (!this.#connection.live()) return
    const owed = readOwed(this.#core.store, receiptsPerRound)
    for (const marks of owed) this.#sendOne(marks)
    if (owed.length > 0) this.#alarm.setAt(this.#core.clock.now() + confirmWithinMs)
  }

  #sendOne(marks: Marks): void {
    const now = this.#core.clock.now()
    const { peer, device, delivered, read } = marks
    const sent = this.#sent.get(device)
    const waitedMs = sent ? now - sent.atMs : confirmWithinMs
    if (sent && read <= sent.read && waitedMs >= 0 && waitedMs < confirmWithinMs) return
    if (!this.#connection.send({ kind: 'receipt', peer, peerDevice: device, delivered, read }))
      return
    this.#sent.set(device, { read, atMs: now })
  }

  /**
   * The server knows the marks of the whole account: what it had before this device is not missed
   * here.
   */
  confirmed(receipts: readonly Receipt[]): void {
    this.#confirmed.push(...receipts)
    if (this.#confirmed.length >= gatheredMax) this.#writeConfirmed()
    else this.#writing.setAt(this.#core.clock.now() + gatherMs)
  }

  #writeConfirmed(): void {
    const { store } = this.#core
    const receipts = this.#confirmed
    this.#confirmed = []
    if (receipts.length === 0) return
    store.transaction(() => {
      for (const receipt of receipts) {
        writeConfirmed(store, receipt)
        this.#writeHadBefore(receipt)
      }
    })
    for (const { peerDevice, read } of receipts) {
      if (read >= (this.#sent.get(peerDevice)?.read ?? 0)) this.#sent.delete(peerDevice)
    }
    this.send()
  }

  #writeHadBefore({ peer, peerDevice, delivered }: Receipt): void {
    const { store } = this.#core
    if ((readMarks(store, peer, peerDevice)?.delivered ?? 0) > 0) return
    deleteAbsentUpTo(store, peer, peerDevice, delivered)
    raiseMarks(store, peer, peerDevice, 0)
  }

  /** Asks which marks the account has of a device's messages; the answer comes to `confirmed`. */
  ask(peer: AccountId, peerDevice: DeviceId): void {
    this.#connection.send({ kind: 'receipt', peer, peerDevice, delivered: 0, read: 0 })
  }
}

/**
 * Part of the inbox's transaction: a reader has (has read) what this account's device sent up to a
 * sequence.
 */
export function writeReceiptEntry(core: Core, receipt: ReceiptContent): void {
  const { store } = core
  const { reader, sendingDevice: device } = receipt
  for (const status of ['delivered', 'read'] as const) {
    const upTo = receipt[status]
    const covered = readCovered(store, { reader, device, upTo, status })
    const [newest] = covered
    if (!newest) continue
    writeStatus(
      store,
      covered.map((message) => message.number),
      status,
    )
    touchMessage(store, reader)
    writeProfileSeen(core, reader, covered)
    if (!core.recordEvents) continue
    insertEvent(store, { type: 'receipt', conversation: reader, message: newest.number, status })
  }
}

/** Y24: name and number need not be sent again to somebody who has them. */
function writeProfileSeen(core: Core, reader: AccountId, covered: readonly MessageRow[]): void {
  const { store } = core
  const seen = Math.max(...covered.map((message) => message.profileVersion))
  const contact = readContact(store, reader)
  if (contact && seen > contact.profileSeen) updateContact(store, reader, { profileSeen: seen })
}
