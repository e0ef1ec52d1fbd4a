/** A server's folder with a few people in it, and a clock that stands still, for tests of backups. */
import { Database } from 'bun:sqlite'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountIdFromRandom, deviceIdOf, inboxOf } from '@parley/wire'
import { SimRandom } from '../../../testkit/src/sim/random.ts'
import { BatchBuilder } from '../backends/log/batch.ts'
import { openLogWriter } from '../backends/log/log-writer.ts'
import { logFormat } from '../backends/log/schema.ts'
import { sqlFormat } from '../backends/sql/migrate.ts'
import { openSqliteSql } from '../backends/sql/sql-sqlite.ts'
import { beginIncarnation, readIncarnation } from '../server-state.ts'
import { makeBackup } from './make-backup.ts'
import type { BackupRequest } from './make-backup.ts'
import { restoreBackup } from './restore-backup.ts'
import type { RestoreRequest } from './restore-backup.ts'
import type { Work } from './store-work.ts'
import { examineBackup } from './examine-backup.ts'

const known = { log: logFormat, accounts: sqlFormat }
const nowMs = Date.UTC(2026, 5, 1, 12)
const noLock = () => ({ [Symbol.dispose]() {} })
const bytes = (length: number) => new Uint8Array(length).fill(7)

export type BackupRig = Awaited<ReturnType<typeof openBackupRig>>

/** Three people, each of whom has been written to. */
export async function openBackupRig() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-backup-'))
  const data = join(folder, 'data')
  const to = join(folder, 'backup')
  const { bytes: random } = new SimRandom(11)
  const stopping = new AbortController()
  const steps: string[] = []
  const work: Work = {
    clock: { now: () => nowMs, after: () => () => {} },
    signal: stopping.signal,
    onProgress: ({ step, name }) => steps.push(`${step} ${name}`),
  }
  mkdirSync(data)
  const accountsPath = join(data, 'accounts.sqlite')
  const sql = await openSqliteSql(accountsPath)
  const incarnation = await readIncarnation({ sql, random })
  await sql.destroy()
  const accounts = new Database(accountsPath)
  const log = openLogWriter({ path: join(data, 'log.sqlite'), sync: 'off', fileBytesMax: 2 ** 40 })
  let sequence = 0

  /** As the server does it: the account is there before anything is written to it. */
  function newPerson(entries = 1): void {
    const account = accountIdFromRandom(random(16))
    const device = deviceIdOf(random(16))
    accounts.transaction(() => {
      accounts.run('INSERT INTO accounts VALUES (?, ?, 1, 0)', [account, `+49${account}`])
      accounts.run('INSERT INTO device_lists VALUES (?, 1, ?, ?, ?, ?)', [
        ...[account, bytes(9), bytes(32), bytes(64), bytes(32)],
      ])
      const session = 'of before'
      accounts.run('INSERT INTO devices VALUES (?, ?, ?, 1, NULL, ?)', [
        ...[device, account, bytes(33), session],
      ])
      accounts.run("INSERT INTO one_time_prekeys VALUES (?, 'ec', 1, ?, NULL)", [device, bytes(33)])
    })()
    const builder = new BatchBuilder()
    for (let entry = 0; entry < entries; entry++) {
      const origin = { device, sequence: ++sequence }
      builder.append(inboxOf(account), { origin, body: bytes(300) })
    }
    log.write(builder.take(nowMs, undefined))
  }

  async function renew(paths: { accounts: string }): Promise<string> {
    const copy = await openSqliteSql(paths.accounts)
    const value = await beginIncarnation({ sql: copy, random })
    await copy.destroy()
    return value
  }

  for (let people = 0; people < 3; people++) newPerson()
  return {
    ...{ folder, data, to, incarnation, stopping, steps, accounts, work, newPerson },
    backUp: (request: Partial<BackupRequest> = {}) =>
      makeBackup(
        { data, to, overwrite: false, parleyVersion: '1.2.3', hold: noLock, ...request },
        work,
      ),
    verify: () => examineBackup(to, known, work),
    restore: (request: Partial<RestoreRequest> = {}) =>
      restoreBackup(
        { from: to, data: join(folder, 'restored'), known, hold: noLock, renew, ...request },
        work,
      ),
    [Symbol.dispose]() {
      log.close()
      accounts.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
