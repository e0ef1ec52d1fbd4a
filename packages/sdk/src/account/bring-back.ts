/**
 * After the server was restored from an older state (Y44): gives it fresh prekeys and what it
 * forgot of the own device list, and learns what this device has not heard of.
 */
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { refreshDevices } from '../trust/devices.ts'
import { keepPreKeys } from './upkeep.ts'

/**
 * Does nothing unless it is due. It stays due until all of it is done: rejects with ApiFailure or
 * ParleyError when the server cannot be asked or refuses.
 */
export function bringBack(core: Core): Promise<void> {
  return core.turns.take('bring-back', async () => {
    const { store } = core
    const due = readMeta<string>(store, 'bring_back')
    if (due === undefined) return
    await keepPreKeys(core, true)
    await refreshDevices(core, ownAccount(core).account)
    store.transaction(() => {
      // Meanwhile it may have been restored once more.
      if (readMeta<string>(store, 'bring_back') === due) writeMeta(store, 'bring_back', undefined)
    })
  })
}
