/** What every dialect of the SQL store must do (Q1-Q5): an adapter's test file calls this first. */
import { describe, expect, test } from 'bun:test'
import { SchemaNewer, type Sql } from './sql.ts'

/** A store that can be opened again on what it wrote. */
export interface SqlStore extends AsyncDisposable {
  open(): Promise<Sql>
}

const account = { id: 'a', phone: '+1', created_ms: 1, last_seen_ms: 0 }
/** Positions and times are safe integers beyond 32 bits. */
const large = Number.MAX_SAFE_INTEGER

export function describeSql(name: string, make: () => Promise<SqlStore>): void {
  describe(name, () => {
    test('[Q1] what was written is there when the store is opened again', async () => {
      await using store = await make()
      const first = await store.open()
      await first.insertInto('accounts').values(account).execute()
      await first.destroy()
      const second = await store.open()
      expect(await accountsIn(second)).toEqual([account])
      await second.destroy()
    })

    test('[Q1] bytes, nulls and large integers come back as they went in', async () => {
      await using store = await make()
      const sql = await store.open()
      const row = {
        id: 'd',
        account: 'a',
        identity_key: Uint8Array.of(0, 255, 5),
        added_ms: large,
        ended_ms: null,
        session: null,
      }
      await sql.insertInto('devices').values(row).execute()
      const read = await sql.selectFrom('devices').selectAll().executeTakeFirstOrThrow()
      expect({ ...read, identity_key: Uint8Array.from(read.identity_key) }).toEqual(row)
      await sql.destroy()
    })

    test('[Q2] a transaction that throws leaves nothing', async () => {
      await using store = await make()
      const sql = await store.open()
      const failed = sql.transaction().execute(async (transaction) => {
        await transaction.insertInto('accounts').values(account).execute()
        throw new Error('on purpose')
      })
      expect(failed).rejects.toThrow('on purpose')
      await failed.catch(() => {})
      expect(await accountsIn(sql)).toEqual([])
      await sql.destroy()
    })

    test('[Q2] transactions that run at once do not see half of each other', async () => {
      await using store = await make()
      const sql = await store.open()
      await sql.insertInto('accounts').values(account).execute()
      const raise = () =>
        sql.transaction().execute(async (transaction) => {
          await transaction
            .updateTable('accounts')
            .set((column) => ({ last_seen_ms: column('last_seen_ms', '+', 1) }))
            .where('id', '=', 'a')
            .execute()
          await transaction
            .updateTable('accounts')
            .set((column) => ({ created_ms: column('created_ms', '+', 1) }))
            .where('id', '=', 'a')
            .execute()
        })
      await Promise.all(Array.from({ length: 20 }, raise))
      expect(await accountsIn(sql)).toEqual([{ ...account, created_ms: 21, last_seen_ms: 20 }])
      await sql.destroy()
    })

    test('[Q3] of many inserts of one key, one counts and the others say so', async () => {
      await using store = await make()
      const sql = await store.open()
      const inserts = Array.from({ length: 20 }, (_, index) =>
        sql
          .insertInto('accounts')
          .values({ ...account, created_ms: index })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow(),
      )
      const counted = (await Promise.all(inserts)).map((one) => one.numInsertedOrUpdatedRows)
      expect(counted.filter((count) => count === 1n)).toHaveLength(1)
      expect(await accountsIn(sql)).toHaveLength(1)
      await sql.destroy()
    })

    test('[Q3] of many deletes of one row, one gets it back', async () => {
      await using store = await make()
      const sql = await store.open()
      await sql.insertInto('accounts').values(account).execute()
      const deletes = Array.from({ length: 20 }, () =>
        sql.deleteFrom('accounts').where('id', '=', 'a').returning('id').execute(),
      )
      expect((await Promise.all(deletes)).flat()).toEqual([{ id: 'a' }])
      await sql.destroy()
    })

    test('[Q5] opening twice brings the tables up once', async () => {
      await using store = await make()
      for (let opened = 0; opened < 2; opened++) {
        const sql = await store.open()
        const versions = await sql.selectFrom('schema_version').selectAll().execute()
        expect(versions).toEqual([{ version: 1 }])
        await sql.destroy()
      }
    })

    test('[Q5] tables of a newer version are refused and stay as they are', async () => {
      await using store = await make()
      const first = await store.open()
      await first.updateTable('schema_version').set({ version: 999 }).execute()
      await first.destroy()
      expect(await store.open().then(String, (error: unknown) => error)).toBeInstanceOf(SchemaNewer)
      expect(await store.open().then(String, (error: unknown) => error)).toBeInstanceOf(SchemaNewer)
    })
  })
}

function accountsIn(sql: Sql) {
  return sql.selectFrom('accounts').selectAll().execute()
}
