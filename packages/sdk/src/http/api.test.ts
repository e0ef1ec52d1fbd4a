import { expect, test } from 'bun:test'
import { generateKeyPair, verify } from '@parley/crypto'
import {
  accountIdBytes,
  type ApiErrorCode,
  apiErrors,
  deviceIdBytes,
  fromBase64,
  parseAccountId,
  parseDeviceId,
  toBase64,
  WireError,
} from '@parley/wire'
import { Api } from './api.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { systemRandom } from '../platform/random.ts'
import { ApiFailure } from '../problems.ts'
import { readTokens, writeAccount, writeRevoked } from '../store/account.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { Store } from '../store/store.ts'
import { ParleyError } from '../types.ts'

const server = 'http://127.0.0.1:8080'
const startMs = Date.UTC(2026, 10, 22)
const account = parseAccountId('6b0f5e1e-7a5f-4f6c-9a52-0c8b4a8e6f01')
const device = parseDeviceId('00112233445566778899aabbccddeeff')
const identity = generateKeyPair(systemRandom)

interface Asked {
  method: string
  path: string
  token: string | null
  body: unknown
}
type Answer = Response | Error | Promise<Response>

interface Harness {
  api: Api
  clock: HandClock
  store: Store
  asked: Asked[]
  paths(): string[]
}

/**
 * The server's side of the network: `answer` gets each request, also those whose answer it then
 * loses.
 */
function harness(answer: (asked: Asked) => Answer): Harness {
  const clock = new HandClock(startMs)
  const store = new Store(openBunDriver(':memory:'))
  const row = { server, account, device, deviceNumber: 1, phone: '+4915112345678', name: 'Ada' }
  writeAccount(
    store,
    {
      ...row,
      profileVersion: 1,
      identity,
      registrationId: 1,
      status: 'registered',
      relinkNeeded: false,
    },
    { accessToken: 'access-0', accessExpiresAtMs: startMs + 900_000, refreshToken: 'refresh-0' },
  )
  const asked: Asked[] = []
  const transport = {
    openSocket: () => {
      throw new Error('not used')
    },
    async fetch(request: Request): Promise<Response> {
      const text = await request.text()
      const one: Asked = {
        method: request.method,
        path: request.url.slice(server.length),
        token: request.headers.get('authorization'),
        body: text === '' ? undefined : JSON.parse(text),
      }
      asked.push(one)
      const given = await answer(one)
      if (given instanceof Error) throw given
      return given
    },
  }
  const api = new Api({ server, transport, clock, random: systemRandom, store })
  const paths = () => asked.map(({ method, path }) => `${method} ${path}`)
  return { api, clock, store, asked, paths }
}

function refusal(code: ApiErrorCode, retryAfterS?: number): Response {
  const { says, status } = apiErrors[code]
  const error = { code, message: says, retry_after_s: retryAfterS }
  return Response.json({ error }, { status })
}

function tokens(number: number): Response {
  return Response.json({
    access_token: `access-${number}`,
    token_type: 'Bearer',
    expires_in_s: 900,
    refresh_token: `refresh-${number}`,
  })
}

const counts = () => Response.json({ one_time_prekeys: 7, one_time_kyber_prekeys: 8 })
const refreshTokenOf = ({ body }: Asked) => (body as { refresh_token?: string }).refresh_token

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('asks each route as wire/http.ts has it, with the token where one is needed', async () => {
  const list = {
    body: toBase64(Uint8Array.of(1)),
    signer: '',
    signature: toBase64(Uint8Array.of(2)),
  }
  const answers: Record<string, unknown> = {
    'POST /v1/registrations/a%2Fb/code': { proof: 'p', account, device_lists: [list] },
    'GET /v1/prekeys': { one_time_prekeys: 7, one_time_kyber_prekeys: 8, unknown: true },
    [`GET /v1/accounts/${account}/devices?after=3`]: { device_lists: [list] },
    'POST /v1/lookup': { account },
  }
  const { api, asked } = harness(({ method, path }) => Response.json(answers[`${method} ${path}`]))
  expect(await api.proveNumber('a/b', '123456')).toEqual({
    proof: 'p',
    account,
    device_lists: [list],
  })
  expect(await api.preKeyCounts()).toEqual({ one_time_prekeys: 7, one_time_kyber_prekeys: 8 })
  const signed = { body: Uint8Array.of(1), signer: new Uint8Array(), signature: Uint8Array.of(2) }
  expect(await api.deviceLists(account, 3)).toEqual([signed])
  expect(await api.lookup('+4915112345678')).toEqual({ account })
  expect(asked.map(({ token }) => token)).toEqual([
    null,
    'Bearer access-0',
    'Bearer access-0',
    'Bearer access-0',
  ])
  expect(asked[0]?.body).toEqual({ code: '123456' })
  expect(asked[1]?.body).toBeUndefined()
})

test('an answer without a body is one', async () => {
  const { api } = harness(() => new Response(null, { status: 204 }))
  expect(await api.endSession()).toBeUndefined()
})

test('[S6] a token is renewed a minute before it expires, and committed before it is used', async () => {
  const stored: (string | undefined)[] = []
  const { api, clock, store, paths } = harness(({ path }) => {
    stored.push(readTokens(store)?.accessToken)
    return path === '/v1/tokens' ? tokens(1) : counts()
  })
  await clock.advance(839_999)
  expect(await api.accessToken(false)).toBe('access-0')
  await clock.advance(1)
  await api.preKeyCounts()
  expect(paths()).toEqual(['POST /v1/tokens', 'GET /v1/prekeys'])
  expect(stored).toEqual(['access-0', 'access-1'])
  expect(readTokens(store)).toEqual({
    accessToken: 'access-1',
    accessExpiresAtMs: clock.now() + 900_000,
    refreshToken: 'refresh-1',
  })
})

test('[S6] many who need a token at once make one renewal', async () => {
  const { api, asked } = harness(({ path }) => (path === '/v1/tokens' ? tokens(1) : counts()))
  const given = await Promise.all([1, 2, 3].map(() => api.accessToken(true)))
  expect(given).toEqual(['access-1', 'access-1', 'access-1'])
  expect(asked.length).toBe(1)
})

test('[S6] a refused token is renewed and the request asked once more, not twice', async () => {
  let good = 'Bearer access-1'
  const { api, paths } = harness(({ path, token }) => {
    if (path === '/v1/tokens') return tokens(1)
    return token === good ? counts() : refusal('token-expired')
  })
  expect(await Promise.all([api.preKeyCounts(), api.preKeyCounts()])).toHaveLength(2)
  const renewals = () => paths().filter((path) => path === 'POST /v1/tokens').length
  expect(renewals()).toBe(1)
  good = 'Bearer none'
  expect(await thrown(api.preKeyCounts())).toMatchObject({ code: 'token-expired' })
  expect(renewals()).toBe(2)
})

test('[S6] a lost answer logs nobody out: the same refresh token is used again', async () => {
  let isLost = true
  const used: unknown[] = []
  const { api, store } = harness((asked) => {
    used.push(refreshTokenOf(asked))
    return isLost ? new TypeError('the connection was lost') : tokens(2)
  })
  expect(await thrown(api.accessToken(true))).toBeInstanceOf(ParleyError)
  expect(readTokens(store)?.refreshToken).toBe('refresh-0')
  isLost = false
  expect(await api.accessToken(true)).toBe('access-2')
  expect(used).toEqual(['refresh-0', 'refresh-0'])
})

test('[S6] when the new tokens cannot be committed, the old ones stay and nothing is used', async () => {
  const { api, store } = harness(() => tokens(1))
  store.run('PRAGMA query_only = ON')
  expect(await thrown(api.accessToken(true))).toBeInstanceOf(Error)
  store.run('PRAGMA query_only = OFF')
  expect(readTokens(store)?.refreshToken).toBe('refresh-0')
})

test('a refresh token that the server does not know is replaced against a signature of the key', async () => {
  const nonce = systemRandom(32)
  for (const code of ['token-invalid', 'token-reused', 'token-expired'] as const) {
    const { api, asked, paths } = harness((one) => {
      if (one.path === '/v1/tokens/nonce') return Response.json({ nonce: toBase64(nonce) })
      return refreshTokenOf(one) ? refusal(code) : tokens(5)
    })
    expect(await api.accessToken(true)).toBe('access-5')
    expect(paths()).toEqual(['POST /v1/tokens', 'POST /v1/tokens/nonce', 'POST /v1/tokens'])
    const { signature, ...rest } = asked[2]?.body as Record<string, string>
    expect(rest).toEqual({
      grant_type: 'device_signature',
      account,
      device,
      nonce: toBase64(nonce),
    })
    const prefix = new TextEncoder().encode('Parley token v1\0')
    const parts = [prefix, accountIdBytes(account), deviceIdBytes(device), nonce]
    const message = Uint8Array.from(parts.flatMap((part) => [...part]))
    const bytes = fromBase64(signature ?? '') ?? new Uint8Array()
    expect(verify(identity.publicKey, message, bytes)).toBe(true)
  }
})

test('a nonce of another length is not signed', async () => {
  const { api, asked } = harness((one) =>
    one.path === '/v1/tokens/nonce'
      ? Response.json({ nonce: toBase64(systemRandom(64)) })
      : refusal('token-invalid'),
  )
  expect(await thrown(api.accessToken(true))).toBeInstanceOf(WireError)
  expect(asked.length).toBe(2)
})

test('a revoked device and a profile without an account ask nothing', async () => {
  const { api, asked, store } = harness(() => tokens(1))
  writeRevoked(store)
  expect(await thrown(api.accessToken(true))).toMatchObject({ problem: { code: 'revoked' } })
  store.erase()
  expect(await thrown(api.preKeyCounts())).toMatchObject({ problem: { code: 'not-registered' } })
  expect(asked).toEqual([])
})

test('tokens that come after the person has logged out are not kept', async () => {
  const { api, store } = harness(() => {
    store.erase()
    return tokens(1)
  })
  expect(await thrown(api.accessToken(true))).toMatchObject({ problem: { code: 'not-registered' } })
  expect(readTokens(store)).toBeUndefined()
})

test('errors of the API keep their code and how long to wait', async () => {
  const { api } = harness(() => refusal('too-many-requests', 30))
  const error = await thrown(api.startRegistration('+49'))
  expect(error).toBeInstanceOf(ApiFailure)
  expect(error).toMatchObject({ code: 'too-many-requests', retryAfterS: 30 })
})

test('an error that this version does not know is known by its status', async () => {
  for (const [status, code] of [
    [418, 'invalid-request'],
    [599, 'unavailable'],
  ] as const) {
    const error = { code: 'toString', message: 'x' }
    const { api } = harness(() => Response.json({ error }, { status }))
    expect(await thrown(api.serverInfo())).toMatchObject({ code })
  }
})

test('a server that is not there is said with its address and what to do', async () => {
  const { api } = harness(() => new TypeError('connection refused'))
  expect(await thrown(api.serverInfo())).toMatchObject({
    problem: {
      code: 'server-unreachable',
      says: `Parley at ${server} does not answer. Is it running? Check the address and the network.`,
    },
  })
})

test('an answer that does not come within 20 s is given up', async () => {
  const { api, clock } = harness(() => new Promise<Response>(() => {}))
  const outcome = thrown(api.serverInfo())
  await clock.advance(20_000)
  expect(await outcome).toMatchObject({ problem: { code: 'server-unreachable' } })
  expect(clock.pendingMs()).toEqual([])
})

test('something else that answers there, a proxy for one, is not taken for Parley', async () => {
  const { api } = harness(() => new Response('<h1>Bad gateway</h1>', { status: 502 }))
  const error = (await thrown(api.serverInfo())) as ParleyError
  expect(error.problem.code).toBe('server-unreachable')
  expect(error.problem.says).toContain('502')
})

test('[E26] answers of the wrong shape, too large, or not JSON change nothing', async () => {
  const wrong = [
    'null',
    '[]',
    '{"name":"x","version":"1"}',
    '{"name":"x","version":"1","time_ms":-1}',
    '{"name":"x","version":"1","time_ms":1e300}',
    '{"__proto__":{"name":"x","version":"1","time_ms":1}}',
    'not json',
    `"${'x'.repeat(5 * 1024 * 1024)}"`,
  ]
  for (const body of wrong) {
    const { api } = harness(() => new Response(body))
    expect(await thrown(api.serverInfo())).toBeInstanceOf(WireError)
  }
})
