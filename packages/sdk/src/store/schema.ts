/**
 * The tables of a profile and how older files are brought up to date. `PRAGMA user_version` counts
 * the migrations that have run; a file of a newer version is refused and left as it is.
 *
 * ```
 * account            the one row: who this is, keys, tokens
 * meta               single values by name
 * device_lists       verified chains, own and peers'
 * sessions           ratchets, one per remote device
 * signed_prekeys, kyber_prekeys, one_time_prekeys
 * used_base_keys     E8: who started a session here
 * contacts           people, their names, trust
 * chats              materialised chat list
 * messages           what is shown, in display order
 * unopened           ciphertexts that wait for a key
 * outbox             what is to be sent, in order
 * marks              receipts owed, one row per peer device
 * cursors            how far each log is committed
 * events             what `listen` prints, until done
 * resend_answers     how often a device was answered
 * sent_controls      ids that are no message
 * ```
 */
import { StoreError } from '../platform/ports.ts'
import type { SqlDriver } from '../platform/ports.ts'

const tables1 = `
CREATE TABLE account (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  server TEXT NOT NULL, account TEXT NOT NULL, device TEXT NOT NULL, device_number INTEGER NOT NULL,
  phone TEXT NOT NULL, name TEXT NOT NULL, profile_version INTEGER NOT NULL,
  identity_public BLOB NOT NULL, identity_private BLOB NOT NULL, registration_id INTEGER NOT NULL,
  status TEXT NOT NULL, relink_needed INTEGER NOT NULL,
  access_token TEXT NOT NULL, access_expires_at INTEGER NOT NULL, refresh_token TEXT NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE device_lists (
  account TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, signer BLOB NOT NULL,
  signature BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (account, version)) WITHOUT ROWID;
CREATE TABLE sessions (
  account TEXT NOT NULL, device TEXT NOT NULL, record BLOB NOT NULL, version INTEGER NOT NULL,
  renewed_at INTEGER NOT NULL, PRIMARY KEY (account, device)) WITHOUT ROWID;
CREATE TABLE signed_prekeys (
  id INTEGER PRIMARY KEY, public_key BLOB NOT NULL, private_key BLOB NOT NULL,
  signature BLOB NOT NULL, created_at INTEGER NOT NULL, replaced_at INTEGER);
CREATE TABLE kyber_prekeys (
  id INTEGER PRIMARY KEY, public_key BLOB NOT NULL, private_key BLOB NOT NULL,
  signature BLOB NOT NULL, one_time INTEGER NOT NULL, created_at INTEGER NOT NULL,
  replaced_at INTEGER);
CREATE TABLE one_time_prekeys (
  id INTEGER PRIMARY KEY, public_key BLOB NOT NULL, private_key BLOB NOT NULL,
  created_at INTEGER NOT NULL);
CREATE TABLE used_base_keys (
  signed_id INTEGER NOT NULL, kyber_id INTEGER NOT NULL, base_key BLOB NOT NULL,
  PRIMARY KEY (signed_id, kyber_id, base_key)) WITHOUT ROWID;
CREATE TABLE contacts (
  account TEXT PRIMARY KEY, own_name TEXT NOT NULL, profile_name TEXT NOT NULL,
  phone TEXT NOT NULL, phone_claim TEXT NOT NULL, claim_checked_at INTEGER NOT NULL,
  saved INTEGER NOT NULL, root_key BLOB, key_changed INTEGER NOT NULL, verified INTEGER NOT NULL,
  held INTEGER NOT NULL, list_problem TEXT NOT NULL, profile_seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX contacts_phone ON contacts (phone);
CREATE TABLE chats (
  conversation TEXT PRIMARY KEY, newest INTEGER, stamp INTEGER NOT NULL, sort INTEGER NOT NULL,
  unread INTEGER NOT NULL, draft TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE messages (
  number INTEGER PRIMARY KEY, conversation TEXT NOT NULL, sender TEXT NOT NULL, id TEXT NOT NULL,
  mine INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
  stamp INTEGER NOT NULL, sort INTEGER NOT NULL, unread INTEGER NOT NULL,
  sender_device TEXT NOT NULL, sequence INTEGER NOT NULL,
  status TEXT, failure_code TEXT, failure_says TEXT, root_key BLOB,
  profile_version INTEGER NOT NULL,
  UNIQUE (conversation, sender, id));
CREATE INDEX messages_shown ON messages (conversation, sort, id);
CREATE INDEX messages_by_id ON messages (id);
CREATE INDEX messages_unread ON messages (conversation, sort) WHERE unread = 1;
CREATE INDEX messages_unread_device ON messages (conversation, sender_device, sequence)
  WHERE unread = 1;
CREATE INDEX messages_underway ON messages (status, conversation, sequence) WHERE mine = 1;
CREATE TABLE unopened (
  sender TEXT NOT NULL, id TEXT NOT NULL, sender_device TEXT NOT NULL, sequence INTEGER NOT NULL,
  stamp INTEGER NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL, ciphertext BLOB,
  shown INTEGER NOT NULL, asks INTEGER NOT NULL, ask_at INTEGER NOT NULL,
  PRIMARY KEY (sender, id)) WITHOUT ROWID;
CREATE INDEX unopened_device ON unopened (sender, sender_device, sequence);
CREATE INDEX unopened_due ON unopened (ask_at);
CREATE TABLE outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT NOT NULL, id TEXT NOT NULL,
  kind TEXT NOT NULL, body TEXT NOT NULL, stamp INTEGER NOT NULL, sequence INTEGER NOT NULL,
  frame BLOB);
CREATE INDEX outbox_peer ON outbox (peer, sequence, number);
CREATE INDEX outbox_id ON outbox (id);
CREATE TABLE marks (
  peer TEXT NOT NULL, device TEXT NOT NULL, taken INTEGER NOT NULL,
  delivered INTEGER NOT NULL, read INTEGER NOT NULL,
  confirmed_delivered INTEGER NOT NULL, confirmed_read INTEGER NOT NULL,
  PRIMARY KEY (peer, device)) WITHOUT ROWID;
CREATE INDEX marks_owed ON marks (peer, device)
  WHERE delivered > confirmed_delivered OR read > confirmed_read;
CREATE TABLE cursors (log TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, conversation TEXT NOT NULL,
  message INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE resend_answers (
  device TEXT NOT NULL, id TEXT NOT NULL, answered_at INTEGER NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY (device, id)) WITHOUT ROWID;
CREATE INDEX resend_answers_at ON resend_answers (answered_at);
CREATE TABLE sent_controls (id TEXT PRIMARY KEY, sent_at INTEGER NOT NULL) WITHOUT ROWID;
`

/**
 * In order; each runs once. What is here never changes after a release: a change is a new one at
 * the end.
 */
const migrations: readonly string[] = [tables1]

/** Throws StoreError `newer` when the file was written by a later version. */
export function migrate(driver: SqlDriver): void {
  const [row] = driver.all<{ user_version: number }>('PRAGMA user_version')
  const done = row?.user_version ?? 0
  if (done > migrations.length) {
    throw new StoreError('newer', 'the database was written by a newer version')
  }
  for (let index = done; index < migrations.length; index++) {
    driver.transaction(() => {
      for (const statement of statementsOf(migrations[index] ?? '')) driver.run(statement)
      driver.run(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

function statementsOf(script: string): string[] {
  return script
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
