/**
 * Puts accounts with one device each straight into a data folder, with access tokens of the
 * server's own key: a benchmark needs thousands, and registering them one by one would measure the
 * limits on registration.
 */
import { join } from 'node:path'
import {
  accountIdBytes,
  accountIdFromRandom,
  deviceIdBytes,
  encodeDeviceList,
  inboxOf,
  logIdBytesOf,
  parseDeviceId,
  toHex,
} from '@parley/wire'
import type { AccountId, DeviceId } from '@parley/wire'
import { signAccessToken } from '../../server/src/accounts/access-tokens.ts'
import { openSigningKeys } from '../../server/src/accounts/signing-keys.ts'
import { openSqliteSql } from '../../server/src/backends/sql/sql-sqlite.ts'
import { machineRandom as random } from './machine-random.ts'

export interface ProvisionedUser {
  number: number
  token: string
  account: Uint8Array
  device: Uint8Array
  log: Uint8Array
  listHash: Uint8Array
}

const rowsPerInsert = 200

/** The keys are random bytes: nothing is ever encrypted for these devices. */
export async function provision(dataFolder: string, count: number): Promise<ProvisionedUser[]> {
  const sql = await openSqliteSql(join(dataFolder, 'accounts.sqlite'))
  const nowMs = Date.now()
  const clock = { now: () => nowMs, after: () => () => {} }
  const keys = openSigningKeys({ sql, clock, random })
  const users: ProvisionedUser[] = []
  for (let from = 0; from < count; from += rowsPerInsert) {
    const rows = Array.from({ length: Math.min(rowsPerInsert, count - from) }, (_, index) =>
      rowsOf(from + index, nowMs),
    )
    await sql.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('accounts')
        .values(rows.map((row) => row.account))
        .execute()
      await transaction
        .insertInto('device_lists')
        .values(rows.map((row) => row.list))
        .execute()
      await transaction
        .insertInto('devices')
        .values(rows.map((row) => row.device))
        .execute()
    })
    for (const [index, row] of rows.entries()) {
      const { accountId, deviceId, list } = row
      const login = { account: accountId, device: deviceId, session: row.device.session }
      users.push({
        number: from + index,
        token: await signAccessToken({ keys, clock }, login),
        account: accountIdBytes(accountId),
        device: deviceIdBytes(deviceId),
        log: logIdBytesOf(inboxOf(accountId)),
        listHash: list.hash,
      })
    }
  }
  await sql.destroy()
  return users
}

function rowsOf(number: number, nowMs: number) {
  const accountId: AccountId = accountIdFromRandom(random(16))
  const deviceId: DeviceId = parseDeviceId(toHex(random(16)))
  const key = () => Uint8Array.of(5, ...random(32))
  const identityKey = key()
  const body = encodeDeviceList({
    account: accountId,
    version: 1,
    rootKey: key(),
    previous: new Uint8Array(0),
    devices: [{ id: deviceId, number: 1, identityKey }],
  })
  const hash = new Uint8Array(new Bun.CryptoHasher('sha256').update(body).digest())
  const phone = `+1555${String(number).padStart(7, '0')}`
  return {
    accountId,
    deviceId,
    account: { id: accountId, phone, created_ms: nowMs, last_seen_ms: 0 },
    list: {
      account: accountId,
      version: 1,
      body,
      signer: new Uint8Array(0),
      signature: random(64),
      hash,
    },
    device: {
      id: deviceId,
      account: accountId,
      identity_key: identityKey,
      added_ms: nowMs,
      ended_ms: null,
      session: toHex(random(16)),
    },
  }
}
