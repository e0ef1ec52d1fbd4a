/**
 * After the server was restored from an older state: gives it the versions of the own device list
 * that it forgot.
 */
import { toBase64 } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import type { Api } from '../http/api.ts'
import { readListsAfter } from '../store/device-lists.ts'
import type { Store } from '../store/store.ts'

/** Rejects with ApiFailure when a version does not continue what the server has. */
export async function handInLists(api: Api, store: Store, account: AccountId): Promise<void> {
  const atServer = await api.deviceLists(account, 0)
  for (const { body, signer, signature } of readListsAfter(store, account, atServer.length)) {
    await api.changeDevices({
      device_list: {
        body: toBase64(body),
        signer: toBase64(signer),
        signature: toBase64(signature),
      },
    })
  }
}
