/** Access tokens: EdDSA JWTs of fifteen minutes, made and checked here and nowhere else (S5). */
import { parseAccountId, parseDeviceId } from '@parley/wire'
import {
  decodeJwt,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import type { Context } from '../context.ts'
import type { Directory } from './directory.ts'
import type { Authenticator, Identity, TokenCheck } from './ports.ts'
import { SeenTokens, tokenHash } from './seen-tokens.ts'
import type { SigningKeys } from './signing-keys.ts'

export const accessTokenSeconds = 15 * 60
const issuer = 'parley'
const audience = 'parley-api'
const type = 'at+jwt'
const algorithm = 'EdDSA'
const headerNames = new Set(['alg', 'typ', 'kid'])
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

/** A token is verified once; whether it has expired and its login still counts, each time. */
export function openAuthenticator(deps: AccessTokenDeps & { directory: Directory }): Authenticator {
  const seen = new SeenTokens()

  async function loginOf(token: string): Promise<Login | 'expired' | undefined> {
    const hash = tokenHash(token)
    if (seen.has(hash)) return readClaims(decodeJwt(token), deps.clock.now())
    const claims = await verifyAccessToken(deps, token)
    if (claims === undefined || claims === 'expired') return claims
    seen.add(hash)
    return readClaims(claims, deps.clock.now())
  }

  return {
    async check(token) {
      if (token.length > tokenCharactersMax) return { refused: 'token-invalid' }
      const login = await loginOf(token)
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

/** The claims of a token that is ours; undefined when it is not. */
async function verifyAccessToken(
  deps: AccessTokenDeps,
  token: string,
): Promise<JWTPayload | 'expired' | undefined> {
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
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'expired'
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** Of a token that was verified. */
function readClaims({ sub, device, session, exp }: JWTPayload, nowMs: number): Login | 'expired' {
  if (nowMs >= Number(exp) * 1000) return 'expired'
  return {
    account: parseAccountId(String(sub)),
    device: parseDeviceId(String(device)),
    session: String(session),
  }
}
