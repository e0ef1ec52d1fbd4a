/** Access tokens: EdDSA JWTs of fifteen minutes, made and checked here and nowhere else (S5). */
import { type AccountId, type DeviceId, parseAccountId, parseDeviceId } from '@parley/wire'
import { errors, type JWTHeaderParameters, jwtVerify, SignJWT } from 'jose'
import type { Context } from '../context.ts'
import type { Directory } from './directory.ts'
import type { Authenticator, Identity, TokenCheck } from './ports.ts'
import { hashOf } from './secrets.ts'
import type { SigningKeys } from './signing-keys.ts'

export const accessTokenSeconds = 15 * 60
const issuer = 'parley'
const audience = 'parley-api'
const type = 'at+jwt'
const algorithm = 'EdDSA'
/** How far the clocks of two servers may differ. */
const skewSeconds = 5
const tokenCharactersMax = 1_024
const verifiedCachedMax = 2_000
const headerNames = new Set(['alg', 'typ', 'kid'])

export interface Login extends Identity {
  session: string
}

type Verified = Login & { expiresMs: number }

interface AccessTokenDeps extends Pick<Context, 'clock'> {
  keys: SigningKeys
}

export async function signAccessToken(deps: AccessTokenDeps, login: Login): Promise<string> {
  const key = await deps.keys.current()
  const nowS = Math.floor(deps.clock.now() / 1000)
  return new SignJWT({ device: login.device, session: login.session })
    .setProtectedHeader({ alg: algorithm, typ: type, kid: key.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(login.account)
    .setIssuedAt(nowS)
    .setNotBefore(nowS - skewSeconds)
    .setExpirationTime(nowS + accessTokenSeconds)
    .sign(key.privateKey)
}

/**
 * Verified tokens are remembered by their hash; whether their login still counts is asked each
 * time.
 */
export function openAuthenticator(deps: AccessTokenDeps & { directory: Directory }): Authenticator {
  const verified = new Map<string, Verified>()

  async function verify(token: string): Promise<Verified | undefined> {
    const hash = hashOf(token)
    const known = verified.get(hash)
    if (known) return known
    const fresh = await verifyAccessToken(deps, token)
    if (!fresh) return undefined
    verified.set(hash, fresh)
    for (const oldest of verified.keys()) {
      if (verified.size <= verifiedCachedMax) break
      verified.delete(oldest)
    }
    return fresh
  }

  return {
    async check(token) {
      if (token.length > tokenCharactersMax) return { refused: 'token-invalid' }
      try {
        const login = await verify(token)
        if (!login) return { refused: 'token-invalid' }
        if (deps.clock.now() >= login.expiresMs) return { refused: 'token-expired' }
        return await checkLogin(deps.directory, login)
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { refused: 'token-expired' }
        throw error
      }
    },
  }
}

async function checkLogin(directory: Directory, claimed: Login): Promise<TokenCheck> {
  const { account, device, session } = claimed
  const sessions = (await directory.state(account))?.sessions
  const login = sessions?.find((each) => each.device === device)
  if (!login) return { refused: 'device-revoked' }
  if (login.session !== session) return { refused: 'token-invalid' }
  return { account, device }
}

/** Undefined when the token is not ours. Throws JWTExpired when it was. */
async function verifyAccessToken(
  deps: AccessTokenDeps,
  token: string,
): Promise<Verified | undefined> {
  async function keyOf(header: JWTHeaderParameters) {
    const foreign = Object.keys(header).some((name) => !headerNames.has(name))
    const key = foreign || !header.kid ? undefined : await deps.keys.find(header.kid)
    if (!key) throw new errors.JOSEError('no key of ours')
    return key.publicKey
  }
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [algorithm],
      issuer,
      audience,
      typ: type,
      requiredClaims: ['sub', 'exp', 'nbf', 'iat'],
      currentDate: new Date(deps.clock.now()),
    })
    return {
      account: parseAccountId(String(payload.sub)) as AccountId,
      device: parseDeviceId(String(payload.device)) as DeviceId,
      session: String(payload.session),
      expiresMs: Number(payload.exp) * 1000,
    }
  } catch (error) {
    if (error instanceof errors.JOSEError && !(error instanceof errors.JWTExpired)) return undefined
    throw error
  }
}
