/**
 * Which devices an account has: chains are fetched, verified against what is known (E10), and
 * stored; own ones too. A new root is a new trust (E1); a chain that forks is refused, and it is
 * said.
 */
import { equalBytes } from '@parley/crypto'
import { messageIdOf } from '@parley/wire'
import type {
  AccountId,
  DeviceId,
  ListedDevice,
  ListReference,
  SignedDeviceList,
  VerifiedList,
} from '@parley/wire'
import { ownAccount } from '../core.ts'
import { handInLists } from '../http/hand-in.ts'
import type { Core } from '../core.ts'
import { checkChain } from './device-chain.ts'
import { readContact, updateContact } from '../store/contacts.ts'
import {
  deleteDeviceLists,
  readDeviceList,
  readListHash,
  writeDeviceList,
} from '../store/device-lists.ts'
import { insertMessage, newestStamp, writeLost } from '../store/messages.ts'
import { writeUnsealed } from '../store/outbox.ts'
import { deleteSession, deleteSessionsWith } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { deleteUnopened, readUnopenedExcept } from '../store/unopened.ts'

/** The server's pages are at least this long; a shorter one is the last. */
const listsPerPage = 64
const pagesMax = 64

export type Learned = 'unchanged' | 'changed' | 'incomplete' | 'refused'

export function listedDevice(
  list: VerifiedList | undefined,
  device: DeviceId,
): ListedDevice | undefined {
  return list?.list.devices.find((each) => each.id === device)
}

/**
 * Verifies what the server says about an account and stores what continues the known chain, or
 * starts one anew.
 */
export function learnLists(
  core: Core,
  account: AccountId,
  shown: readonly SignedDeviceList[],
): Learned {
  const { store } = core
  const newest = readDeviceList(store, account)
  const hashOf = (version: number) => readListHash(store, account, version)
  const check = checkChain({ account, newest, hashOf }, shown)
  switch (check.kind) {
    case 'unchanged':
    case 'incomplete':
      return check.kind
    case 'refused':
      return refuse(store, account, check.why)
    case 'anew':
      if (newest && account === ownAccount(core).account) {
        return refuse(store, account, 'the root of the own account is another one')
      }
      store.transaction(() => writeAnew(core, account, check.added))
      return 'changed'
    case 'continues':
      store.transaction(() => writeContinued(store, newest, check.added))
      return 'changed'
  }
}

function refuse(store: Store, account: AccountId, why: string): Learned {
  store.transaction(() => updateContact(store, account, { listProblem: why }))
  return 'refused'
}

function writeContinued(
  store: Store,
  newest: VerifiedList | undefined,
  added: readonly VerifiedList[],
): void {
  for (const list of added) writeDeviceList(store, list)
  const last = added.at(-1)
  if (!last) return
  const { account } = last.list
  for (const before of newest?.list.devices ?? []) {
    const after = listedDevice(last, before.id)
    if (!after || !equalBytes(after.identityKey, before.identityKey)) {
      deleteSession(store, { account, device: before.id })
    }
  }
}

/** A first chain, or one under another root: nothing of the old one counts any more. */
function writeAnew(core: Core, account: AccountId, added: readonly VerifiedList[]): void {
  const { store } = core
  deleteDeviceLists(store, account)
  deleteSessionsWith(store, account)
  for (const list of added) writeDeviceList(store, list)
  const rootKey = added.at(-1)?.list.rootKey
  if (!rootKey || account === ownAccount(core).account) return
  const contact = readContact(store, account)
  updateContact(store, account, { rootKey, listProblem: '' })
  if (!contact?.rootKey || equalBytes(contact.rootKey, rootKey)) return
  // What was sealed for devices of the old root is theirs to read: it is sealed again (Y5).
  writeUnsealed(store, account, 0)
  // E1: shown in the chat for anybody; for somebody verified nothing is sent until it is accepted.
  dropUnopened(store, account, added.at(-1))
  const held = contact.verified || contact.held
  updateContact(store, account, { keyChanged: true, verified: false, held })
  writeKeyNotice(core, account)
}

/**
 * What devices of the old root sent and could not be opened: nobody under the new root may answer
 * for it.
 */
function dropUnopened(store: Store, account: AccountId, list: VerifiedList | undefined): void {
  const devices = list?.list.devices.map((device) => device.id) ?? []
  for (const { id } of readUnopenedExcept(store, account, devices)) {
    deleteUnopened(store, account, id)
    writeLost(store, { conversation: account, sender: account, id })
  }
}

function writeKeyNotice(core: Core, account: AccountId): void {
  const stamp = Math.max(core.serverClock.now(), newestStamp(core.store, account, 0) + 1)
  insertMessage(core.store, {
    conversation: account,
    sender: account,
    id: messageIdOf(core.random(16)),
    mine: false,
    kind: 'key-changed',
    text: '',
    stamp,
    sort: stamp,
    unread: false,
    senderDevice: '',
    sequence: 0,
    status: undefined,
  })
}

/**
 * Asks the server what is newer than known, and tells it what it has forgotten (Y47). Rejects with
 * ApiFailure or ParleyError when it cannot be asked.
 */
export async function refreshDevices(core: Core, account: AccountId): Promise<Learned> {
  const known = readDeviceList(core.store, account)
  // The newest known list is asked for as well: when it is not there, another root began a shorter
  // chain.
  const recent = known ? await fetchLists(core, account, known.list.version - 1) : []
  const learned = known ? learnLists(core, account, recent) : 'incomplete'
  if (learned !== 'incomplete') return learned
  const shown = await fetchLists(core, account, 0)
  const whole = learnLists(core, account, shown)
  if (whole === 'unchanged' && known && shown.length < known.list.version) {
    await handInLists(core, account, shown.length)
  }
  if (whole !== 'incomplete') return whole
  return refuse(core.store, account, 'the server has no whole chain of device lists')
}

async function fetchLists(
  core: Core,
  account: AccountId,
  after: number,
): Promise<SignedDeviceList[]> {
  const lists: SignedDeviceList[] = []
  for (let page = 0; page < pagesMax; page++) {
    const next = await core.api.deviceLists(account, after + lists.length)
    lists.push(...next)
    if (next.length < listsPerPage) break
  }
  return lists
}

/**
 * The list in force, fetched when none is known; undefined when none verifies. Rejects like
 * refreshDevices.
 */
export async function deviceListOf(
  core: Core,
  account: AccountId,
): Promise<VerifiedList | undefined> {
  const known = readDeviceList(core.store, account)
  if (known) return known
  await refreshDevices(core, account)
  return readDeviceList(core.store, account)
}

/**
 * Whether a list that a content mentions has to be looked into: newer than known, or another one of
 * a known version.
 */
export function isNews(store: Store, account: AccountId, reference: ListReference): boolean {
  const known = readDeviceList(store, account)
  const isNewest = known?.list.version === reference.version
  const hash = isNewest ? known.hash : readListHash(store, account, reference.version)
  return hash === undefined || !equalBytes(hash, reference.hash)
}

/**
 * A content spoke of a list that is not known here. A list of the same version with another hash is
 * a fork, which somebody shows to one of the two sides.
 */
export async function lookInto(
  core: Core,
  account: AccountId,
  reference: ListReference,
): Promise<void> {
  await refreshDevices(core, account)
  const known = readDeviceList(core.store, account)
  if (!known || known.list.version < reference.version) return
  if (!isNews(core.store, account, reference)) return
  refuse(core.store, account, 'there are two device lists of one version')
}
