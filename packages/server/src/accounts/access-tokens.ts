/** Access tokens: EdDSA JWTs of fifteen minutes, made and checked here and nowhere else (S5). */
import { type AccountId, type DeviceId, parseAccountId, parseDeviceId } from '@parley/wire'
import type { Context } from '../context.ts'
import type { Directory } from './directory.ts'
import { claimsOf, type Jwt, signJwt, verifyJwt } from './jwt.ts'
import type { Authenticator, Identity, TokenCheck } from './ports.ts'
import { SeenTokens, tokenHash } from './seen-tokens.ts'
import type { SigningKeys } from './signing-keys.ts'

export const accessTokenSeconds = 15 * 60
const issuer = 'parley'
const audience = 'parley-api'
const type = 'at+jwt'
/** How far the clocks of two servers may differ. */
const skewSeconds = 5
const tokenCharactersMax = 1_024

export interface Login extends Identity {
  session: string
}

interface AccessTokenDeps extends Pick<Context, 'clock'> {
  keys: SigningKeys
}

export async function signAccessToken(deps: AccessTokenDeps, login: Login): Promise<string> {
  const { kid, privateKey } = await deps.keys.current()
  const nowS = Math.floor(deps.clock.now() / 1000)
  const claims = {
    device: login.device,
    session: login.session,
    iss: issuer,
    aud: audience,
    sub: login.account,
    iat: nowS,
    nbf: nowS - skewSeconds,
    exp: nowS + accessTokenSeconds,
  }
  return signJwt({ kid, claims }, type, privateKey)
}

/** A signature is checked once; time, and whether the login still counts, each time. */
export function openAuthenticator(deps: AccessTokenDeps & { directory: Directory }): Authenticator {
  const seen = new SeenTokens()
  const kind = { type, keyOf: async (kid: string) => (await deps.keys.find(kid))?.publicKey }

  async function verified(token: string): Promise<Jwt['claims'] | undefined> {
    const hash = tokenHash(token)
    if (seen.has(hash)) return claimsOf(token)
    const jwt = await verifyJwt(token, kind)
    if (jwt) seen.add(hash)
    return jwt?.claims
  }

  return {
    async check(token) {
      if (token.length > tokenCharactersMax) return { refused: 'token-invalid' }
      const claims = await verified(token)
      const login = claims && readClaims(claims, deps.clock.now())
      if (login === undefined) return { refused: 'token-invalid' }
      if (login === 'expired') return { refused: 'token-expired' }
      return checkLogin(deps.directory, login)
    },
  }
}

async function checkLogin(directory: Directory, claimed: Login): Promise<TokenCheck> {
  const { account, device, session } = claimed
  const logins = (await directory.state(account))?.logins
  const login = logins?.find(({ identity }) => identity.device === device)
  if (!login) return { refused: 'device-revoked' }
  if (login.session !== session) return { refused: 'token-invalid' }
  return login.identity
}

/** Undefined when they are not those of an access token, or not valid yet. */
function readClaims(claims: Jwt['claims'], nowMs: number): Login | 'expired' | undefined {
  const { iss, aud, sub, device, session, iat, nbf, exp } = claims
  if (iss !== issuer || aud !== audience || !Number.isSafeInteger(iat)) return undefined
  if (typeof sub !== 'string' || typeof device !== 'string') return undefined
  if (typeof session !== 'string' || typeof nbf !== 'number' || typeof exp !== 'number') {
    return undefined
  }
  if (nowMs < nbf * 1000) return undefined
  if (nowMs >= exp * 1000) return 'expired'
  return {
    account: parseAccountId(sub) as AccountId,
    device: parseDeviceId(device) as DeviceId,
    session,
  }
}
