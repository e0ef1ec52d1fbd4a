/**
 * Device lists that this server has forgotten, because it was restored from an older state (E10):
 * anybody may hand them in, since each is signed by a device on the one before, or by the root.
 */
import { type AccountId, deviceIdOf, type SignedDeviceList, type VerifiedList } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import { addressKeys } from '../limits.ts'
import {
  announce,
  appendList,
  checkedList,
  claimedList,
  endDevices,
  sameBytes,
} from './device-lists.ts'
import { type DevicesDeps, newDevices } from './devices.ts'

export interface HandIn {
  account: AccountId
  signed: SignedDeviceList
  address: string
}

/**
 * POST /v1/accounts/{account}/device-lists. The version in force afterwards; what is known already
 * is passed over. A device that comes with a list gets its tokens by a signature of its key, and
 * brings its prekeys then.
 */
export async function handInList(deps: DevicesDeps, handIn: HandIn): Promise<number> {
  const { account, address, signed } = handIn
  const keys = addressKeys(address)
  if (keys) deps.limits.take('listHandInsPerAddress', keys.address)
  const previous = await deps.directory.list(account)
  if (!previous) throw new ApiError('unknown-account')
  const { version } = previous.list
  const claimed = claimedList(signed).version
  if (claimed === version && !sameBytes(signed.body, previous.signed.body)) {
    throw new ApiError('list-conflict')
  }
  if (claimed <= version) return version
  const next = checkedList(signed, previous)
  const removed = await deps.sql.transaction().execute(async (transaction) => {
    await requireUsedSigner(transaction, signed)
    await appendList(transaction, { previous, next })
    const ended = await endDevices(transaction, deps.clock.now(), next)
    await addDevices(transaction, { previous, next, nowMs: deps.clock.now() })
    return ended
  })
  await announce(deps, account, removed)
  return next.list.version
}

/** S7: one that was logged out changes nothing, although it is on the list. Empty: the root. */
async function requireUsedSigner(transaction: Sql, { signer }: SignedDeviceList): Promise<void> {
  if (signer.length === 0) return
  const device = await transaction
    .selectFrom('devices')
    .select('id')
    .where('id', '=', deviceIdOf(signer))
    .where('ended_ms', 'is', null)
    .executeTakeFirst()
  if (!device) throw new ApiError('device-revoked')
}

async function addDevices(
  transaction: Sql,
  change: { previous: VerifiedList; next: VerifiedList; nowMs: number },
): Promise<void> {
  const { account } = change.next.list
  for (const { id, identityKey } of newDevices(change.previous, change.next)) {
    const row = { id, account, identity_key: identityKey, added_ms: change.nowMs }
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('devices')
      .values({ ...row, ended_ms: null, session: null })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows === 1n) continue
    throw new ApiError('invalid-list', { detail: 'A device id is never used twice.' })
  }
}
