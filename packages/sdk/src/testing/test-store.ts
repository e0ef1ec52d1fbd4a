/** For tests: a store in memory, ids and rows. */
import { accountIdFromRandom, parseDeviceId, parseMessageId } from '@parley/wire'
import type { AccountId, DeviceId, MessageId } from '@parley/wire'
import { insertMessage } from '../store/messages.ts'
import type { NewMessage } from '../store/messages.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { Store } from '../store/store.ts'

export function memoryStore(): Store {
  return new Store(openBunDriver(':memory:'))
}

export function testAccount(number: number): AccountId {
  return accountIdFromRandom(new Uint8Array(16).fill(number))
}

export function testDevice(number: number): DeviceId {
  return parseDeviceId(String(number).padStart(32, '0'))
}

export function testMessageId(number: number): MessageId {
  return parseMessageId(String(number).padStart(32, '0'))
}

export const peer = testAccount(7)
export const own = testAccount(1)
export const peerDevice = testDevice(70)

/** A message of the peer, unless told otherwise. */
export function addMessage(store: Store, number: number, change: Partial<NewMessage> = {}): number {
  const inserted = store.transaction(() =>
    insertMessage(store, {
      conversation: peer,
      sender: change.mine ? own : peer,
      id: testMessageId(number),
      mine: false,
      kind: 'text',
      text: `text ${number}`,
      stamp: number,
      sort: number,
      unread: false,
      senderDevice: peerDevice,
      sequence: number,
      status: change.mine ? 'pending' : undefined,
      ...change,
    }),
  )
  if (inserted === undefined) throw new Error(`message ${number} is there already`)
  return inserted
}
