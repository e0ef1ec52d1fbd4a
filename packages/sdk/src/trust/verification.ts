/**
 * What a person decides about another one's key: comparing it, accepting a new one, calling it
 * verified.
 */
import { CryptoError, matchesScanned, safetyNumber } from '@parley/crypto'
import type { SafetyNumber } from '@parley/crypto'
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
import type { ScanOutcome } from '../types.ts'

/**
 * Over both root keys (E2). Rejects when the other's list is not known and cannot be fetched.
 */
export async function safetyNumberWith(core: Core, peer: AccountId): Promise<SafetyNumber> {
  await deviceListOf(core, peer)
  return presentNumber(core, peer)
}

/** Of the roots that are in force at this moment. */
function presentNumber(core: Core, peer: AccountId): SafetyNumber {
  const { account } = ownAccount(core)
  const own = readDeviceList(core.store, account)
  const theirs = readDeviceList(core.store, peer)
  if (!own || !theirs) {
    throw parleyError('refused', undefined, 'The devices of this person cannot be verified.')
  }
  return safetyNumber({
    localId: accountIdBytes(account),
    localKey: own.list.rootKey,
    remoteId: accountIdBytes(peer),
    remoteKey: theirs.list.rootKey,
  })
}

/**
 * E2: verified by what was scanned from the other's screen, and by a match alone; a mismatch ends
 * what was verified before.
 */
export async function verifyScanned(
  core: Core,
  peer: AccountId,
  scanned: Uint8Array,
): Promise<ScanOutcome> {
  await deviceListOf(core, peer)
  const outcome = outcomeOf(presentNumber(core, peer).scannable, scanned)
  if (outcome === 'match') setVerified(core, peer, true)
  if (outcome === 'mismatch' && readContact(core.store, peer)) setVerified(core, peer, false)
  return outcome
}

function outcomeOf(own: Uint8Array, scanned: Uint8Array): ScanOutcome {
  try {
    return matchesScanned(own, scanned)
  } catch (error) {
    if (error instanceof CryptoError) return 'no-code'
    throw error
  }
}

/** E1: the new key is taken, and what waited for that goes out. */
export function acceptKey(core: Core, peer: AccountId): void {
  core.store.transaction(() => writeAccepted(core, peer))
}

/**
 * `compared`: the digits that the person saw. The server may have put another key in their place
 * since, and nobody has compared that one: it is refused then.
 */
export function setVerified(
  core: Core,
  peer: AccountId,
  verified: boolean,
  compared?: string,
): void {
  const { store } = core
  if (!readContact(store, peer)) throw parleyError('unknown-recipient')
  if (verified && compared !== undefined && presentNumber(core, peer).digits !== compared) {
    throw parleyError('key-changed')
  }
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
