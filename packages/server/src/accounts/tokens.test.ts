/** Access and refresh tokens over the API. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  accountIdBytes,
  type ApiErrorBody,
  deviceIdBytes,
  fromBase64,
  inboxOf,
  type TokenNonce,
  type Tokens,
  toBase64,
} from '@parley/wire'
import {
  newDevice,
  type RegisteredUser,
  signBytes,
  startApi,
  type TestApi,
  type TestDevice,
} from '@parley/testkit'
import { SignJWT } from 'jose'
import { signsForMs } from './signing-keys.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const minute = 60_000
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

function refresh(api: TestApi, token: string) {
  const body = { grant_type: 'refresh_token', refresh_token: token }
  return api.call<Tokens & ApiErrorBody>('POST', '/v1/tokens', { body })
}

async function account(api: TestApi, token: string) {
  const answer = await api.call('GET', '/v1/account', { token })
  return answer.status === 200 ? 'served' : answer.body.error.code
}

async function nonce(api: TestApi): Promise<string> {
  return (await api.call<TokenNonce>('POST', '/v1/tokens/nonce')).body.nonce
}

async function logIn(api: TestApi, user: RegisteredUser, signed: string, by: TestDevice) {
  const input = Buffer.concat([
    Buffer.from('Parley token v1\0'),
    accountIdBytes(user.account),
    deviceIdBytes(user.device.id),
    fromBase64(signed) ?? new Uint8Array(),
  ])
  const body = {
    grant_type: 'device_signature',
    account: user.account,
    device: user.device.id,
    nonce: signed,
    signature: toBase64(signBytes(by, new Uint8Array(input))),
  }
  return api.call<Tokens & ApiErrorBody>('POST', '/v1/tokens', { body })
}

interface Forgery {
  header: Record<string, unknown>
  claims?: Record<string, unknown>
  key: KeyObject | Uint8Array
}

function forge(api: TestApi, user: RegisteredUser, session: string, forgery: Forgery) {
  const nowS = Math.floor(api.clock.now() / 1000)
  const claims = {
    iss: 'parley',
    aud: 'parley-api',
    sub: user.account,
    device: user.device.id,
    session,
    iat: nowS,
    nbf: nowS,
    exp: nowS + 900,
    ...forgery.claims,
  }
  return new SignJWT(claims)
    .setProtectedHeader(forgery.header as { alg: string })
    .sign(forgery.key as KeyObject)
}

/** The server's own key: what even its holder may not do. */
async function serverKey(api: TestApi) {
  const row = await api.context.sql.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()
  const der = Buffer.concat([pkcs8Head, row.seed])
  return { kid: row.kid, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), row }
}

async function sessionOf(api: TestApi, user: RegisteredUser): Promise<string> {
  const { session } = await api.context.sql
    .selectFrom('devices')
    .select('session')
    .where('id', '=', user.device.id)
    .executeTakeFirstOrThrow()
  return session ?? ''
}

test('[S5] an access token lives fifteen minutes', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  expect(tokens.expires_in_s).toBe(900)
  expect(await account(api, tokens.access_token)).toBe('served')
  api.clock.advance(15 * minute - 1)
  expect(await account(api, tokens.access_token)).toBe('served')
  api.clock.advance(1)
  expect(await account(api, tokens.access_token)).toBe('token-expired')
})

test('[S5] a token that nobody saw before expires at the same time', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  api.clock.advance(15 * minute)
  expect(await account(api, tokens.access_token)).toBe('token-expired')
})

test('[S5] the control: a token made with the own key and the right claims is served', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { kid, key } = await serverKey(api)
  const header = { alg: 'EdDSA', typ: 'at+jwt', kid }
  const token = await forge(api, user, await sessionOf(api, user), { header, key })
  expect(await account(api, token)).toBe('served')
})

test('[S5] tokens with another algorithm, type, issuer, audience, time, key or header are refused', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const session = await sessionOf(api, user)
  const { kid, key, row } = await serverKey(api)
  const good = { alg: 'EdDSA', typ: 'at+jwt', kid }
  const foreign = generateKeyPairSync('ed25519')
  const later = Math.floor(api.clock.now() / 1000) + 60
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const forgeries: Record<string, Forgery> = {
    'another key under our kid': { header: good, key: foreign.privateKey },
    'a kid that is not ours': { header: { ...good, kid: 'other' }, key: foreign.privateKey },
    'no kid': { header: { alg: 'EdDSA', typ: 'at+jwt' }, key },
    'a key that it brings itself': {
      header: { ...good, jwk: foreign.publicKey.export({ format: 'jwk' }) },
      key: foreign.privateKey,
    },
    'a jwk beside our kid': {
      header: { ...good, jwk: foreign.publicKey.export({ format: 'jwk' }) },
      key,
    },
    'a place to fetch keys from': { header: { ...good, jku: 'https://evil.example/keys' }, key },
    'HS256 with our public bytes': { header: { ...good, alg: 'HS256' }, key: row.seed },
    RS256: { header: { ...good, alg: 'RS256' }, key: rsa },
    'another type': { header: { ...good, typ: 'JWT' }, key },
    'another issuer': { header: good, claims: { iss: 'other' }, key },
    'another audience': { header: good, claims: { aud: 'other' }, key },
    'not yet valid': { header: good, claims: { nbf: later }, key },
    'no expiry': { header: good, claims: { exp: undefined }, key },
    'another session': { header: good, claims: { session: 'other' }, key },
  }
  for (const [what, forgery] of Object.entries(forgeries)) {
    const token = await forge(api, user, session, forgery)
    expect([what, await account(api, token)]).toEqual([what, 'token-invalid'])
  }
})

test('[S5] an unsigned token is refused', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  const [, claims] = tokens.access_token.split('.')
  const header = toBase64(Buffer.from('{"alg":"none","typ":"at+jwt"}'))
  expect(await account(api, `${header}.${claims}.`)).toBe('token-invalid')
  expect(await account(api, 'nonsense')).toBe('token-invalid')
  expect(await account(api, 'x'.repeat(100_000))).toBe('token-invalid')
})

test('[S5] keys rotate, and tokens of the key before stay good until they expire', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  api.clock.advance(signsForMs - 5 * minute)
  const before = (await refresh(api, user.tokens.refresh_token)).body
  api.clock.advance(5 * minute)
  const after = (await refresh(api, before.refresh_token)).body
  const kids = [before, after].map(({ access_token: token }) => {
    return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
  })
  expect(new Set(kids).size).toBe(2)
  expect(await account(api, before.access_token)).toBe('served')
  expect(await account(api, after.access_token)).toBe('served')
})

test('[S6] a refresh token is exchanged for new tokens', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  const fresh = await refresh(api, tokens.refresh_token)
  expect(fresh.status).toBe(200)
  expect(fresh.body.refresh_token).not.toBe(tokens.refresh_token)
  expect(fromBase64(fresh.body.refresh_token)).toHaveLength(32)
  expect(await account(api, fresh.body.access_token)).toBe('served')
})

test('[S6] the old refresh token works until its successor is first used: a lost answer logs nobody out', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  await refresh(api, tokens.refresh_token)
  const second = await refresh(api, tokens.refresh_token)
  const third = await refresh(api, tokens.refresh_token)
  expect([second.status, third.status]).toEqual([200, 200])
  expect((await refresh(api, third.body.refresh_token)).status).toBe(200)
})

test('[S6] used after its successor was used, it ends the login and the sockets, and says so', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const first = user.tokens.refresh_token
  const second = (await refresh(api, first)).body
  const third = (await refresh(api, second.refresh_token)).body
  expect((await refresh(api, first)).body.error.code).toBe('token-reused')
  expect((await refresh(api, third.refresh_token)).body.error.code).toBe('token-invalid')
  expect(await account(api, third.access_token)).toBe('token-invalid')
  const topic = inboxOf(user.account)
  const revoked = { kind: 'revoked' as const, device: user.device.id }
  expect(api.published).toContainEqual({ topic, message: revoked })
  const counted = await api.context.metrics.tokensReused.get()
  expect(counted.values[0]?.value).toBe(1)
})

test('[S6] of two successors given for one token, the second to be used is taken as stolen', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  const mine = (await refresh(api, tokens.refresh_token)).body.refresh_token
  const theirs = (await refresh(api, tokens.refresh_token)).body.refresh_token
  expect((await refresh(api, theirs)).status).toBe(200)
  expect((await refresh(api, mine)).body.error.code).toBe('token-reused')
})

test('[S6] a login whose tokens were stolen goes on with a signature of its device', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = (await refresh(api, user.tokens.refresh_token)).body
  await refresh(api, second.refresh_token)
  await refresh(api, user.tokens.refresh_token)
  const answer = await logIn(api, user, await nonce(api), user.device)
  expect(answer.status).toBe(200)
  expect(await account(api, answer.body.access_token)).toBe('served')
})

test('[S6] ten thousand lost answers keep a bounded number of tokens', async () => {
  await using api = await startApi()
  let { refresh_token: token } = (await api.register(alice)).tokens
  for (let lost = 0; lost < 30; lost++) await refresh(api, token)
  for (let used = 0; used < 30; used++) token = (await refresh(api, token)).body.refresh_token
  const rows = await api.context.sql.selectFrom('refresh_tokens').select('hash').execute()
  expect(rows.length).toBeLessThan(30)
})

test('[S14] no token stands in the store', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  const rows = await api.context.sql.selectFrom('refresh_tokens').selectAll().execute()
  expect(JSON.stringify(rows)).not.toContain(tokens.refresh_token)
  expect(rows).toHaveLength(1)
})

test('a signature of the device gives a new login and ends the one before', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const answer = await logIn(api, user, await nonce(api), user.device)
  expect(answer.status).toBe(200)
  expect(await account(api, user.tokens.access_token)).toBe('token-invalid')
  const old = await refresh(api, user.tokens.refresh_token)
  expect(old.body.error.code).toBe('token-invalid')
})

test('a nonce is good once and for five minutes, and only with the right key', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const used = await nonce(api)
  await logIn(api, user, used, user.device)
  expect((await logIn(api, user, used, user.device)).body.error.code).toBe('token-invalid')
  const late = await nonce(api)
  api.clock.advance(5 * minute)
  expect((await logIn(api, user, late, user.device)).body.error.code).toBe('token-invalid')
  const stranger = await logIn(api, user, await nonce(api), newDevice())
  expect(stranger.body.error.code).toBe('token-invalid')
  const unasked = await logIn(api, user, toBase64(new Uint8Array(32)), user.device)
  expect(unasked.body.error.code).toBe('token-invalid')
})

test('[S7] logging out ends both tokens, the socket, and the way back by signature', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { access_token: token, refresh_token: old } = user.tokens
  expect(await account(api, token)).toBe('served')
  expect((await api.call('DELETE', '/v1/session', { token })).status).toBe(204)
  expect(await account(api, token)).toBe('device-revoked')
  expect((await refresh(api, old)).body.error.code).toBe('device-revoked')
  const again = await logIn(api, user, await nonce(api), user.device)
  expect(again.body.error.code).toBe('device-revoked')
  expect(api.published.map(({ message }) => message.kind)).toContain('revoked')
})
