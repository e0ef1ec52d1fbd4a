/** Small facts about this server that live with its accounts. */
import { toHex } from '@parley/wire'
import type { Sql } from './backends/sql/sql.ts'
import type { RandomBytes } from './clock.ts'

const incarnationBytes = 16
const incarnationName = 'incarnation'

/** Made with the tables; changes only when they are restored from an older state. */
export async function readIncarnation({
  sql,
  random,
}: {
  sql: Sql
  random: RandomBytes
}): Promise<string> {
  const name = incarnationName
  await sql
    .insertInto('server_state')
    .values({ name, value: toHex(random(incarnationBytes)) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await sql
    .selectFrom('server_state')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return value
}

/**
 * After a restore (BK5): clients are told by another incarnation. One-time prekeys may have been
 * handed out since, tokens exchanged or ended, and codes used: none of them counts any more. A
 * device gets tokens again by a signature of its key.
 */
export async function beginIncarnation({
  sql,
  random,
}: {
  sql: Sql
  random: RandomBytes
}): Promise<string> {
  const value = toHex(random(incarnationBytes))
  await sql.transaction().execute(async (transaction) => {
    for (const table of usedUp) await transaction.deleteFrom(table).execute()
    await transaction.updateTable('devices').set({ session: null }).execute()
    await transaction
      .insertInto('server_state')
      .values({ name: incarnationName, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute()
  })
  return value
}

const usedUp = [
  'one_time_prekeys',
  'refresh_tokens',
  'token_nonces',
  'registrations',
  'signing_keys',
] as const
