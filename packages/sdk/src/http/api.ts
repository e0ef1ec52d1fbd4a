/**
 * The HTTP API as typed calls: one method per route of wire/http.ts. Answers are checked here;
 * tokens come from access-tokens.ts.
 */
import type {
  AccountId,
  BundleJson,
  ChangeDevices,
  DeviceId,
  DeviceRegistered,
  DevicesChanged,
  HandedIn,
  HandInList,
  LookupResult,
  NumberProven,
  OwnAccount,
  PreKeyCounts,
  PreKeyUpload,
  RegisterDevice,
  RegistrationStarted,
  ServerInfo,
  SignedDeviceList,
  TokenNonce,
  TokenRequest,
  Tokens,
} from '@parley/wire'
import { AccessTokens } from './access-tokens.ts'
import * as answers from './api-answers.ts'
import { handInLists } from './hand-in.ts'
import { type Exchange, exchange, type HttpOptions } from './http-exchange.ts'
import type { Clock, RandomBytes, Transport } from '../platform/ports.ts'
import { ApiFailure } from '../problems.ts'
import type { Store } from '../store/store.ts'

export interface ApiOptions {
  server: string
  transport: Transport
  clock: Clock
  random: RandomBytes
  store: Store
}

type Wanted<T> = Omit<Exchange<T>, 'token' | 'body'> & { body?: unknown }

const nothing = () => undefined

/**
 * Each call rejects with ApiFailure, or with ParleyError `server-unreachable` after its own time
 * limit.
 */
export class Api {
  readonly #http: HttpOptions
  readonly #tokens: AccessTokens

  constructor({ server, transport, clock, random, store }: ApiOptions) {
    this.#http = { server, transport, clock }
    this.#tokens = new AccessTokens({
      store,
      clock,
      random,
      request: (request) => this.tokens(request),
      nonce: () => this.tokenNonce(),
      // The first list is there wherever the account is.
      handIn: (account) => handInLists({ api: this, store }, account, 1),
    })
  }

  serverInfo(): Promise<ServerInfo> {
    return this.#anonymous({ method: 'GET', path: '/v1/server', parse: answers.serverInfo })
  }

  startRegistration(phone: string): Promise<RegistrationStarted> {
    const parse = answers.registrationStarted
    return this.#anonymous({ method: 'POST', path: '/v1/registrations', body: { phone }, parse })
  }

  proveNumber(registration: string, code: string): Promise<NumberProven> {
    const path = `/v1/registrations/${encodeURIComponent(registration)}/code`
    return this.#anonymous({ method: 'POST', path, body: { code }, parse: answers.numberProven })
  }

  registerDevice(registration: string, body: RegisterDevice): Promise<DeviceRegistered> {
    const path = `/v1/registrations/${encodeURIComponent(registration)}/device`
    return this.#anonymous({ method: 'POST', path, body, parse: answers.deviceRegistered })
  }

  tokenNonce(): Promise<TokenNonce> {
    return this.#anonymous({ method: 'POST', path: '/v1/tokens/nonce', parse: answers.tokenNonce })
  }

  tokens(request: TokenRequest): Promise<Tokens> {
    const parse = answers.tokens
    return this.#anonymous({ method: 'POST', path: '/v1/tokens', body: request, parse })
  }

  ownAccount(): Promise<OwnAccount> {
    return this.#authorized({ method: 'GET', path: '/v1/account', parse: answers.ownAccount })
  }

  endSession(): Promise<void> {
    return this.#authorized({ method: 'DELETE', path: '/v1/session', parse: nothing })
  }

  changeDevices(body: ChangeDevices): Promise<DevicesChanged> {
    const parse = answers.devicesChanged
    return this.#authorized({ method: 'POST', path: '/v1/devices', body, parse })
  }

  uploadPreKeys(upload: PreKeyUpload): Promise<void> {
    return this.#authorized({ method: 'PUT', path: '/v1/prekeys', body: upload, parse: nothing })
  }

  preKeyCounts(): Promise<PreKeyCounts> {
    return this.#authorized({ method: 'GET', path: '/v1/prekeys', parse: answers.preKeyCounts })
  }

  lookup(phone: string): Promise<LookupResult> {
    const parse = answers.lookupResult
    return this.#authorized({ method: 'POST', path: '/v1/lookup', body: { phone }, parse })
  }

  /** Lists with a version above `after`, oldest first, decoded from base64. */
  async deviceLists(account: AccountId, after: number): Promise<SignedDeviceList[]> {
    const path = `/v1/accounts/${account}/devices?after=${after}`
    const parse = answers.deviceLists
    return (await this.#authorized({ method: 'GET', path, parse })).device_lists
  }

  /** Of anybody, without a token: its signature is what counts. */
  handInList(account: AccountId, body: HandInList): Promise<HandedIn> {
    const path = `/v1/accounts/${account}/device-lists`
    return this.#anonymous({ method: 'POST', path, body, parse: answers.handedIn })
  }

  /** Takes one-time keys: only for devices without a session. */
  async bundles(account: AccountId, devices: readonly DeviceId[]): Promise<BundleJson[]> {
    const path = `/v1/accounts/${account}/bundles`
    const parse = answers.bundles
    return (await this.#authorized({ method: 'POST', path, body: { devices }, parse })).bundles
  }

  /**
   * A valid access token from the account row, renewed first when it is about to expire or `renew`
   * says so; one renewal at a time; new tokens are committed before use.
   */
  accessToken(renew: boolean): Promise<string> {
    return this.#tokens.valid(renew)
  }

  #anonymous<T>(wanted: Wanted<T>): Promise<T> {
    return exchange(this.#http, { body: undefined, ...wanted, token: undefined })
  }

  /** Once more with another token when the first was refused; the server has done nothing then. */
  async #authorized<T>(wanted: Wanted<T>): Promise<T> {
    const token = await this.#tokens.valid(false)
    try {
      return await exchange(this.#http, { body: undefined, ...wanted, token })
    } catch (error) {
      if (!isTokenRefused(error)) throw error
      const another = await this.#tokens.after(token)
      return exchange(this.#http, { body: undefined, ...wanted, token: another })
    }
  }
}

function isTokenRefused(error: unknown): boolean {
  return (
    error instanceof ApiFailure &&
    (error.code === 'token-expired' || error.code === 'token-invalid')
  )
}
