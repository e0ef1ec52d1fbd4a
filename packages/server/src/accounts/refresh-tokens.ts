/**
 * Refresh tokens: opaque, kept as hashes, exchanged on each use. The old one works until its
 * successor is first used, since the answer may have been lost; used after that, it was stolen, and
 * the whole login ends (S6).
 */
import type { AccountId, DeviceId } from '@parley/wire'
import type { Clock, RandomBytes } from '../clock.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { RefreshTokenTable } from '../backends/sql/sql.ts'
import type { Login } from './access-tokens.ts'
import { hashOf, newSecret } from './secrets.ts'

const lifetimeMs = 90 * 24 * 60 * 60 * 1000
/** Generations whose tokens are remembered, so that their reuse is noticed. */
const generationsKept = 16
/** Successors of one token that wait for their first use. */
const successorsMax = 8

interface TokenDeps {
  clock: Clock
  random: RandomBytes
}

export type Exchange =
  | { outcome: 'given'; login: Login; token: string }
  | { outcome: 'refused'; code: 'token-invalid' | 'device-revoked' }
  | { outcome: 'reused'; account: AccountId; device: DeviceId }

/** A new login of the device; what was given for an earlier one no longer counts. */
export async function startSession(
  deps: TokenDeps,
  transaction: Sql,
  device: DeviceId,
): Promise<{ session: string; token: string }> {
  const session = newSecret(deps.random)
  await transaction.deleteFrom('refresh_tokens').where('device', '=', device).execute()
  await transaction.updateTable('devices').set({ session }).where('id', '=', device).execute()
  const token = await give(deps, transaction, { device, session, generation: 1, parent: null })
  return { session, token }
}

type NewToken = Pick<RefreshTokenTable, 'device' | 'session' | 'generation' | 'parent'>

async function give(deps: TokenDeps, transaction: Sql, place: NewToken): Promise<string> {
  const token = newSecret(deps.random)
  const expires = deps.clock.now() + lifetimeMs
  const row = { ...place, hash: hashOf(token), used_ms: null, expires_ms: expires }
  await transaction.insertInto('refresh_tokens').values(row).execute()
  return token
}

/** To be run in a transaction that is committed whatever the outcome. */
export async function exchange(
  deps: TokenDeps,
  transaction: Sql,
  token: string,
): Promise<Exchange> {
  const row = await transaction
    .selectFrom('refresh_tokens')
    .innerJoin('devices', 'devices.id', 'refresh_tokens.device')
    .selectAll('refresh_tokens')
    .select(['devices.account', 'devices.ended_ms', 'devices.session as present_session'])
    .where('refresh_tokens.hash', '=', hashOf(token))
    .executeTakeFirst()
  if (!row) return { outcome: 'refused', code: 'token-invalid' }
  if (row.ended_ms !== null) return { outcome: 'refused', code: 'device-revoked' }
  const counts = row.session === row.present_session && row.expires_ms > deps.clock.now()
  if (!counts) return { outcome: 'refused', code: 'token-invalid' }
  const device = row.device as DeviceId
  const account = row.account as AccountId
  if (await successorOrSiblingUsed(transaction, row)) {
    await endSession(transaction, device)
    return { outcome: 'reused', account, device }
  }
  const successor = await rotate(deps, transaction, row)
  return { outcome: 'given', login: { account, device, session: row.session }, token: successor }
}

/** Siblings are successors of one token; the first that is used is the one that arrived. */
async function successorOrSiblingUsed(transaction: Sql, row: RefreshTokenTable): Promise<boolean> {
  const used = await transaction
    .selectFrom('refresh_tokens')
    .select('hash')
    .where('device', '=', row.device)
    .where('used_ms', 'is not', null)
    .where('hash', '!=', row.hash)
    .where((where) =>
      where.or([
        where('parent', '=', row.hash),
        ...(row.parent === null ? [] : [where('parent', '=', row.parent)]),
      ]),
    )
    .executeTakeFirst()
  return used !== undefined
}

async function rotate(deps: TokenDeps, transaction: Sql, row: RefreshTokenTable): Promise<string> {
  const { device, session, generation, hash } = row
  await transaction
    .updateTable('refresh_tokens')
    .set({ used_ms: deps.clock.now() })
    .where('hash', '=', hash)
    .execute()
  const { waiting } = await transaction
    .selectFrom('refresh_tokens')
    .select((select) => select.fn.countAll<number>().as('waiting'))
    .where('parent', '=', hash)
    .where('device', '=', device)
    .executeTakeFirstOrThrow()
  const forgetFrom = Number(waiting) >= successorsMax ? hash : null
  await transaction
    .deleteFrom('refresh_tokens')
    .where('device', '=', device)
    .where((where) =>
      where.or([
        where('generation', '<', generation - generationsKept),
        ...(forgetFrom === null ? [] : [where('parent', '=', forgetFrom)]),
      ]),
    )
    .execute()
  return give(deps, transaction, { device, session, generation: generation + 1, parent: hash })
}

/** The tokens of the device's login end; its key can still start a new one. */
async function endSession(transaction: Sql, device: DeviceId): Promise<void> {
  await transaction.deleteFrom('refresh_tokens').where('device', '=', device).execute()
  await transaction.updateTable('devices').set({ session: null }).where('id', '=', device).execute()
}
