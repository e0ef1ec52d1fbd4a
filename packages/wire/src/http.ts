/**
 * Bodies of the HTTP API, as JSON. Bytes are base64url without padding. The server's schemas are
 * checked against these types, the SDK reads and writes them; /openapi.json describes them to
 * everybody else.
 */
import type { ApiErrorCode } from './errors.ts'

/** Base64url without padding. */
export type Base64 = string

/** Body of every answer with a status of 400 or more. */
export interface ApiErrorBody {
  error: { code: ApiErrorCode; message: string; retry_after_s?: number }
}

/** POST /v1/registrations: sends a code to the number. 201. */
export interface StartRegistration {
  phone: string
}
export interface RegistrationStarted {
  registration: string
  phone: string
  code_digits: number
  expires_in_s: number
  resend_in_s: number
}

/** POST /v1/registrations/{registration}/code. 200. */
export interface ProveNumber {
  code: string
}
export interface NumberProven {
  /** Shown once more with the device; good for ten minutes. */
  proof: string
  account: string
  /** The account's present chain, oldest first; empty when the number is new. */
  device_lists: SignedListJson[]
}

export interface SignedListJson {
  body: Base64
  signer: Base64
  signature: Base64
}

export interface PublicPreKey {
  id: number
  public_key: Base64
}
export interface SignedPublicPreKey extends PublicPreKey {
  signature: Base64
}
export interface PreKeyUpload {
  registration_id: number
  signed_prekey: SignedPublicPreKey
  /** Last resort: handed out when no one-time Kyber key is left. */
  kyber_prekey: SignedPublicPreKey
  one_time_prekeys: PublicPreKey[]
  one_time_kyber_prekeys: SignedPublicPreKey[]
}

/**
 * POST /v1/registrations/{registration}/device. 201. The list is version 1 of a new root, or
 * continues the chain.
 */
export interface RegisterDevice {
  proof: string
  device_list: SignedListJson
  device: string
  prekeys: PreKeyUpload
}
export interface Tokens {
  access_token: string
  token_type: 'Bearer'
  expires_in_s: number
  refresh_token: string
}
export interface DeviceRegistered {
  account: string
  device: string
  tokens: Tokens
}

/**
 * POST /v1/tokens. 200. `device_signature`: XEdDSA by the device's identity key over "Parley token
 * v1" || 0x00 || account (16) || device (16) || nonce from POST /v1/tokens/nonce (32).
 */
export type TokenRequest =
  | { grant_type: 'refresh_token'; refresh_token: string }
  | {
      grant_type: 'device_signature'
      account: string
      device: string
      nonce: Base64
      signature: Base64
    }
export interface TokenNonce {
  nonce: Base64
}

/** GET /v1/account: whose token this is. DELETE /v1/session logs this device out (204). */
export interface OwnAccount {
  account: string
  device: string
  phone: string
}

/**
 * POST /v1/devices. 200. The next version of one's own list; a new device on it brings its prekeys
 * and gets tokens.
 */
export interface ChangeDevices {
  device_list: SignedListJson
  new_device?: { device: string; prekeys: PreKeyUpload }
}
export interface DevicesChanged {
  version: number
  tokens?: Tokens
}

/** PUT /v1/prekeys. 204. GET /v1/prekeys. */
export interface PreKeyCounts {
  one_time_prekeys: number
  one_time_kyber_prekeys: number
}

/**
 * POST /v1/lookup. 200, or 404 unknown-account. Costs budget when the number is new to the asker
 * (S11).
 */
export interface Lookup {
  phone: string
}
export interface LookupResult {
  account: string
}

/** GET /v1/accounts/{account}/devices?after=VERSION. 200. */
export interface DeviceLists {
  device_lists: SignedListJson[]
}

/**
 * POST /v1/accounts/{account}/device-lists. 200; without a token. A list that the server has
 * forgotten, from anybody who has it: its signature is what counts (E10).
 */
export interface HandInList {
  device_list: SignedListJson
}
export interface HandedIn {
  /** In force afterwards. */
  version: number
}

/**
 * POST /v1/accounts/{account}/bundles. 200. Takes one-time keys: only for devices without a
 * session.
 */
export interface BundleRequest {
  devices: string[]
}
export interface BundleJson {
  device: string
  registration_id: number
  signed_prekey: SignedPublicPreKey
  kyber_prekey: SignedPublicPreKey
  one_time_prekey?: PublicPreKey
}
export interface Bundles {
  bundles: BundleJson[]
}

/** GET /v1/server: what a client may know before it registers. */
export interface ServerInfo {
  name: string
  version: string
  time_ms: number
  default_country?: string
}

const alphabet = /^[A-Za-z0-9_-]*$/

export function toBase64(bytes: Uint8Array): Base64 {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Undefined when the text is not base64url. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!alphabet.test(text) || text.length % 4 === 1) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
