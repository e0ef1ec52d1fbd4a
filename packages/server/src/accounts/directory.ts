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
import type { BusListener } from '../backends/bus/bus.ts'
import type { Context } from '../context.ts'
import type { CurrentDevices, DeviceDirectory, Identity } from './ports.ts'
import { prepared } from './prepared.ts'
import { sha256 } from './secrets.ts'

export interface AccountState extends CurrentDevices {
  /** The login whose tokens count, for each device in use. */
  logins: readonly { identity: Identity; session: string | undefined }[]
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
  const cache = new Map<AccountId, AccountState>()
  // Simultaneous questions share one read; one that is no longer here when it ends was overtaken by
  // a change, and is not remembered.
  const reads = new Map<AccountId, Promise<AccountState | undefined>>()
  const forget = (account: AccountId) => {
    cache.delete(account)
    reads.delete(account)
  }
  const listener: BusListener = {
    onNews(message) {
      if (message.kind === 'devices-changed') forget(message.account)
    },
    onBroken() {
      cache.clear()
      reads.clear()
    },
  }
  await deps.bus.subscribe('gateways', listener)

  async function read(account: AccountId): Promise<AccountState | undefined> {
    const reading = loadState(deps, account)
    reads.set(account, reading)
    try {
      const state = await reading
      if (state && reads.get(account) === reading) remember(account, state)
      return state
    } finally {
      if (reads.get(account) === reading) reads.delete(account)
    }
  }

  function remember(account: AccountId, state: AccountState): void {
    cache.delete(account)
    cache.set(account, state)
    for (const oldest of cache.keys()) {
      if (cache.size <= accountsCachedMax) break
      cache.delete(oldest)
    }
  }

  async function state(account: AccountId): Promise<AccountState | undefined> {
    const known = cache.get(account)
    if (!known) return reads.get(account) ?? read(account)
    remember(account, known)
    return known
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
      forget(account)
      deps.bus.publish('gateways', { kind: 'devices-changed', account })
    },
    close: () => deps.bus.unsubscribe('gateways', listener),
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

/** A row for each device in use, or one without a device. */
const newestState = prepared((sql, account: AccountId) =>
  sql
    .selectFrom('device_lists as list')
    .leftJoin('devices as device', (join) =>
      join.onRef('device.account', '=', 'list.account').on('device.ended_ms', 'is', null),
    )
    .select(['list.body', 'list.hash', 'device.id', 'device.session'])
    .where('list.account', '=', account)
    .where('list.version', '=', (lists) =>
      lists
        .selectFrom('device_lists')
        .select(({ fn }) => fn.max('version').as('version'))
        .where('account', '=', account),
    ),
)

/** Thousands of these are kept, so they hold ids and hashes only, and each id once. */
async function loadState(
  { sql }: DirectoryDeps,
  account: AccountId,
): Promise<AccountState | undefined> {
  const rows = await newestState(sql, account)
  const [newest] = rows
  if (!newest) return undefined
  const devices = decodeDeviceList(newest.body).devices.map((device) => device.id)
  const logins: AccountState['logins'][number][] = []
  for (const { id, session } of rows) {
    if (id === null) continue
    const device = devices.find((each) => each === id) ?? (id as DeviceId)
    logins.push({ identity: { account, device }, session: session ?? undefined })
  }
  return { hash: newest.hash, devices, logins }
}

export function signedOf({ body, signer, signature }: SignedDeviceList): SignedDeviceList {
  return { body, signer, signature }
}
