/**
 * Prekey bundles: what somebody needs to start a session with a device. Each one-time key is handed
 * out at most once (S12).
 */
import { type AccountId, type DeviceId, oneTimePreKeysMax } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import type { Limits } from '../limits.ts'
import type { Directory } from './directory.ts'
import type { Identity } from './ports.ts'
import type { PublicPreKeyBytes, SignedPreKeyBytes } from './prekeys.ts'

export interface Bundle {
  device: DeviceId
  registrationId: number
  signed: SignedPreKeyBytes
  kyber: SignedPreKeyBytes
  oneTime: PublicPreKeyBytes | undefined
}

/** POST /v1/accounts/{account}/bundles: for those of the devices that are on the account. */
export async function takeBundles(
  deps: Pick<Context, 'sql' | 'metrics'> & { directory: Directory; limits: Limits },
  identity: Identity,
  wanted: { account: AccountId; devices: readonly DeviceId[] },
): Promise<Bundle[]> {
  deps.limits.take('bundlesPerPair', `${identity.account} ${wanted.account}`)
  const state = await deps.directory.state(wanted.account)
  if (!state) throw new ApiError('unknown-account')
  const listed = new Set(state.devices)
  const devices = [...new Set(wanted.devices)].filter((device) => listed.has(device))
  const bundles = await deps.sql.transaction().execute(async (transaction) => {
    const taken = []
    for (const device of devices) taken.push(await takeBundle(transaction, device))
    return taken.filter((bundle) => bundle !== undefined)
  })
  deps.metrics.oneTimePreKeysEmpty.inc(bundles.filter((bundle) => bundle.lastResort).length)
  return bundles
}

async function takeBundle(
  transaction: Sql,
  device: DeviceId,
): Promise<(Bundle & { lastResort: boolean }) | undefined> {
  const row = await transaction
    .selectFrom('prekeys')
    .selectAll()
    .where('device', '=', device)
    .executeTakeFirst()
  if (!row) return undefined
  const ec = await takeOneTime(transaction, device, 'ec')
  const kyber = await takeOneTime(transaction, device, 'kyber')
  const lastResort = {
    id: row.kyber_id,
    publicKey: row.kyber_key,
    signature: row.kyber_signature,
  }
  return {
    device,
    registrationId: row.registration_id,
    signed: { id: row.signed_id, publicKey: row.signed_key, signature: row.signed_signature },
    kyber: kyber ?? lastResort,
    lastResort: kyber === undefined,
    oneTime: ec && { id: ec.id, publicKey: ec.publicKey },
  }
}

/** Deleting is what hands it out: of two at once, one gets no row back and takes the next. */
async function takeOneTime(
  transaction: Sql,
  device: DeviceId,
  kind: 'ec' | 'kyber',
): Promise<SignedPreKeyBytes | undefined> {
  for (let tries = 0; tries < oneTimePreKeysMax; tries++) {
    const next = await transaction
      .selectFrom('one_time_prekeys')
      .select('id')
      .where('device', '=', device)
      .where('kind', '=', kind)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    if (!next) return undefined
    const taken = await transaction
      .deleteFrom('one_time_prekeys')
      .where('device', '=', device)
      .where('kind', '=', kind)
      .where('id', '=', next.id)
      .returning(['id', 'public_key', 'signature'])
      .executeTakeFirst()
    if (!taken) continue
    const { id, public_key: publicKey, signature } = taken
    return { id, publicKey, signature: signature ?? new Uint8Array() }
  }
  return undefined
}
