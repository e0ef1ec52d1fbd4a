/** Brings the tables to this version's shape, forward only, before anything else reads them. */
import { type Kysely, sql as statement } from 'kysely'
import * as accounts from './migrations/0001-accounts.ts'
import { SchemaNewer, type Sql } from './sql.ts'

/** What the dialects call their types. */
export interface ColumnTypes {
  bytes: 'blob' | 'bytea'
  /** Holds a safe integer. */
  integer: 'integer' | 'bigint'
}

type Migration = { up(schema: Kysely<unknown>, types: ColumnTypes): Promise<void> }

/** In order; a released one never changes. */
const migrations: readonly Migration[] = [accounts]

/** What `schema_version` says when all have run. */
export const sqlFormat = migrations.length

export async function migrate(sql: Sql, types: ColumnTypes): Promise<void> {
  await sql.transaction().execute(async (transaction) => {
    await statement`create table if not exists schema_version (version integer not null)`.execute(
      transaction,
    )
    const row = await transaction.selectFrom('schema_version').select('version').executeTakeFirst()
    const present = row?.version ?? 0
    if (present > sqlFormat) {
      throw new SchemaNewer(`the tables have version ${present}, this Parley knows ${sqlFormat}`)
    }
    if (!row) await transaction.insertInto('schema_version').values({ version: 0 }).execute()
    for (const migration of migrations.slice(present)) {
      await migration.up(transaction as unknown as Kysely<unknown>, types)
    }
    await transaction.updateTable('schema_version').set({ version: sqlFormat }).execute()
  })
}
