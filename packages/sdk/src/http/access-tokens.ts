/**
 * The tokens of this device: renewed before they expire, one renewal at a time, committed before
 * use (S6). The old refresh token stays in the store until the answer is there, and works at the
 * server until its successor is used, so that a lost answer logs nobody out. A token that the
 * server does not know any more is replaced against a signature of the device's key.
 */
import { sign } from '@parley/crypto'
import { accountIdBytes, deviceIdBytes, toBase64, WireError } from '@parley/wire'
import type { AccountId, DeviceId, TokenNonce, TokenRequest, Tokens } from '@parley/wire'
import { bytes } from './json.ts'
import type { Clock, RandomBytes } from '../platform/ports.ts'
import { ApiFailure, parleyError } from '../problems.ts'
import {
  type Account,
  readAccount,
  readTokens,
  type StoredTokens,
  writeTokens,
} from '../store/account.ts'
import type { Store } from '../store/store.ts'

/** Renewed this long before it expires. */
const earlyMs = 60_000
const nonceBytes = 32
const signaturePrefix = new TextEncoder().encode('Parley token v1\0')

/** Y46: registered after the backup that the server was restored from. */
const unknownDevice =
  'The server does not know this device; it may have been restored from an older state. Register again in another profile; what is here stays readable.'

export interface AccessTokensOptions {
  store: Store
  clock: Clock
  random: RandomBytes
  request: (request: TokenRequest) => Promise<Tokens>
  nonce: () => Promise<TokenNonce>
  /** Brings the account's list to the server; whether there was something to bring. */
  handIn: (account: AccountId) => Promise<boolean>
}

export class AccessTokens {
  readonly #options: AccessTokensOptions
  #renewal: Promise<string> | undefined

  constructor(options: AccessTokensOptions) {
    this.#options = options
  }

  async valid(renew: boolean): Promise<string> {
    const { tokens } = this.#current()
    const isFresh = tokens.accessExpiresAtMs - earlyMs > this.#options.clock.now()
    if (isFresh && !renew) return tokens.accessToken
    return this.#renewed()
  }

  /** A token other than the one that was just refused. */
  async after(refused: string): Promise<string> {
    const { tokens } = this.#current()
    return tokens.accessToken === refused ? this.#renewed() : tokens.accessToken
  }

  #renewed(): Promise<string> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #renew(): Promise<string> {
    const { clock, store } = this.#options
    const { account, tokens } = this.#current()
    const renewed = storedTokens(await this.#granted(account, tokens), clock.now())
    store.transaction(() => {
      // Meanwhile the person may have logged out, or another device have taken this one's place.
      if (readAccount(store)?.device !== account.device) throw parleyError('not-registered')
      writeTokens(store, renewed)
    })
    return renewed.accessToken
  }

  async #granted(account: Account, tokens: StoredTokens): Promise<Tokens> {
    try {
      return await this.#options.request({
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
      })
    } catch (error) {
      if (!isUnknownToken(error)) throw error
      return this.#grantedBySignature(account)
    }
  }

  /** Y44: a list that names this device may be what the server has forgotten. */
  async #grantedBySignature(account: Account): Promise<Tokens> {
    try {
      return await this.#signed(account)
    } catch (error) {
      if (!isUnknownDevice(error)) throw error
      const isKnownAgain = await this.#options.handIn(account.account)
      if (!isKnownAgain) throw new ApiFailure('token-invalid', undefined, unknownDevice)
      return this.#signed(account)
    }
  }

  async #signed({ account, device, identity }: Account): Promise<Tokens> {
    const { nonce } = await this.#options.nonce()
    const signer = { account, device, privateKey: identity.privateKey }
    return this.#options.request(signedRequest(signer, nonce, this.#options.random))
  }

  #current(): { account: Account; tokens: StoredTokens } {
    const { store } = this.#options
    const account = readAccount(store)
    const tokens = readTokens(store)
    if (!account || !tokens) throw parleyError('not-registered')
    if (account.status === 'revoked') throw parleyError('revoked')
    return { account, tokens }
  }
}

/**
 * Asks for tokens of a listed device by its identity key alone. Throws a WireError when the nonce
 * is none.
 */
export function signedRequest(
  signer: { account: AccountId; device: DeviceId; privateKey: Uint8Array },
  nonce: string,
  random: RandomBytes,
): TokenRequest {
  const { account, device, privateKey } = signer
  const nonceValue = bytes(nonce)
  if (nonceValue.length !== nonceBytes) throw new WireError('the nonce has 32 bytes')
  const parts = [signaturePrefix, accountIdBytes(account), deviceIdBytes(device), nonceValue]
  const message = Uint8Array.from(parts.flatMap((part) => [...part]))
  const signature = toBase64(sign(privateKey, message, random))
  return { grant_type: 'device_signature', account, device, nonce, signature }
}

export function storedTokens(tokens: Tokens, nowMs: number): StoredTokens {
  return {
    accessToken: tokens.access_token,
    accessExpiresAtMs: nowMs + tokens.expires_in_s * 1000,
    refreshToken: tokens.refresh_token,
  }
}

function isUnknownDevice(error: unknown): boolean {
  return error instanceof ApiFailure && error.code === 'token-invalid'
}

/**
 * The server was restored from an older state, or this profile was: the refresh token is none of
 * its present ones.
 */
function isUnknownToken(error: unknown): boolean {
  return (
    error instanceof ApiFailure &&
    (error.code === 'token-invalid' ||
      error.code === 'token-expired' ||
      error.code === 'token-reused')
  )
}
