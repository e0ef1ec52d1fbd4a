/** Who is on an account just now: the device list in force and the logins that count, from a bounded cache that the bus empties. Tokens, sends and list changes are checked against it. */
import {
  type AccountId,
  type DeviceId,
  decodeDeviceList,
  type SignedDeviceList,
  type VerifiedList,
} from '@parley/wire'
import type { Context } from '../context.ts'
import type { CurrentDevices, DeviceDirectory } from './ports.ts'

export interface AccountState {
  /** The list in force. It was verified before it was stored. */
  list: VerifiedList
  current: CurrentDevices
  /** The login whose tokens count, for each device in use. */
  sessions: ReadonlyMap<DeviceId, string | undefined>
}

export interface Directory extends DeviceDirectory {
  state(account: AccountId): Promise<AccountState | undefined>
  /** Forgets what this process has cached, and tells the others to. */
  changed(account: AccountId): void
  close(): void
}

type DirectoryDeps = Pick<Context, 'sql' | 'bus'>

const accountsCachedMax = 10_000
/** Lists that a refusal carries; whoever is further behind fetches the rest. */
const refusalListsMax = 8

export async function openDirectory(deps: DirectoryDeps): Promise<Directory> {
  // Promises, so that simultaneous questions share one read, and a change that comes while a read is under way removes its answer.
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
    current: async (account) => (await state(account))?.current,
    changed(account) {
      cache.delete(account)
      deps.bus.publish('gateways', { kind: 'devices-changed', account })
    },
    close: unsubscribe,
  }
}

async function loadState(
  { sql }: DirectoryDeps,
  account: AccountId,
): Promise<AccountState | undefined> {
  const rows = await sql
    .selectFrom('device_lists')
    .selectAll()
    .where('account', '=', account)
    .orderBy('version', 'desc')
    .limit(refusalListsMax)
    .execute()
  const newest = rows[0]
  if (!newest) return undefined
  const devices = await sql
    .selectFrom('devices')
    .select(['id', 'session'])
    .where('account', '=', account)
    .where('ended_ms', 'is', null)
    .execute()
  const list = decodeDeviceList(newest.body)
  return {
    list: { list, signed: signedOf(newest), hash: newest.hash },
    current: {
      hash: newest.hash,
      devices: list.devices.map((device) => device.id),
      chain: rows.reverse().map(signedOf),
    },
    sessions: new Map(devices.map(({ id, session }) => [id as DeviceId, session ?? undefined])),
  }
}

export function signedOf({ body, signer, signature }: SignedDeviceList): SignedDeviceList {
  return { body, signer, signature }
}
