/** People: what they are called, which root key they are known by, and how far they are trusted. */
import type { AccountId } from '@parley/wire'
import type { Store } from './store.ts'

export interface ContactRow {
  account: AccountId
  /** The name that this account's owner gave them. */
  ownName: string
  /** The name that they give themselves. */
  profileName: string
  /** Found by it, or claimed by them and confirmed by a lookup; '' when not known. */
  phone: string
  phoneClaim: string
  claimCheckedAtMs: number
  /** Looked up or named by this account's owner, not only written by them. */
  saved: boolean
  rootKey: Uint8Array | undefined
  keyChanged: boolean
  verified: boolean
  /** E1: a verified person's key changed; nothing is sent until it is accepted. */
  held: boolean
  /** Why the newest device list that was shown is refused; '' when it is not. */
  listProblem: string
  /** The version of the own profile that they are known to have. */
  profileSeen: number
}

interface Row {
  account: string
  own_name: string
  profile_name: string
  phone: string
  phone_claim: string
  claim_checked_at: number
  saved: number
  root_key: Uint8Array | null
  key_changed: number
  verified: number
  held: number
  list_problem: string
  profile_seen: number
}

function contactOf(row: Row): ContactRow {
  return {
    account: row.account as AccountId,
    ownName: row.own_name,
    profileName: row.profile_name,
    phone: row.phone,
    phoneClaim: row.phone_claim,
    claimCheckedAtMs: row.claim_checked_at,
    saved: row.saved === 1,
    rootKey: row.root_key ?? undefined,
    keyChanged: row.key_changed === 1,
    verified: row.verified === 1,
    held: row.held === 1,
    listProblem: row.list_problem,
    profileSeen: row.profile_seen,
  }
}

export function readContact(store: Store, account: AccountId): ContactRow | undefined {
  const row = store.one<Row>('SELECT * FROM contacts WHERE account = ?', [account])
  return row && contactOf(row)
}

export function readContacts(store: Store): ContactRow[] {
  return store.all<Row>('SELECT * FROM contacts').map(contactOf)
}

/** People whose claimed number was not looked up since the time. */
export function readUncheckedClaims(store: Store, before: number, limit: number): ContactRow[] {
  return store
    .all<Row>(
      `SELECT * FROM contacts WHERE phone_claim <> '' AND phone_claim <> phone
       AND claim_checked_at < ? LIMIT ?`,
      [before, limit],
    )
    .map(contactOf)
}

/** Makes sure that there is a row. */
export function writeContact(store: Store, account: AccountId): void {
  store.run(
    `INSERT INTO contacts VALUES (?, '', '', '', '', 0, 0, NULL, 0, 0, 0, '', 0)
     ON CONFLICT DO NOTHING`,
    [account],
  )
}

const columns = {
  ownName: 'own_name',
  profileName: 'profile_name',
  phone: 'phone',
  phoneClaim: 'phone_claim',
  claimCheckedAtMs: 'claim_checked_at',
  saved: 'saved',
  rootKey: 'root_key',
  keyChanged: 'key_changed',
  verified: 'verified',
  held: 'held',
  listProblem: 'list_problem',
  profileSeen: 'profile_seen',
} as const satisfies Record<Exclude<keyof ContactRow, 'account'>, string>

type ContactChange = Partial<Omit<ContactRow, 'account'>>

/** Changes the fields that are given; the row is made when there is none. */
export function updateContact(store: Store, account: AccountId, change: ContactChange): void {
  writeContact(store, account)
  for (const [field, value] of Object.entries(change)) {
    const column = columns[field as keyof typeof columns]
    const stored = typeof value === 'boolean' ? (value ? 1 : 0) : (value ?? null)
    store.run(`UPDATE contacts SET ${column} = ? WHERE account = ?`, [stored, account])
  }
  store.touch('chats', `chat:${account}`)
}

export function readContactByPhone(store: Store, phone: string): ContactRow | undefined {
  const row = store.one<Row>("SELECT * FROM contacts WHERE phone = ? AND phone <> ''", [phone])
  return row && contactOf(row)
}

export type ContactNames = Pick<ContactRow, 'account' | 'ownName' | 'profileName' | 'phone'>

/** What to call them: own name for them, else theirs, else the number, else the start of the id. */
export function titleOf({ account, ownName, profileName, phone }: ContactNames): string {
  return ownName || profileName || phone || account.slice(0, 8)
}

/** What names them to other programs: number, else account id. */
export function aliasOf({ account, phone }: ContactNames): string {
  return phone || account
}
