/**
 * A device in the making: what is kept between a step of a registration or relinking and the
 * server's answer to it, so that a lost answer or a crash is repeated, not done twice.
 */
import type { KeyPair } from '@parley/crypto'
import {
  type AccountId,
  type Base64,
  type ChangeDevices,
  type DeviceId,
  fromBase64,
  type NumberProven,
  type RegisterDevice,
  type SignedListJson,
} from '@parley/wire'
import { StoreError } from '../platform/ports.ts'
import { type Account, readPendingDevice, writePendingDevice } from '../store/account.ts'
import type { Store } from '../store/store.ts'

/** The parts of the account row that the new device brings. */
export interface PendingKeys {
  account: AccountId
  device: DeviceId
  number: number
  identityPublic: Base64
  identityPrivate: Base64
  registrationId: number
}

export type Pending =
  | { kind: 'asked'; registration: string; phone: string }
  /** The code is used up; what it proved is good for a while. */
  | { kind: 'proven'; registration: string; phone: string; proven: NumberProven }
  | {
      kind: 'registering'
      registration: string
      phone: string
      keys: PendingKeys
      request: RegisterDevice
      /** From version 1 to the list in the request. */
      chain: SignedListJson[]
      /** Shown when the server has answered; empty when the person had one. */
      recoveryKey: string
    }
  | { kind: 'relinking'; keys: PendingKeys; request: ChangeDevices }

export function readPending(store: Store): Pending | undefined {
  const json = readPendingDevice(store)
  return json === undefined ? undefined : (JSON.parse(json) as Pending)
}

export function writePending(store: Store, pending: Pending | undefined): void {
  writePendingDevice(store, pending && JSON.stringify(pending))
}

/** The account row of a device in the making. */
export function accountOf(
  keys: PendingKeys,
  row: Pick<Account, 'server' | 'phone' | 'name' | 'profileVersion'>,
): Account {
  return {
    ...row,
    account: keys.account,
    device: keys.device,
    deviceNumber: keys.number,
    identity: identityOf(keys),
    registrationId: keys.registrationId,
    status: 'registered',
    relinkNeeded: false,
  }
}

export function identityOf(keys: PendingKeys): KeyPair {
  const publicKey = fromBase64(keys.identityPublic)
  const privateKey = fromBase64(keys.identityPrivate)
  if (!publicKey || !privateKey) throw new StoreError('corrupt', 'a key in the making')
  return { publicKey, privateKey }
}
