/**
 * The port of the relational store: the tables as types, and what both dialects (SQLite,
 * PostgreSQL) promise. Queries are Kysely's and stand in the modules that own the tables. Rules
 * Q1-Q5: sql.contract.ts.
 *
 *   accounts ─┬─ device_lists        the chain in force, version 1..n
 *             ├─ devices ─┬─ prekeys             signed and last-resort keys
 *             │           ├─ one_time_prekeys    handed out by deleting
 *             │           └─ refresh_tokens      hashed; a family is a login
 *             └─ pending_notices     changes of a list that still go to the inbox
 *   registrations   token_nonces   signing_keys   server_state   schema_version
 */
import type { Kysely } from 'kysely'

export interface Tables {
  accounts: AccountTable
  device_lists: DeviceListTable
  devices: DeviceTable
  prekeys: PreKeyTable
  one_time_prekeys: OneTimePreKeyTable
  refresh_tokens: RefreshTokenTable
  pending_notices: PendingNoticeTable
  registrations: RegistrationTable
  token_nonces: TokenNonceTable
  signing_keys: SigningKeyTable
  server_state: ServerStateTable
  schema_version: SchemaVersionTable
}

/**
 * Q1 what a transaction wrote is durable when it resolves. Q2 a transaction happens as a whole or
 * not at all. Q3 of two inserts of one key, one counts.
 */
export type Sql = Kysely<Tables>

export interface AccountTable {
  id: string
  /** E.164, unique. */
  phone: string
  created_ms: number
  /** 0: never seen. */
  last_seen_ms: number
}

export interface DeviceListTable {
  account: string
  version: number
  body: Uint8Array
  signer: Uint8Array
  signature: Uint8Array
  /** SHA-256 of the body. */
  hash: Uint8Array
}

/** Rows of removed devices stay, so that no id is used twice. */
export interface DeviceTable {
  id: string
  account: string
  identity_key: Uint8Array
  added_ms: number
  /** Removed from the list, or logged out; null while it is in use. */
  ended_ms: number | null
  /** The login whose tokens count; null when there is none. */
  session: string | null
}

export interface PreKeyTable {
  device: string
  registration_id: number
  signed_id: number
  signed_key: Uint8Array
  signed_signature: Uint8Array
  /** Last resort. */
  kyber_id: number
  kyber_key: Uint8Array
  kyber_signature: Uint8Array
  /** The highest ids ever uploaded: a repeated upload brings nothing back that was handed out. */
  one_time_id_max: number
  one_time_kyber_id_max: number
}

export interface OneTimePreKeyTable {
  device: string
  kind: 'ec' | 'kyber'
  id: number
  public_key: Uint8Array
  /** Null for EC keys. */
  signature: Uint8Array | null
}

export interface RefreshTokenTable {
  /** SHA-256 in hex. */
  hash: string
  device: string
  session: string
  generation: number
  /** The token that was given for it; null for the first of a login. */
  parent: string | null
  /** Null until it was used. */
  used_ms: number | null
  expires_ms: number
}

export interface PendingNoticeTable {
  account: string
  version: number
}

export interface RegistrationTable {
  /** SHA-256 of the id that only the requester knows, in hex. */
  id_hash: string
  phone: string
  code_hash: string
  tries_left: number
  code_expires_ms: number
  /** Null until the code was right. */
  proof_hash: string | null
  proof_expires_ms: number | null
  account: string | null
  /** The device that was registered with the proof. */
  device: string | null
}

export interface TokenNonceTable {
  hash: string
  expires_ms: number
}

export interface SigningKeyTable {
  kid: string
  /** Ed25519 seed. */
  seed: Uint8Array
  created_ms: number
}

export interface ServerStateTable {
  name: string
  value: string
}

export interface SchemaVersionTable {
  version: number
}

/** The store did not take a statement. Q4 nothing of its transaction counts. */
export class SqlUnavailable extends Error {
  override readonly name = 'SqlUnavailable'
  readonly reason: 'full' | 'failed'
  constructor(reason: 'full' | 'failed', options: ErrorOptions) {
    super(reason === 'full' ? 'the disk of the SQL store is full' : 'the SQL store failed', options)
    this.reason = reason
  }
}

/** Q5: the store was written by a newer version of Parley; nothing was changed. */
export class SchemaNewer extends Error {
  override readonly name = 'SchemaNewer'
}
