/**
 * Verified device lists: for each account the chain from version 1 to the one in force. Only what
 * verifyDeviceList returned is written here.
 */
import { decodeDeviceList } from '@parley/wire'
import type { AccountId, SignedDeviceList, VerifiedList } from '@parley/wire'
import type { Store } from './store.ts'

interface Row {
  version: number
  body: Uint8Array
  signer: Uint8Array
  signature: Uint8Array
  hash: Uint8Array
}

function verifiedOf(row: Row): VerifiedList {
  const signed = signedOf(row)
  return { list: decodeDeviceList(row.body), signed, hash: row.hash }
}

function signedOf(row: Row): SignedDeviceList {
  return { body: row.body, signer: row.signer, signature: row.signature }
}

/** The list in force. */
export function readDeviceList(store: Store, account: AccountId): VerifiedList | undefined {
  return store.cached(`list:${account}`, () => {
    const row = store.one<Row>(
      'SELECT * FROM device_lists WHERE account = ? ORDER BY version DESC LIMIT 1',
      [account],
    )
    return row && verifiedOf(row)
  })
}

export function readListHash(
  store: Store,
  account: AccountId,
  version: number,
): Uint8Array | undefined {
  return store.one<{ hash: Uint8Array }>(
    'SELECT hash FROM device_lists WHERE account = ? AND version = ?',
    [account, version],
  )?.hash
}

/** Oldest first. */
export function readListsAfter(
  store: Store,
  account: AccountId,
  version: number,
): SignedDeviceList[] {
  return store
    .all<Row>('SELECT * FROM device_lists WHERE account = ? AND version > ? ORDER BY version', [
      account,
      version,
    ])
    .map(signedOf)
}

/** Appends the next version. */
export function writeDeviceList(store: Store, verified: VerifiedList): void {
  const { list, signed, hash } = verified
  store.run('INSERT INTO device_lists VALUES (?, ?, ?, ?, ?, ?)', [
    list.account,
    list.version,
    signed.body,
    signed.signer,
    signed.signature,
    hash,
  ])
  store.touch(`list:${list.account}`)
}

/** Forgets the chain, before one with another root is written. */
export function deleteDeviceLists(store: Store, account: AccountId): void {
  store.run('DELETE FROM device_lists WHERE account = ?', [account])
  store.touch(`list:${account}`)
}
