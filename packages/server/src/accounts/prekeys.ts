/**
 * Prekeys: uploaded by a device for itself, to be handed out by bundles.ts. The server checks
 * signatures and lengths and knows nothing else (S12).
 */
import { isPublicKey, verify } from '@parley/crypto/signatures-bun'
import { type DeviceId, oneTimePreKeysMax, oneTimePreKeysPerUpload } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Clock } from '../clock.ts'
import type { Context } from '../context.ts'
import type { Limits } from '../limits.ts'
import type { Directory } from './directory.ts'
import type { Identity } from './ports.ts'

export interface PublicPreKeyBytes {
  id: number
  publicKey: Uint8Array
}
export interface SignedPreKeyBytes extends PublicPreKeyBytes {
  signature: Uint8Array
}
export interface PreKeys {
  registrationId: number
  signed: SignedPreKeyBytes
  /** Last resort. */
  kyber: SignedPreKeyBytes
  oneTime: PublicPreKeyBytes[]
  oneTimeKyber: SignedPreKeyBytes[]
}
const kyberKeyBytes = 1569
const kyberKeyType = 0x08
/** A check takes about a millisecond; other work gets its turn after this many. */
const checksPerTurn = 8

/**
 * Throws `invalid-prekeys` unless every key is well formed and signed by the device's identity key.
 */
export async function checkPreKeys(
  clock: Clock,
  identityKey: Uint8Array,
  keys: PreKeys,
): Promise<void> {
  const { signed, kyber, oneTime, oneTimeKyber } = keys
  const formed =
    oneTime.length <= oneTimePreKeysPerUpload &&
    oneTimeKyber.length <= oneTimePreKeysPerUpload &&
    [signed, ...oneTime].every((key) => isPublicKey(key.publicKey)) &&
    [kyber, ...oneTimeKyber].every((key) => isKyberKey(key.publicKey)) &&
    distinctIds(oneTime) &&
    distinctIds(oneTimeKyber)
  if (!formed) throw new ApiError('invalid-prekeys')
  const signedKeys = [signed, kyber, ...oneTimeKyber]
  for (const [index, key] of signedKeys.entries()) {
    if (index % checksPerTurn === checksPerTurn - 1) await nextTurn(clock)
    if (!verify(identityKey, key.publicKey, key.signature)) throw new ApiError('invalid-prekeys')
  }
}

function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(0, resolve)
  })
}

function isKyberKey(bytes: Uint8Array): boolean {
  return bytes.length === kyberKeyBytes && bytes[0] === kyberKeyType
}

function distinctIds(keys: readonly PublicPreKeyBytes[]): boolean {
  return new Set(keys.map((key) => key.id)).size === keys.length
}

/** PUT /v1/prekeys: new signed keys, more one-time keys. Repeating it is safe. */
export async function uploadPreKeys(
  deps: Pick<Context, 'sql' | 'clock'> & { directory: Directory; limits: Limits },
  identity: Identity,
  keys: PreKeys,
): Promise<void> {
  deps.limits.take('preKeyUploadsPerDevice', identity.device)
  const current = await deps.directory.list(identity.account)
  const listed = current?.list.devices.find((device) => device.id === identity.device)
  if (!listed) throw new ApiError('device-revoked')
  await checkPreKeys(deps.clock, listed.identityKey, keys)
  await deps.sql.transaction().execute((transaction) => {
    return storePreKeys(transaction, identity.device, keys)
  })
}

/**
 * Ids only grow: a one-time key at or below the highest id ever uploaded may have been handed out
 * and is passed over.
 */
export async function storePreKeys(
  transaction: Sql,
  device: DeviceId,
  keys: PreKeys,
): Promise<void> {
  const before = await transaction
    .selectFrom('prekeys')
    .select(['one_time_id_max', 'one_time_kyber_id_max'])
    .where('device', '=', device)
    .executeTakeFirst()
  const ecMax = before?.one_time_id_max ?? -1
  const kyberMax = before?.one_time_kyber_id_max ?? -1
  const ec = keys.oneTime.filter((key) => key.id > ecMax)
  const kyber = keys.oneTimeKyber.filter((key) => key.id > kyberMax)
  const row = {
    registration_id: keys.registrationId,
    signed_id: keys.signed.id,
    signed_key: keys.signed.publicKey,
    signed_signature: keys.signed.signature,
    kyber_id: keys.kyber.id,
    kyber_key: keys.kyber.publicKey,
    kyber_signature: keys.kyber.signature,
    one_time_id_max: Math.max(ecMax, ...ec.map((key) => key.id)),
    one_time_kyber_id_max: Math.max(kyberMax, ...kyber.map((key) => key.id)),
  }
  await transaction
    .insertInto('prekeys')
    .values({ device, ...row })
    .onConflict((conflict) => conflict.column('device').doUpdateSet(row))
    .execute()
  const oneTime = [
    ...ec.map((key) => oneTimeRow(device, 'ec', key, null)),
    ...kyber.map((key) => oneTimeRow(device, 'kyber', key, key.signature)),
  ]
  if (oneTime.length > 0) {
    await transaction.insertInto('one_time_prekeys').values(oneTime).execute()
  }
  const counts = await countPreKeys(transaction, device)
  if (Math.max(counts.ec, counts.kyber) > oneTimePreKeysMax) throw new ApiError('too-large')
}

function oneTimeRow(
  device: DeviceId,
  kind: 'ec' | 'kyber',
  key: PublicPreKeyBytes,
  signature: Uint8Array | null,
) {
  return { device, kind, id: key.id, public_key: key.publicKey, signature }
}

/** GET /v1/prekeys: of the asking device only. */
export async function countPreKeys(
  sql: Sql,
  device: DeviceId,
): Promise<{ ec: number; kyber: number }> {
  const rows = await sql
    .selectFrom('one_time_prekeys')
    .select(['kind', (select) => select.fn.countAll<number>().as('count')])
    .where('device', '=', device)
    .groupBy('kind')
    .execute()
  const count = (kind: 'ec' | 'kyber') => Number(rows.find((row) => row.kind === kind)?.count ?? 0)
  return { ec: count('ec'), kyber: count('kyber') }
}

export async function deletePreKeys(transaction: Sql, devices: readonly DeviceId[]): Promise<void> {
  if (devices.length === 0) return
  await transaction.deleteFrom('one_time_prekeys').where('device', 'in', devices).execute()
  await transaction.deleteFrom('prekeys').where('device', 'in', devices).execute()
}
