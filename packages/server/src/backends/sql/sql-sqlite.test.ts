/** The SQLite dialect: the contract, and what only it has to answer for. */
import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql as statement } from 'kysely'
import { describeSql } from './sql.contract.ts'
import { SqlUnavailable } from './sql.ts'
import { openSqliteSql } from './sql-sqlite.ts'

async function makeStore() {
  const folder = await mkdtemp(join(tmpdir(), 'parley-sql-'))
  return {
    open: () => openSqliteSql(join(folder, 'accounts.sqlite')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

describeSql('SQL on SQLite', makeStore)

test('[Q1] every commit is synced to the disk', async () => {
  await using store = await makeStore()
  const sql = await store.open()
  const mode = await statement<{ journal_mode: string }>`pragma journal_mode`.execute(sql)
  const sync = await statement<{ synchronous: number }>`pragma synchronous`.execute(sql)
  expect([mode.rows[0]?.journal_mode, sync.rows[0]?.synchronous]).toEqual(['wal', 2])
  await sql.destroy()
})

test('[Q4] a full disk is told apart, and the transaction that met it leaves nothing', async () => {
  await using store = await makeStore()
  const sql = await store.open()
  await sql.insertInto('server_state').values({ name: 'kept', value: '1' }).execute()
  await statement`pragma max_page_count = 30`.execute(sql)
  const failed = sql.transaction().execute(async (transaction) => {
    await transaction.insertInto('server_state').values({ name: 'small', value: '1' }).execute()
    const value = 'x'.repeat(1_000_000)
    await transaction.insertInto('server_state').values({ name: 'large', value }).execute()
  })
  const error = await failed.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(SqlUnavailable)
  expect((error as SqlUnavailable).reason).toBe('full')
  const rows = await sql.selectFrom('server_state').select('name').execute()
  expect(rows).toEqual([{ name: 'kept' }])
  await sql.destroy()
})

test('a file that is no database is refused and not touched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-sql-'))
  const path = join(folder, 'accounts.sqlite')
  await Bun.write(path, 'not a database, but somebody needs it'.repeat(100))
  const error = await openSqliteSql(path).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(SqlUnavailable)
  expect(await Bun.file(path).text()).toStartWith('not a database')
  await rm(folder, { recursive: true })
})
