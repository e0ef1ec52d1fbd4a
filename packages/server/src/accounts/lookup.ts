/**
 * Finding an account by its number. Numbers that are new to the asker cost budget, found or not, so
 * that nobody can walk through them (S11).
 */
import type { AccountId } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Context } from '../context.ts'
import { addressKeys, type Limits } from '../limits.ts'
import { parsePhone } from './phone-numbers.ts'
import type { Identity } from './ports.ts'
import { hashOf } from './secrets.ts'

/**
 * Numbers that an asker may ask for again without a price; kept in memory only, since who looked
 * for whom is nobody's business.
 */
export interface KnownNumbers {
  has(asker: AccountId, phone: string): boolean
  add(asker: AccountId, phone: string): void
}

const pairsKeptMax = 200_000

export function openKnownNumbers(): KnownNumbers {
  const pairs = new Set<string>()
  return {
    has: (asker, phone) => pairs.has(hashOf(asker, phone)),
    add(asker, phone) {
      pairs.add(hashOf(asker, phone))
      for (const oldest of pairs) {
        if (pairs.size <= pairsKeptMax) break
        pairs.delete(oldest)
      }
    },
  }
}

export type LookupDeps = Pick<Context, 'sql'> & {
  limits: Limits
  knownNumbers: KnownNumbers
  defaultCountry: string | undefined
}

/** POST /v1/lookup. Tells the account id and nothing else. */
export async function lookup(
  deps: LookupDeps,
  identity: Identity,
  request: { phone: string; address: string },
): Promise<AccountId> {
  const phone = parsePhone(request.phone, deps.defaultCountry)
  const { account } = identity
  deps.limits.take('lookupsPerAccount', account)
  const keys = addressKeys(request.address)
  if (keys) deps.limits.take('lookupsPerAddress', keys.address)
  if (!deps.knownNumbers.has(account, phone)) deps.limits.take('newNumbersPerAccount', account)
  deps.knownNumbers.add(account, phone)
  const row = await deps.sql
    .selectFrom('accounts')
    .select('id')
    .where('phone', '=', phone)
    .executeTakeFirst()
  if (!row) throw new ApiError('unknown-account')
  return row.id as AccountId
}
