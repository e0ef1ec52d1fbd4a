/**
 * The one row of the account: who this device is, its identity key and its tokens; and what is in
 * the making before the server has answered.
 */
import type { KeyPair } from '@parley/crypto'
import type { AccountId, DeviceId } from '@parley/wire'
import { readMeta, writeMeta } from './meta.ts'
import type { Store } from './store.ts'

export interface Account {
  server: string
  account: AccountId
  device: DeviceId
  /** Signal address number, 1..127. */
  deviceNumber: number
  phone: string
  name: string
  /** Counts changes of name and number, so that people are told once. */
  profileVersion: number
  identity: KeyPair
  registrationId: number
  status: 'registered' | 'revoked'
  /**
   * The state is older than what the server has seen: nothing may be encrypted before relinking.
   */
  relinkNeeded: boolean
}

export interface StoredTokens {
  accessToken: string
  /** Unix ms by this device's clock. */
  accessExpiresAtMs: number
  refreshToken: string
}

interface Row {
  server: string
  account: string
  device: string
  device_number: number
  phone: string
  name: string
  profile_version: number
  identity_public: Uint8Array
  identity_private: Uint8Array
  registration_id: number
  status: string
  relink_needed: number
  access_token: string
  access_expires_at: number
  refresh_token: string
}

function readRow(store: Store): Row | undefined {
  return store.one<Row>('SELECT * FROM account WHERE one = 1')
}

export function readAccount(store: Store): Account | undefined {
  return store.cached('account', () => {
    const row = readRow(store)
    return row && accountOf(row)
  })
}

function accountOf(row: Row): Account {
  return {
    server: row.server,
    account: row.account as AccountId,
    device: row.device as DeviceId,
    deviceNumber: row.device_number,
    phone: row.phone,
    name: row.name,
    profileVersion: row.profile_version,
    identity: { publicKey: row.identity_public, privateKey: row.identity_private },
    registrationId: row.registration_id,
    status: row.status as Account['status'],
    relinkNeeded: row.relink_needed === 1,
  }
}

/** Puts the account in, or another device in its place. */
export function writeAccount(store: Store, account: Account, tokens: StoredTokens): void {
  store.run(
    'INSERT OR REPLACE INTO account VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    [
      account.server,
      account.account,
      account.device,
      account.deviceNumber,
      account.phone,
      account.name,
      account.profileVersion,
      account.identity.publicKey,
      account.identity.privateKey,
      account.registrationId,
      account.status,
      account.relinkNeeded ? 1 : 0,
      tokens.accessToken,
      tokens.accessExpiresAtMs,
      tokens.refreshToken,
    ],
  )
  store.touch('account')
}

export function readTokens(store: Store): StoredTokens | undefined {
  const row = readRow(store)
  if (!row) return undefined
  return {
    accessToken: row.access_token,
    accessExpiresAtMs: row.access_expires_at,
    refreshToken: row.refresh_token,
  }
}

export function writeTokens(store: Store, tokens: StoredTokens): void {
  store.run('UPDATE account SET access_token = ?, access_expires_at = ?, refresh_token = ?', [
    tokens.accessToken,
    tokens.accessExpiresAtMs,
    tokens.refreshToken,
  ])
}

export function writeRevoked(store: Store): void {
  store.run("UPDATE account SET status = 'revoked'")
  store.touch('account')
}

export function writeRelinkNeeded(store: Store, needed: boolean): void {
  store.run('UPDATE account SET relink_needed = ?', [needed ? 1 : 0])
  store.touch('account')
}

/**
 * Keys that were made for a registration or relinking that the server has not answered yet;
 * registration.ts knows what it holds.
 */
export function readPendingDevice(store: Store): string | undefined {
  return readMeta<string>(store, 'pending_device')
}

export function writePendingDevice(store: Store, pending: string | undefined): void {
  writeMeta(store, 'pending_device', pending)
}
