/**
 * The signed device list of an account: the first valid successor of the list in force wins. Whoever goes off the list loses tokens and sockets, and the account's inbox is told (S7, E10).
 */
import { verify } from '@parley/crypto/signatures'
import {
  type AccountId,
  type DeviceId,
  decodeDeviceList,
  type ListedDevice,
  type SignedDeviceList,
  type VerifiedList,
  verifyDeviceList,
  WireError,
} from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import type { Limits } from '../limits.ts'
import type { Login } from './access-tokens.ts'
import { type Directory, signedOf } from './directory.ts'
import { sendNotice } from './notices.ts'
import type { Identity } from './ports.ts'
import { checkPreKeys, deletePreKeys, type PreKeys, storePreKeys } from './prekeys.ts'
import { startSession } from './refresh-tokens.ts'
import { sha256 } from './secrets.ts'

export const listCrypto = { verify, sha256 }
/** Lists in one answer; whoever is further behind asks again. */
const listsPerAnswer = 64

export interface NewDevice {
  device: DeviceId
  preKeys: PreKeys
}

/** A login of a device that was just started, with its first refresh token. */
export interface NewLogin {
  login: Login
  refreshToken: string
}

export type DevicesDeps = Pick<
  Context,
  'sql' | 'bus' | 'log' | 'clock' | 'random' | 'logger' | 'metrics'
> & { directory: Directory; limits: Limits }

/** The list, checked against the one before it. Throws `invalid-list`. */
export function checkedList(
  signed: SignedDeviceList,
  previous: VerifiedList | undefined,
): VerifiedList {
  try {
    return verifyDeviceList(signed, previous, listCrypto)
  } catch (error) {
    if (error instanceof WireError) throw new ApiError('invalid-list', { detail: error.message })
    throw error
  }
}

/** The version a list claims, before anything about it is believed. Throws `invalid-list`. */
export function claimedList(signed: SignedDeviceList) {
  try {
    return decodeDeviceList(signed.body)
  } catch (error) {
    if (error instanceof WireError) throw new ApiError('invalid-list', { detail: error.message })
    throw error
  }
}

/** POST /v1/devices. */
export async function changeDevices(
  deps: DevicesDeps,
  identity: Identity,
  change: { signed: SignedDeviceList; added: NewDevice | undefined },
): Promise<{ version: number; added: NewLogin | undefined }> {
  const { account } = identity
  deps.limits.take('deviceChangesPerAccount', account)
  const previous = (await deps.directory.state(account))?.list
  if (!previous) throw new ApiError('unknown-account')
  if (sameBytes(sha256(change.signed.body), previous.hash)) {
    return repeatedChange(deps, previous, change.added)
  }
  if (claimedList(change.signed).version <= previous.list.version) {
    throw new ApiError('list-conflict')
  }
  const next = checkedList(change.signed, previous)
  const added = addedDevice(previous, next, change.added)
  if (added) await checkPreKeys(deps.clock, added.listed.identityKey, added.preKeys)
  const { removed, login } = await deps.sql.transaction().execute(async (transaction) => {
    await appendList(transaction, { previous, next })
    const removed = await endDevices(transaction, deps.clock.now(), next)
    const login = added && (await addDevice(deps, transaction, { account, ...added }))
    return { removed, login }
  })
  await announce(deps, account, removed)
  return { version: next.list.version, added: login }
}

/** The same list again: its answer was lost. The device that it added gets tokens again, as long as it is in use. */
async function repeatedChange(
  deps: DevicesDeps,
  { list }: VerifiedList,
  brought: NewDevice | undefined,
): Promise<{ version: number; added: NewLogin | undefined }> {
  const { account, version } = list
  if (!brought) return { version, added: undefined }
  const added = await renewLogin(deps, { account, device: brought.device })
  return { version, added }
}

/** A fresh login of a device that is in use; its old tokens end. Throws `device-revoked`. */
export async function renewLogin(
  deps: Pick<Context, 'sql' | 'clock' | 'random'> & { directory: Directory },
  identity: Identity,
): Promise<NewLogin> {
  const { account, device } = identity
  const { session, token } = await deps.sql.transaction().execute(async (transaction) => {
    const inUse = await transaction
      .selectFrom('devices')
      .select('id')
      .where('id', '=', device)
      .where('account', '=', account)
      .where('ended_ms', 'is', null)
      .executeTakeFirst()
    if (!inUse) throw new ApiError('device-revoked')
    return startSession(deps, transaction, device)
  })
  deps.directory.changed(account)
  return { login: { account, device, session }, refreshToken: token }
}

/** The one device that the list adds. A device that stays keeps its number and key: an id means one key for ever. */
function addedDevice(
  previous: VerifiedList,
  next: VerifiedList,
  brought: NewDevice | undefined,
): { listed: ListedDevice; preKeys: PreKeys } | undefined {
  const before = new Map(previous.list.devices.map((device) => [device.id, device]))
  const added = next.list.devices.filter((device) => !before.has(device.id))
  const unchanged = next.list.devices.every((device) => {
    const known = before.get(device.id)
    return (
      !known || (known.number === device.number && sameBytes(known.identityKey, device.identityKey))
    )
  })
  const [listed] = added
  const asBrought = added.length <= 1 && listed?.id === brought?.device
  if (!unchanged || !asBrought) throw new ApiError('invalid-list')
  return listed && brought ? { listed, preKeys: brought.preKeys } : undefined
}

/** Writes the successor of the list in force. Throws `list-conflict` when another came first. */
export async function appendList(
  transaction: Sql,
  change: { previous: VerifiedList | undefined; next: VerifiedList },
): Promise<void> {
  const { previous, next } = change
  const { account, version } = next.list
  await lockAccount(transaction, account)
  const newest = await transaction
    .selectFrom('device_lists')
    .select('hash')
    .where('account', '=', account)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  const asExpected = previous ? newest && sameBytes(newest.hash, previous.hash) : !newest
  if (!asExpected) throw new ApiError('list-conflict')
  const row = { account, version, ...signedOf(next.signed), hash: next.hash }
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('device_lists')
    .values(row)
    .onConflict((conflict) => conflict.columns(['account', 'version']).doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows !== 1n) throw new ApiError('list-conflict')
  await transaction
    .insertInto('pending_notices')
    .values({ account, version })
    .onConflict((conflict) => conflict.column('account').doUpdateSet({ version }))
    .execute()
}

/** The row's lock orders changes of one account, in both dialects. */
export async function lockAccount(transaction: Sql, account: AccountId): Promise<void> {
  await transaction
    .updateTable('accounts')
    .set((column) => ({ last_seen_ms: column.ref('last_seen_ms') }))
    .where('id', '=', account)
    .execute()
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

/** Ends the devices that are in use and not on the list. */
export async function endDevices(
  transaction: Sql,
  nowMs: number,
  next: VerifiedList,
): Promise<DeviceId[]> {
  const listed = next.list.devices.map((device) => device.id)
  const ended = await transaction
    .updateTable('devices')
    .set({ ended_ms: nowMs, session: null })
    .where('account', '=', next.list.account)
    .where('id', 'not in', listed)
    .where('ended_ms', 'is', null)
    .returning('id')
    .execute()
  const removed = ended.map((row) => row.id as DeviceId)
  await deletePreKeys(transaction, removed)
  return removed
}

/** Throws `invalid-list` when the device id was used before. */
export async function addDevice(
  deps: Pick<Context, 'clock' | 'random'>,
  transaction: Sql,
  added: { account: AccountId; listed: ListedDevice; preKeys: PreKeys },
): Promise<NewLogin> {
  const { account, listed, preKeys } = added
  const row = {
    id: listed.id,
    account,
    identity_key: listed.identityKey,
    added_ms: deps.clock.now(),
    ended_ms: null,
    session: null,
  }
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('devices')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows !== 1n) {
    throw new ApiError('invalid-list', { detail: 'A device id is never used twice.' })
  }
  await storePreKeys(transaction, listed.id, preKeys)
  const { session, token } = await startSession(deps, transaction, listed.id)
  return { login: { account, device: listed.id, session }, refreshToken: token }
}

/** After the commit: caches forget, sockets of ended devices close, the inbox is told. */
export async function announce(
  deps: Pick<Context, 'bus' | 'sql' | 'log' | 'logger'> & { directory: Directory },
  account: AccountId,
  ended: readonly DeviceId[],
): Promise<void> {
  deps.directory.changed(account)
  for (const device of ended) deps.bus.publish(`account:${account}`, { kind: 'revoked', device })
  await sendNotice(deps, account)
}

/** DELETE /v1/session: the device stays on the list, which only a device or the root can change, but its tokens and sockets end. */
export async function logOut(
  deps: Pick<Context, 'bus' | 'sql' | 'log' | 'logger' | 'clock'> & { directory: Directory },
  identity: Identity,
): Promise<void> {
  await deps.sql.transaction().execute(async (transaction) => {
    await transaction
      .updateTable('devices')
      .set({ ended_ms: deps.clock.now(), session: null })
      .where('id', '=', identity.device)
      .execute()
  })
  await announce(deps, identity.account, [identity.device])
}

/** GET /v1/accounts/{account}/devices: the lists after the version, oldest first. Throws `unknown-account`. */
export async function listsAfter(
  deps: Pick<Context, 'sql'> & { directory: Directory; limits: Limits },
  identity: Identity,
  wanted: { account: AccountId; after: number },
): Promise<SignedDeviceList[]> {
  deps.limits.take('deviceListsPerAccount', identity.account)
  const state = await deps.directory.state(wanted.account)
  if (!state) throw new ApiError('unknown-account')
  return readLists(deps.sql, wanted)
}

export async function readLists(
  sql: Sql,
  wanted: { account: AccountId; after: number },
): Promise<SignedDeviceList[]> {
  const rows = await sql
    .selectFrom('device_lists')
    .select(['body', 'signer', 'signature'])
    .where('account', '=', wanted.account)
    .where('version', '>', wanted.after)
    .orderBy('version')
    .limit(listsPerAnswer)
    .execute()
  return rows.map(signedOf)
}
