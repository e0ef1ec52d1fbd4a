/** Small facts about this server that live with its accounts. */
import { toHex } from '@parley/wire'
import type { Sql } from './backends/sql/sql.ts'
import type { RandomBytes } from './clock.ts'

const incarnationBytes = 16

/** Made with the tables; changes only when they are restored from an older state. */
export async function readIncarnation({
  sql,
  random,
}: {
  sql: Sql
  random: RandomBytes
}): Promise<string> {
  const name = 'incarnation'
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
