/** What an account row holds about its person: the number, and when it was last seen. */
import type { AccountId } from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Identity } from './ports.ts'
import { prepared } from './prepared.ts'

/** GET /v1/account: one's own number. */
export async function ownPhone(sql: Sql, identity: Identity): Promise<string> {
  const row = await sql
    .selectFrom('accounts')
    .select('phone')
    .where('id', '=', identity.account)
    .executeTakeFirst()
  if (!row) throw new ApiError('unknown-account')
  return row.phone
}

const moveLastSeen = prepared((sql, account: AccountId, seenMs: number) =>
  sql
    .updateTable('accounts')
    .set({ last_seen_ms: seenMs })
    .where('id', '=', account)
    .where('last_seen_ms', '<', seenMs),
)

/** In one transaction, since each waits for the disk; never moves back. */
export async function saveLastSeen(
  sql: Sql,
  seenMs: Iterable<readonly [AccountId, number]>,
): Promise<void> {
  await sql.transaction().execute(async (transaction) => {
    for (const [account, ms] of seenMs) await moveLastSeen(transaction, account, ms)
  })
}

/** Unix milliseconds; 0 when it was never seen or does not exist. */
export async function lastSeen(sql: Sql, account: AccountId): Promise<number> {
  const row = await sql
    .selectFrom('accounts')
    .select('last_seen_ms')
    .where('id', '=', account)
    .executeTakeFirst()
  return row?.last_seen_ms ?? 0
}
