/**
 * The entries of people who chat: a message into one inbox, then its receipt into the other, as the
 * server writes them.
 */
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import type { NewEntry } from '@parley/server'
import { SimRandom } from '@parley/testkit'
import { encodeEntryBody, inboxOf, nextPosition, parseMessageId } from '@parley/wire'
import type { AccountId, DeviceId, LogId } from '@parley/wire'
import { bodyBytes } from './protocol.ts'

/** Whose inbox it is. */
export interface Owner {
  log: LogId
  account: AccountId
  device: DeviceId
}

export interface Row {
  log: LogId
  entry: NewEntry
}

/** Everybody chats with the next ones in the list. */
const peersEach = 16

/** Everybody who has an account in the data folder. */
export function ownersIn(dataFolder: string): Owner[] {
  using database = new Database(join(dataFolder, 'accounts.sqlite'), { readonly: true })
  const devices = database.query<{ id: DeviceId; account: AccountId }, []>(
    'SELECT id, account FROM devices ORDER BY id',
  )
  return devices.all().map(({ id, account }) => ({ log: inboxOf(account), account, device: id }))
}

export class Rows {
  readonly #owners: readonly Owner[]
  readonly #random = new SimRandom(1)
  #sequence = 0

  constructor(owners: readonly Owner[]) {
    this.#owners = owners
  }

  /** Sent at that time, in Unix milliseconds. */
  next(nowMs: number): [message: Row, receipt: Row] {
    const place = this.#random.below(this.#owners.length)
    const peer = (place + 1 + this.#random.below(peersEach)) % this.#owners.length
    const [from, to] = [this.#owners[place], this.#owners[peer]]
    if (!from || !to) throw new Error('nobody has an account')
    const sequence = nextPosition(this.#sequence, nowMs)
    this.#sequence = sequence
    const message = {
      kind: 'message' as const,
      sender: from.account,
      senderDevice: from.device,
      sequence,
      messageId: parseMessageId(sequence.toString(16).padStart(32, '0')),
      stamp: nowMs,
      envelopes: [
        {
          device: to.device,
          type: 'message' as const,
          ciphertext: new Uint8Array(bodyBytes).fill(sequence & 255),
        },
      ],
    }
    const receipt = {
      kind: 'receipt' as const,
      reader: to.account,
      sendingDevice: from.device,
      delivered: sequence,
      read: 0,
    }
    const origin = { device: from.device, sequence }
    return [
      { log: to.log, entry: { origin, body: encodeEntryBody(message) } },
      { log: from.log, entry: { origin: undefined, body: encodeEntryBody(receipt) } },
    ]
  }
}
