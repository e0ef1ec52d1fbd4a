/**
 * Hop 1, second half: from drafts to frames. Stamp and sequence are fixed, each listed device gets
 * its ciphertext, and frames, message rows and ratchet states are committed together before
 * anything leaves (E23).
 */
import { CryptoError, equalBytes } from '@parley/crypto'
import { encodeClientFrame, inboxOf, WireError } from '@parley/wire'
import type { AccountId, ContentBody, Envelope, VerifiedList } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { sealable } from './contents.ts'
import { deviceListOf, refreshDevices } from '../trust/devices.ts'
import { parleyError, problemOf } from '../problems.ts'
import { beginSessions, devicesWithoutSession, Ratchets } from '../trust/sessions.ts'
import { nextStamp } from './stamps.ts'
import type { Account } from '../store/account.ts'
import { readContact } from '../store/contacts.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { newestStamp, readMessage, writeFailed, writeSealed } from '../store/messages.ts'
import type { MessageRow } from '../store/messages.ts'
import {
  hasOutbox,
  readTextIds,
  readUnsealed,
  takeSequence,
  writeSealedFrame,
} from '../store/outbox.ts'
import type { OutboxRow } from '../store/outbox.ts'
import { StaleSession } from '../store/sessions.ts'

/** Drafts that are sealed in one transaction. */
const draftsPerBatch = 32
const batchBytesMax = 512 * 1024

interface Draft {
  row: OutboxRow
  message: MessageRow | undefined
  stamp: number
  withProfile: boolean
  body: ContentBody
}

interface Lists {
  account: Account
  ownList: VerifiedList
  peerList: VerifiedList
}

/**
 * Seals the next drafts for this person; false when there was nothing to do. Rejects with
 * ApiFailure or ParleyError when lists or bundles cannot be had now or are no good, with
 * StaleSession when something changed meanwhile and the work can be repeated at once.
 */
export async function sealNext(core: Core, peer: AccountId): Promise<boolean> {
  if (readUnsealed(core.store, peer, 1).length === 0) return false
  const peerList = await deviceListOf(core, peer)
  if (!peerList) {
    throw parleyError('refused', undefined, 'The devices of this person cannot be verified.')
  }
  await beginMissing(core, peerList)
  if (devicesWithoutSession(core, peerList).length > 0) await requireSameList(core, peerList)
  return core.turns.take(peer, () => sealUnderTurn(core, peer))
}

/** E3: a bundle that does not hold what it must begins nothing, and the person is told. */
async function beginMissing(core: Core, list: VerifiedList): Promise<void> {
  const devices = devicesWithoutSession(core, list)
  try {
    await beginSessions(core, { list, devices, renew: false })
  } catch (error) {
    if (!(error instanceof CryptoError) && !(error instanceof WireError)) throw error
    const says =
      'The server shows keys that this person did not sign. Nothing was sent. Try again later, and do not trust this server if it stays.'
    throw parleyError('refused', error, says)
  }
}

/** A device without a bundle may have gone, and the list that names it with it. Always rejects. */
async function requireSameList(core: Core, { list, hash }: VerifiedList): Promise<never> {
  await refreshDevices(core, list.account)
  const current = readDeviceList(core.store, list.account)
  if (current && !equalBytes(current.hash, hash)) {
    throw new StaleSession('the device list changed')
  }
  throw parleyError('server-unreachable', undefined, 'A device of this person has no prekeys.')
}

async function sealUnderTurn(core: Core, peer: AccountId): Promise<boolean> {
  const { store } = core
  const account = ownAccount(core)
  const ownList = readDeviceList(store, account.account)
  const peerList = readDeviceList(store, peer)
  if (!ownList || !peerList) throw new StaleSession('the device lists are being replaced')
  const lists = { account, ownList, peerList }
  const drafts = readDrafts(core, peer, account)
  const ratchets = new Ratchets(core)
  const sealed: Array<{ draft: Draft; envelopes: Envelope[] }> = []
  for (const draft of drafts) {
    const envelopes = await sealForAll(ratchets, lists, draft)
    sealed.push({ draft, envelopes })
  }
  store.transaction(() => {
    const current = readDeviceList(store, peer)
    const unchanged = current !== undefined && equalBytes(current.hash, peerList.hash)
    if (!unchanged || isHeld(core, peer)) throw new StaleSession('the device list changed')
    ratchets.write()
    for (const { draft, envelopes } of sealed) writeFrame(core, lists, draft, envelopes)
  })
  ratchets.committed()
  return sealed.length > 0
}

async function sealForAll(ratchets: Ratchets, lists: Lists, draft: Draft): Promise<Envelope[]> {
  const { row, stamp, withProfile, body } = draft
  const plaintext = sealable({ ...lists, messageId: row.id, stamp, withProfile, body })
  const envelopes: Envelope[] = []
  for (const device of lists.peerList.list.devices) {
    envelopes.push(await ratchets.seal(row.peer, device, plaintext))
  }
  return envelopes
}

function readDrafts(core: Core, peer: AccountId, account: Account): Draft[] {
  const { store, serverClock } = core
  const withProfile = (readContact(store, peer)?.profileSeen ?? 0) < account.profileVersion
  const drafts: Draft[] = []
  let newest = newestStamp(store, peer, 0)
  let bytes = 0
  for (const row of readUnsealed(store, peer, draftsPerBatch)) {
    const key = { conversation: peer, sender: account.account, id: row.id }
    const message = row.kind === 'control' ? undefined : readMessage(store, key)
    const body = bodyOf(row, message)
    if (!body) continue
    bytes += body.kind === 'text' ? body.text.length : 0
    if (drafts.length > 0 && bytes > batchBytesMax) break
    const stamp = row.stamp || nextStamp(serverClock.now(), newest)
    newest = Math.max(newest, stamp)
    drafts.push({ row, message, stamp, withProfile: withProfile && row.kind === 'text', body })
  }
  return drafts
}

function bodyOf(row: OutboxRow, message: MessageRow | undefined): ContentBody | undefined {
  if (row.kind === 'control') return JSON.parse(row.body) as ContentBody
  return message && { kind: 'text', text: message.text }
}

function writeFrame(core: Core, lists: Lists, draft: Draft, envelopes: Envelope[]): void {
  const { store, serverClock } = core
  const { row, message, stamp, withProfile } = draft
  if (!hasOutbox(store, row.number)) return
  const sequence = row.sequence || takeSequence(store, serverClock.now())
  const frame = encodeClientFrame({
    kind: 'send',
    log: inboxOf(row.peer),
    sequence,
    messageId: row.id,
    stamp,
    deviceList: lists.peerList.hash,
    envelopes,
  })
  writeSealedFrame(store, { number: row.number, stamp, sequence, frame })
  if (row.kind !== 'text' || !message) return
  writeSealed(store, message.number, {
    stamp,
    sequence,
    senderDevice: lists.account.device,
    rootKey: lists.peerList.list.rootKey,
    profileVersion: withProfile ? lists.account.profileVersion : 0,
  })
}

/** E1: a verified person's key changed, and nobody has accepted it yet. */
export function isHeld(core: Core, peer: AccountId): boolean {
  return readContact(core.store, peer)?.held === true
}

/** What waits for an accepted key says so, and stays in the queue. */
export function writeHeld(core: Core, peer: AccountId): void {
  const { store } = core
  const sender = ownAccount(core).account
  store.transaction(() => {
    for (const id of readTextIds(store, peer)) {
      const message = readMessage(store, { conversation: peer, sender, id })
      if (message?.status === 'pending') {
        writeFailed(store, message.number, problemOf('key-changed'), undefined)
      }
    }
  })
}
