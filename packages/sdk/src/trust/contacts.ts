/** Finding people by number, link or id, and checking the numbers that they claim. */
import { parseAccountId, WireError } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { refreshDevices } from './devices.ts'
import { ApiFailure, parleyError } from '../problems.ts'
import { ParleyError } from '../types.ts'
import type { Contact } from '../types.ts'
import {
  readContact,
  readContactByPhone,
  readContacts,
  readUncheckedClaims,
  titleOf,
  updateContact,
} from '../store/contacts.ts'
import type { ContactRow } from '../store/contacts.ts'
import { readMeta, writeMeta } from '../store/meta.ts'

const dayMs = 86_400_000
/**
 * Look-ups of claimed numbers; the rest of the server's budget stays for people whom the owner
 * looks for.
 */
const claimLookupsPerDay = 20
const claimsPerRound = 5
/** A claim that was not right is not looked up again before. */
const claimAgainMs = 30 * dayMs

function contactOf(row: ContactRow): Contact {
  return { account: row.account, phone: row.phone || undefined, name: titleOf(row) }
}

export function savedContacts(core: Core): Contact[] {
  return readContacts(core.store)
    .filter((row) => row.saved)
    .map(contactOf)
    .sort((left, right) => left.name.localeCompare(right.name))
}

export function linkTo(server: string, account: AccountId): string {
  return `${server.replace(/\/$/, '')}/c/${account}`
}

/** ALIAS: number with country code, link to a person, or account id. Rejects with ParleyError. */
export async function findContact(core: Core, alias: string): Promise<Contact> {
  const text = alias.trim()
  const account = accountIn(text) ?? (await accountWithNumber(core, text))
  if (account === ownAccount(core).account) {
    throw parleyError('unknown-recipient', undefined, 'That is you. Choose somebody else.')
  }
  await requireAccount(core, account)
  core.store.transaction(() => {
    updateContact(core.store, account, { saved: true })
    const phone = numberIn(text)
    if (phone) updateContact(core.store, account, { phone, phoneClaim: phone })
  })
  const row = readContact(core.store, account)
  if (!row) throw parleyError('internal')
  return contactOf(row)
}

/** Whoever is known here can be written to without a network. */
async function requireAccount(core: Core, account: AccountId): Promise<void> {
  if (readContact(core.store, account)) return
  const learned = await refreshDevices(core, account)
  if (learned !== 'refused') return
  throw parleyError('refused', undefined, 'The devices of this person cannot be verified.')
}

async function accountWithNumber(core: Core, text: string): Promise<AccountId> {
  const phone = numberIn(text)
  if (!phone) {
    const says =
      'That is no number, link or id. Write a number with its country code, like +4915112345678.'
    throw parleyError('unknown-recipient', undefined, says)
  }
  const known = readContactByPhone(core.store, phone)
  if (known?.saved) return known.account
  return parseAccountId((await core.api.lookup(phone)).account)
}

function numberIn(text: string): string | undefined {
  const digits = text.replaceAll(/[\s().\-/]/g, '').replace(/^00/, '+')
  return /^\+[1-9][0-9]{4,14}$/.test(digits) ? digits : undefined
}

function accountIn(text: string): AccountId | undefined {
  const id = /(?:^|\/c\/)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/.exec(text.toLowerCase())
  try {
    return id?.[1] === undefined ? undefined : parseAccountId(id[1])
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/**
 * Looks claimed numbers up, within a daily budget: only then they are shown as somebody's number.
 */
export async function checkClaims(core: Core): Promise<void> {
  const { store, clock } = core
  const now = clock.now()
  for (const row of readUncheckedClaims(store, now - claimAgainMs, claimsPerRound)) {
    if (!takeLookup(core, now)) return
    const isTheirs = await isNumberOf(core, row)
    if (isTheirs === undefined) return
    writeChecked(core, row, isTheirs, now)
  }
}

/** Undefined when the server cannot say it now. */
async function isNumberOf(core: Core, row: ContactRow): Promise<boolean | undefined> {
  try {
    return (await core.api.lookup(row.phoneClaim)).account === row.account
  } catch (error) {
    if (error instanceof ApiFailure && error.code === 'unknown-account') return false
    if (error instanceof ApiFailure || error instanceof ParleyError) return undefined
    throw error
  }
}

function writeChecked(core: Core, row: ContactRow, isTheirs: boolean, nowMs: number): void {
  const phone = isTheirs ? { phone: row.phoneClaim } : {}
  core.store.transaction(() =>
    updateContact(core.store, row.account, { ...phone, claimCheckedAtMs: nowMs }),
  )
}

function takeLookup({ store }: Core, nowMs: number): boolean {
  const day = Math.floor(nowMs / dayMs)
  const isToday = readMeta<number>(store, 'lookups_day') === day
  const used = isToday ? (readMeta<number>(store, 'lookups_used') ?? 0) : 0
  if (used >= claimLookupsPerDay) return false
  store.transaction(() => {
    writeMeta(store, 'lookups_day', day)
    writeMeta(store, 'lookups_used', used + 1)
  })
  return true
}
