/**
 * Tokens of a device: exchanged for fresh ones, or given against a signature of its identity key
 * when the server or the client lost them (S5, S6).
 */
import { verify } from '@parley/crypto/signatures-bun'
import {
  type AccountId,
  accountIdBytes,
  type DeviceId,
  deviceIdBytes,
  fromBase64,
  inboxOf,
  type Tokens,
  toBase64,
} from '@parley/wire'
import { ApiError } from '../api-error.ts'
import type { Sql } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import { addressKeys, type Limits } from '../limits.ts'
import { accessTokenSeconds, signAccessToken } from './access-tokens.ts'
import { type NewLogin, renewLogin } from './device-lists.ts'
import type { Directory } from './directory.ts'
import { exchange } from './refresh-tokens.ts'
import { hashOf } from './secrets.ts'
import type { SigningKeys } from './signing-keys.ts'

const nonceBytes = 32
const nonceLivesMs = 5 * 60 * 1000
const signaturePrefix = Buffer.from('Parley token v1\0')

export type TokenDeps = Pick<Context, 'sql' | 'bus' | 'clock' | 'random' | 'logger' | 'metrics'> & {
  directory: Directory
  keys: SigningKeys
  limits: Limits
}

export async function tokensOf(
  deps: Pick<TokenDeps, 'keys' | 'clock'>,
  { login, refreshToken }: NewLogin,
): Promise<Tokens> {
  return {
    access_token: await signAccessToken(deps, login),
    token_type: 'Bearer',
    expires_in_s: accessTokenSeconds,
    refresh_token: refreshToken,
  }
}

/** POST /v1/tokens, `refresh_token`. */
export async function refreshTokens(
  deps: TokenDeps,
  request: { token: string; address: string },
): Promise<Tokens> {
  takeTokenLimit(deps.limits, request.address)
  const result = await deps.sql.transaction().execute((transaction) => {
    return exchange(deps, transaction, request.token)
  })
  switch (result.outcome) {
    case 'given':
      return tokensOf(deps, { login: result.login, refreshToken: result.token })
    case 'refused':
      throw new ApiError(result.code)
    case 'reused':
      deps.metrics.tokensReused.inc()
      deps.logger.warn('a refresh token was used again; its login was ended')
      deps.directory.changed(result.account)
      deps.bus.publish(inboxOf(result.account), { kind: 'revoked', device: result.device })
      throw new ApiError('token-reused')
  }
}

function takeTokenLimit(limits: Limits, address: string): void {
  const keys = addressKeys(address)
  if (keys) limits.take('tokensPerAddress', keys.address)
}

/** POST /v1/tokens/nonce: to be signed once, within five minutes. */
export async function newNonce(deps: TokenDeps, request: { address: string }): Promise<string> {
  takeTokenLimit(deps.limits, request.address)
  deps.limits.take('nonceGlobally', '')
  const nonce = toBase64(deps.random(nonceBytes))
  const now = deps.clock.now()
  await deps.sql.deleteFrom('token_nonces').where('expires_ms', '<=', now).execute()
  const row = { hash: hashOf(nonce), expires_ms: now + nonceLivesMs }
  await deps.sql.insertInto('token_nonces').values(row).execute()
  return nonce
}

export interface SignedRequest {
  account: AccountId
  device: DeviceId
  nonce: string
  signature: Uint8Array
  address: string
}

/** POST /v1/tokens, `device_signature`: a new login; tokens of the one before end. */
export async function tokensForSignature(deps: TokenDeps, request: SignedRequest): Promise<Tokens> {
  takeTokenLimit(deps.limits, request.address)
  await useNonce(deps, request.nonce)
  const device = await deps.sql
    .selectFrom('devices')
    .select(['identity_key', 'ended_ms'])
    .where('id', '=', request.device)
    .where('account', '=', request.account)
    .executeTakeFirst()
  if (!device || !verify(device.identity_key, signingInput(request), request.signature)) {
    throw new ApiError('token-invalid')
  }
  if (device.ended_ms !== null) throw new ApiError('device-revoked')
  return tokensOf(deps, await renewLogin(deps, request))
}

/** One use, whatever comes of it. */
async function useNonce(deps: { sql: Sql; clock: Context['clock'] }, nonce: string): Promise<void> {
  const { numDeletedRows } = await deps.sql
    .deleteFrom('token_nonces')
    .where('hash', '=', hashOf(nonce))
    .where('expires_ms', '>', deps.clock.now())
    .executeTakeFirstOrThrow()
  if (numDeletedRows !== 1n) throw new ApiError('token-invalid')
}

function signingInput({ account, device, nonce }: SignedRequest): Uint8Array {
  const nonceValue = fromBase64(nonce) ?? new Uint8Array()
  const parts = [signaturePrefix, accountIdBytes(account), deviceIdBytes(device), nonceValue]
  return new Uint8Array(Buffer.concat(parts))
}
