/**
 * What a person decides about another one's key: comparing it, accepting a new one, calling it
 * verified.
 */
import { safetyNumber } from '@parley/crypto'
import { accountIdBytes } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { deviceListOf } from './devices.ts'
import { parleyError } from '../problems.ts'
import { readContact, updateContact } from '../store/contacts.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { readMessage, writePending } from '../store/messages.ts'
import { readTextIds } from '../store/outbox.ts'

/**
 * The sixty digits over both root keys (E2). Rejects when the other's list is not known and cannot
 * be fetched.
 */
export async function safetyNumberWith(core: Core, peer: AccountId): Promise<string> {
  const { account } = ownAccount(core)
  const own = readDeviceList(core.store, account)
  const theirs = await deviceListOf(core, peer)
  if (!own || !theirs) {
    throw parleyError('refused', undefined, 'The devices of this person cannot be verified.')
  }
  return safetyNumber({
    localId: accountIdBytes(account),
    localKey: own.list.rootKey,
    remoteId: accountIdBytes(peer),
    remoteKey: theirs.list.rootKey,
  }).digits
}

/** E1: the new key is taken, and what waited for that goes out. */
export function acceptKey(core: Core, peer: AccountId): void {
  core.store.transaction(() => writeAccepted(core, peer))
}

export function setVerified(core: Core, peer: AccountId, verified: boolean): void {
  const { store } = core
  if (!readContact(store, peer)) throw parleyError('unknown-recipient')
  store.transaction(() => {
    if (verified) writeAccepted(core, peer)
    updateContact(store, peer, { verified })
  })
}

function writeAccepted(core: Core, peer: AccountId): void {
  const { store } = core
  updateContact(store, peer, { keyChanged: false, held: false })
  const sender = ownAccount(core).account
  for (const id of readTextIds(store, peer)) {
    const message = readMessage(store, { conversation: peer, sender, id })
    if (message?.failure?.code === 'key-changed') writePending(store, message.number)
  }
}
