/** Tables of accounts, devices, prekeys, tokens and registrations. */
import type { Kysely } from 'kysely'
import type { ColumnTypes } from '../migrate.ts'

export async function up(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createAccounts(db, types)
  await createPreKeys(db, types)
  await createTokens(db, types)
  await createRegistrations(db, types)
}

async function createAccounts({ schema }: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('phone', 'text', (column) => column.notNull().unique())
    .addColumn('created_ms', types.integer, (column) => column.notNull())
    .addColumn('last_seen_ms', types.integer, (column) => column.notNull())
    .execute()
  await schema
    .createTable('device_lists')
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('version', types.integer, (column) => column.notNull())
    .addColumn('body', types.bytes, (column) => column.notNull())
    .addColumn('signer', types.bytes, (column) => column.notNull())
    .addColumn('signature', types.bytes, (column) => column.notNull())
    .addColumn('hash', types.bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('device_lists_key', ['account', 'version'])
    .execute()
  await schema
    .createTable('devices')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('identity_key', types.bytes, (column) => column.notNull())
    .addColumn('added_ms', types.integer, (column) => column.notNull())
    .addColumn('ended_ms', types.integer)
    .addColumn('session', 'text')
    .execute()
  await schema.createIndex('devices_by_account').on('devices').column('account').execute()
  await schema
    .createTable('pending_notices')
    .addColumn('account', 'text', (column) => column.primaryKey())
    .addColumn('version', types.integer, (column) => column.notNull())
    .execute()
}

async function createPreKeys({ schema }: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await schema
    .createTable('prekeys')
    .addColumn('device', 'text', (column) => column.primaryKey())
    .addColumn('registration_id', types.integer, (column) => column.notNull())
    .addColumn('signed_id', types.integer, (column) => column.notNull())
    .addColumn('signed_key', types.bytes, (column) => column.notNull())
    .addColumn('signed_signature', types.bytes, (column) => column.notNull())
    .addColumn('kyber_id', types.integer, (column) => column.notNull())
    .addColumn('kyber_key', types.bytes, (column) => column.notNull())
    .addColumn('kyber_signature', types.bytes, (column) => column.notNull())
    .addColumn('one_time_id_max', types.integer, (column) => column.notNull())
    .addColumn('one_time_kyber_id_max', types.integer, (column) => column.notNull())
    .execute()
  await schema
    .createTable('one_time_prekeys')
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', types.integer, (column) => column.notNull())
    .addColumn('public_key', types.bytes, (column) => column.notNull())
    .addColumn('signature', types.bytes)
    .addPrimaryKeyConstraint('one_time_prekeys_key', ['device', 'kind', 'id'])
    .execute()
}

async function createTokens({ schema }: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await schema
    .createTable('refresh_tokens')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('session', 'text', (column) => column.notNull())
    .addColumn('generation', types.integer, (column) => column.notNull())
    .addColumn('parent', 'text')
    .addColumn('used_ms', types.integer)
    .addColumn('expires_ms', types.integer, (column) => column.notNull())
    .execute()
  await schema
    .createIndex('refresh_tokens_by_device')
    .on('refresh_tokens')
    .columns(['device', 'generation'])
    .execute()
  await schema
    .createTable('token_nonces')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('expires_ms', types.integer, (column) => column.notNull())
    .execute()
  await schema
    .createIndex('token_nonces_by_expiry')
    .on('token_nonces')
    .column('expires_ms')
    .execute()
  await schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', (column) => column.primaryKey())
    .addColumn('seed', types.bytes, (column) => column.notNull())
    .addColumn('created_ms', types.integer, (column) => column.notNull())
    .execute()
}

async function createRegistrations({ schema }: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await schema
    .createTable('registrations')
    .addColumn('id_hash', 'text', (column) => column.primaryKey())
    .addColumn('phone', 'text', (column) => column.notNull())
    .addColumn('code_hash', 'text', (column) => column.notNull())
    .addColumn('tries_left', types.integer, (column) => column.notNull())
    .addColumn('code_expires_ms', types.integer, (column) => column.notNull())
    .addColumn('proof_hash', 'text')
    .addColumn('proof_expires_ms', types.integer)
    .addColumn('account', 'text')
    .addColumn('device', 'text')
    .execute()
  await schema
    .createIndex('registrations_by_expiry')
    .on('registrations')
    .column('code_expires_ms')
    .execute()
  await schema
    .createTable('server_state')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
}
