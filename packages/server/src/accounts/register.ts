/**
 * The last step of a registration: the proven number brings its first device. A number that is
 * registered already keeps its account; everything that was logged in on it ends (E1).
 */
import type { AccountId, DeviceId, SignedDeviceList, VerifiedList } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { RegistrationTable, Sql } from '../backends/sql/sql.ts'
import { addressKeys } from '../limits.ts'
import { type RegisterDeps, readRegistration } from './codes.ts'
import {
  addDevice,
  announce,
  appendList,
  checkedList,
  claimedList,
  endDevices,
  lockAccount,
  type NewLogin,
  renewLogin,
  sameBytes,
} from './device-lists.ts'
import { checkPreKeys, type PreKeys } from './prekeys.ts'
import { hashOf, sameHash } from './secrets.ts'

export interface DeviceRegistration {
  registration: string
  proof: string
  signed: SignedDeviceList
  device: DeviceId
  preKeys: PreKeys
  address: string
}

/**
 * POST /v1/registrations/{registration}/device. Repeating it with the same proof and list logs the
 * device in again.
 */
export async function registerDevice(
  deps: RegisterDeps,
  request: DeviceRegistration,
): Promise<NewLogin> {
  const keys = addressKeys(request.address)
  if (keys) deps.limits.take('deviceRegistrationsPerAddress', keys.address)
  const row = await readRegistration(deps, request.registration)
  deps.limits.take('deviceRegistrationsPerPhone', row.phone)
  const account = provenAccount(deps, row, request.proof)
  if (row.device !== null) return repeatedRegistration(deps, { account, row, request })
  const { previous, next, listed } = await firstList(deps, account, request)
  await checkPreKeys(deps.clock, listed.identityKey, request.preKeys)
  const { login, ended } = await deps.sql.transaction().execute(async (transaction) => {
    await claimProof(transaction, row, request.device)
    await createAccount(deps, transaction, { account, phone: row.phone })
    if (!previous) await dropChain(transaction, account)
    await appendList(transaction, { previous, next })
    const ended = await endDevices(transaction, deps.clock.now(), next)
    const added = { account, listed, preKeys: request.preKeys }
    return { login: await addDevice(deps, transaction, added), ended }
  })
  await announce(deps, account, ended)
  return login
}

function provenAccount(deps: RegisterDeps, row: RegistrationTable, proof: string): AccountId {
  const { proof_hash: hash, proof_expires_ms: expiresMs, account } = row
  if (hash === null || expiresMs === null || account === null) throw new ApiError('wrong-code')
  if (expiresMs <= deps.clock.now()) throw new ApiError('code-expired')
  if (!sameHash(hash, hashOf(proof))) throw new ApiError('wrong-code')
  return account as AccountId
}

async function repeatedRegistration(
  deps: RegisterDeps,
  repeated: { account: AccountId; row: RegistrationTable; request: DeviceRegistration },
): Promise<NewLogin> {
  const { account, row, request } = repeated
  const list = await deps.directory.list(account)
  const same =
    row.device === request.device &&
    list !== undefined &&
    sameBytes(list.signed.body, request.signed.body)
  if (!same) throw new ApiError('code-expired')
  return renewLogin(deps, { account, device: request.device })
}

/**
 * The list that a registration brings: of this device alone, under a new root or on the old chain.
 */
async function firstList(deps: RegisterDeps, account: AccountId, request: DeviceRegistration) {
  const { signed, device } = request
  const claimed = claimedList(signed)
  const before = await deps.directory.list(account)
  const previous = claimed.version === 1 ? undefined : before
  const next = checkedList(signed, previous)
  const [listed] = next.list.devices
  const alone = next.list.devices.length === 1 && listed?.id === device
  if (next.list.account !== account || !alone || !listed) throw new ApiError('invalid-list')
  if (!previous && before && sameRoot(before, next)) {
    throw new ApiError('invalid-list', { detail: 'A chain of this root exists. Continue it.' })
  }
  return { previous, next, listed }
}

function sameRoot(left: VerifiedList, right: VerifiedList): boolean {
  return sameBytes(left.list.rootKey, right.list.rootKey)
}

/** Of two requests with one proof, one counts. */
async function claimProof(
  transaction: Sql,
  row: RegistrationTable,
  device: DeviceId,
): Promise<void> {
  const { numUpdatedRows } = await transaction
    .updateTable('registrations')
    .set({ device })
    .where('id_hash', '=', row.id_hash)
    .where('device', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows !== 1n) throw new ApiError('list-conflict')
}

/** Throws `list-conflict` when the number went to another account since it was proven. */
async function createAccount(
  deps: RegisterDeps,
  transaction: Sql,
  { account, phone }: { account: AccountId; phone: string },
): Promise<void> {
  const row = { id: account, phone, created_ms: deps.clock.now(), last_seen_ms: 0 }
  await transaction
    .insertInto('accounts')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const owner = await transaction
    .selectFrom('accounts')
    .select('id')
    .where('phone', '=', phone)
    .executeTakeFirst()
  if (owner?.id !== account) throw new ApiError('list-conflict')
}

/** A new root starts a new chain; everybody who knew the old one sees that (E1). */
async function dropChain(transaction: Sql, account: AccountId): Promise<void> {
  await lockAccount(transaction, account)
  await transaction.deleteFrom('device_lists').where('account', '=', account).execute()
}
