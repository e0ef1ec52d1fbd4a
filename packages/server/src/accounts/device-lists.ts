/**
 * Device lists in the store: how a signed list is checked, how it follows the one in force, and
 * what comes with it for devices that go and come. Used by registration and by changes of the list.
 */
import { verify } from '@parley/crypto/signatures-bun'
import {
  type AccountId,
  type DeviceId,
  type DeviceList,
  decodeDeviceList,
  inboxOf,
  type ListedDevice,
  type SignedDeviceList,
  type VerifiedList,
  verifyDeviceList,
  WireError,
} from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import type { Login } from './access-tokens.ts'
import { type Directory, signedOf } from './directory.ts'
import { sendNotice } from './notices.ts'
import type { Identity } from './ports.ts'
import { deletePreKeys, type PreKeys, storePreKeys } from './prekeys.ts'
import { startSession } from './refresh-tokens.ts'
import { sha256 } from './secrets.ts'

const listCrypto = { verify, sha256 }
/** A login of a device that was just started, with its first refresh token. */
export interface NewLogin {
  login: Login
  refreshToken: string
}

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
export function claimedList(signed: SignedDeviceList): DeviceList {
  try {
    return decodeDeviceList(signed.body)
  } catch (error) {
    if (error instanceof WireError) throw new ApiError('invalid-list', { detail: error.message })
    throw error
  }
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

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
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
  for (const device of ended) deps.bus.publish(inboxOf(account), { kind: 'revoked', device })
  await sendNotice(deps, account)
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
