/**
 * What the gateway and the message path ask of accounts; implemented by tokens.ts and devices.ts,
 * wired in roles.ts.
 */
import type { AccountId, DeviceId, SignedDeviceList } from '@parley/wire'

export interface Identity {
  account: AccountId
  device: DeviceId
}

export type TokenCheck =
  | Identity
  | { refused: 'token-expired' | 'token-invalid' | 'device-revoked' }

export interface Authenticator {
  /** Checks an access token and that its device is still on its account. */
  check(token: string): Promise<TokenCheck>
}

export interface CurrentDevices {
  /** SHA-256 of the signed body of the list in force. */
  hash: Uint8Array
  devices: readonly DeviceId[]
}

export interface DeviceDirectory {
  /**
   * The list in force, from a bounded cache that a change empties; undefined when there is no such
   * account.
   */
  current(account: AccountId): Promise<CurrentDevices | undefined>
  /** The newest lists, oldest first, for a refusal. */
  chain(account: AccountId): Promise<SignedDeviceList[]>
}
