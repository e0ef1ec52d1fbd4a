/**
 * After the server was restored from an older state (Y44): gives it fresh prekeys and the versions
 * of the own device list that it forgot, and learns those that this device has not heard of.
 */
import { toBase64 } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { readListsAfter } from '../store/device-lists.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { refreshDevices } from '../trust/devices.ts'
import { keepPreKeys } from './upkeep.ts'

/** Each holds many lists; a server that never ends is not listened to for ever. */
const pagesMax = 64

/**
 * Does nothing unless it is due. It stays due until all of it is done: rejects with ApiFailure or
 * ParleyError when the server cannot be asked or refuses.
 */
export function bringBack(core: Core): Promise<void> {
  return core.turns.take('bring-back', async () => {
    const { store } = core
    const due = readMeta<string>(store, 'bring_back')
    if (due === undefined) return
    const { account } = ownAccount(core)
    await keepPreKeys(core, true)
    await refreshDevices(core, account)
    await handInLists(core, account)
    store.transaction(() => {
      // Meanwhile it may have been restored once more.
      if (readMeta<string>(store, 'bring_back') === due) writeMeta(store, 'bring_back', undefined)
    })
  })
}

async function handInLists({ api, store }: Core, account: AccountId): Promise<void> {
  let known = 0
  for (let page = 0; page < pagesMax; page++) {
    const lists = await api.deviceLists(account, known)
    if (lists.length === 0) break
    known += lists.length
  }
  for (const { body, signer, signature } of readListsAfter(store, account, known)) {
    await api.changeDevices({
      device_list: {
        body: toBase64(body),
        signer: toBase64(signer),
        signature: toBase64(signature),
      },
    })
  }
}
