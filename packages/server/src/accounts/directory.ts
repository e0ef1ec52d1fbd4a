/**
 * Who is on an account just now: the device list in force and the logins that count, from a bounded
 * cache that the bus empties. Tokens, sends and list changes are checked against it.
 */
import {
  type AccountId,
  type DeviceId,
  decodeDeviceList,
  type SignedDeviceList,
  type VerifiedList,
} from '@parley/wire'
import type { Context } from '../context.ts'
import type { CurrentDevices, DeviceDirectory } from './ports.ts'
import { sha256 } from './secrets.ts'

export interface AccountState extends CurrentDevices {
  /** The login whose tokens count, for each device in use. */
  sessions: readonly { device: DeviceId; session: string | undefined }[]
}

export interface Directory extends DeviceDirectory {
  state(account: AccountId): Promise<AccountState | undefined>
  /** The list in force, read afresh. It was verified before it was stored. */
  list(account: AccountId): Promise<VerifiedList | undefined>
  /** Forgets what this process has cached, and tells the others to. */
  changed(account: AccountId): void
  close(): void
}

type DirectoryDeps = Pick<Context, 'sql' | 'bus'>

const accountsCachedMax = 10_000
/** Lists that a refusal carries; whoever is further behind fetches the rest. */
const refusalListsMax = 8

export async function openDirectory(deps: DirectoryDeps): Promise<Directory> {
  // Promises, so that simultaneous questions share one read, and a change that comes while a read
  // is under way removes its answer.
  const cache = new Map<AccountId, Promise<AccountState | undefined>>()
  const unsubscribe = await deps.bus.subscribe(
    'gateways',
    (message) => {
      if (message.kind === 'devices-changed') cache.delete(message.account)
    },
    () => cache.clear(),
  )

  function load(account: AccountId): Promise<AccountState | undefined> {
    const loading = loadState(deps, account)
    const dropUnlessFound = (state?: AccountState) => {
      if (!state && cache.get(account) === loading) cache.delete(account)
    }
    loading.then(dropUnlessFound, () => dropUnlessFound())
    return loading
  }

  function state(account: AccountId): Promise<AccountState | undefined> {
    const found = cache.get(account) ?? load(account)
    cache.delete(account)
    cache.set(account, found)
    for (const oldest of cache.keys()) {
      if (cache.size <= accountsCachedMax) break
      cache.delete(oldest)
    }
    return found
  }

  return {
    state,
    current: state,
    chain: (account) => newestLists(deps, account, refusalListsMax),
    async list(account) {
      const [signed] = await newestLists(deps, account, 1)
      return signed && { list: decodeDeviceList(signed.body), signed, hash: sha256(signed.body) }
    },
    changed(account) {
      cache.delete(account)
      deps.bus.publish('gateways', { kind: 'devices-changed', account })
    },
    close: unsubscribe,
  }
}

/** Oldest first. */
async function newestLists(
  { sql }: DirectoryDeps,
  account: AccountId,
  limit: number,
): Promise<SignedDeviceList[]> {
  const rows = await sql
    .selectFrom('device_lists')
    .select(['body', 'signer', 'signature'])
    .where('account', '=', account)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
  return rows.reverse().map(signedOf)
}

/** Thousands of these are kept, so they hold ids and hashes only. */
async function loadState(
  deps: DirectoryDeps,
  account: AccountId,
): Promise<AccountState | undefined> {
  const [newest] = await newestLists(deps, account, 1)
  if (!newest) return undefined
  const rows = await deps.sql
    .selectFrom('devices')
    .select(['id', 'session'])
    .where('account', '=', account)
    .where('ended_ms', 'is', null)
    .execute()
  return {
    hash: sha256(newest.body),
    devices: decodeDeviceList(newest.body).devices.map((device) => device.id),
    sessions: rows.map(({ id, session }) => ({
      device: id as DeviceId,
      session: session ?? undefined,
    })),
  }
}

export function signedOf({ body, signer, signature }: SignedDeviceList): SignedDeviceList {
  return { body, signer, signature }
}
