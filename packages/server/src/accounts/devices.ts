/**
 * The signed device list of an account: the first valid successor of the list in force wins.
 * Whoever goes off the list loses tokens and sockets, and the account's inbox is told (S7, E10).
 */
import type {
  AccountId,
  DeviceId,
  ListedDevice,
  SignedDeviceList,
  VerifiedList,
} from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import type { Limits } from '../limits.ts'
import {
  addDevice,
  announce,
  appendList,
  checkedList,
  claimedList,
  endDevices,
  type NewLogin,
  renewLogin,
  sameBytes,
} from './device-lists.ts'
import { type Directory, signedOf } from './directory.ts'
import type { Identity } from './ports.ts'
import { checkPreKeys, type PreKeys } from './prekeys.ts'
import { sha256 } from './secrets.ts'

/** Lists in one answer; whoever is further behind asks again. */
const listsPerAnswer = 64

export interface NewDevice {
  device: DeviceId
  preKeys: PreKeys
}

export type DevicesDeps = Pick<
  Context,
  'sql' | 'bus' | 'log' | 'clock' | 'random' | 'logger' | 'metrics'
> & { directory: Directory; limits: Limits }

/** POST /v1/devices. */
export async function changeDevices(
  deps: DevicesDeps,
  identity: Identity,
  change: { signed: SignedDeviceList; added: NewDevice | undefined },
): Promise<{ version: number; added: NewLogin | undefined }> {
  const { account } = identity
  deps.limits.take('deviceChangesPerAccount', account)
  const previous = await deps.directory.list(account)
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

/**
 * The same list again: its answer was lost. The device that it added gets tokens again, as long as
 * it is in use.
 */
async function repeatedChange(
  deps: DevicesDeps,
  { list }: VerifiedList,
  brought: NewDevice | undefined,
): Promise<{ version: number; added: NewLogin | undefined }> {
  const { account, version } = list
  if (!brought) return { version, added: undefined }
  const [before] = version > 1 ? await readLists(deps.sql, { account, after: version - 2 }) : []
  if (!before || claimedList(before).devices.some((device) => device.id === brought.device)) {
    throw new ApiError('invalid-list')
  }
  const added = await renewLogin(deps, { account, device: brought.device })
  return { version, added }
}

/** The one device that the list adds, with what it brings. */
function addedDevice(
  previous: VerifiedList,
  next: VerifiedList,
  brought: NewDevice | undefined,
): { listed: ListedDevice; preKeys: PreKeys } | undefined {
  const added = newDevices(previous, next)
  const [listed] = added
  const asBrought = added.length <= 1 && listed?.id === brought?.device
  if (!asBrought) throw new ApiError('invalid-list')
  return listed && brought ? { listed, preKeys: brought.preKeys } : undefined
}

/**
 * What the list adds. Throws `invalid-list` unless each device that stays keeps its number and key:
 * an id means one key for ever.
 */
export function newDevices(previous: VerifiedList, next: VerifiedList): ListedDevice[] {
  const before = new Map(previous.list.devices.map((device) => [device.id, device]))
  const unchanged = next.list.devices.every((device) => {
    const known = before.get(device.id)
    return (
      !known || (known.number === device.number && sameBytes(known.identityKey, device.identityKey))
    )
  })
  if (!unchanged) throw new ApiError('invalid-list')
  return next.list.devices.filter((device) => !before.has(device.id))
}

/**
 * DELETE /v1/session: the device stays on the list, which only a device or the root can change, but
 * its tokens and sockets end.
 */
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

/**
 * GET /v1/accounts/{account}/devices: the lists after the version, oldest first. Throws
 * `unknown-account`.
 */
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
