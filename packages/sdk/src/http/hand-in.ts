/**
 * Gives a server that was restored from an older state the device lists that it forgot: one's own,
 * or those of anybody whose newer list is known here (Y44, Y47).
 */
import { toBase64 } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import type { Api } from './api.ts'
import { ApiFailure } from '../problems.ts'
import { readListsAfter } from '../store/device-lists.ts'
import type { Store } from '../store/store.ts'

type Handing = { api: Pick<Api, 'handInList'>; store: Store }

/**
 * The known lists after the version, oldest first; whether the server has all of them now. Rejects
 * when it cannot be asked.
 */
export async function handInLists(
  { api, store }: Handing,
  account: AccountId,
  after: number,
): Promise<boolean> {
  const lists = readListsAfter(store, account, after)
  try {
    for (const { body, signer, signature } of lists) {
      const list = {
        body: toBase64(body),
        signer: toBase64(signer),
        signature: toBase64(signature),
      }
      await api.handInList(account, { device_list: list })
    }
  } catch (error) {
    if (error instanceof ApiFailure && refusals.has(error.code)) return false
    throw error
  }
  return lists.length > 0
}

/** For good: it never had the account, has something else by now, or knows of no such thing. */
const refusals: ReadonlySet<string> = new Set<ApiFailure['code']>([
  'unknown-account',
  'not-found',
  'invalid-request',
  'invalid-list',
  'list-conflict',
  'device-revoked',
])
