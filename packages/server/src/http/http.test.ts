/** The API as a whole: who may call what, how refusals look, and what the document says. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import {
  type ApiErrorBody,
  apiErrors,
  type DeviceLists,
  type PreKeyCounts,
  type Tokens,
} from '@parley/wire'
import { preKeyUpload, type RegisteredUser, startApi, type TestApi } from '@parley/testkit'
import { sql as statement } from 'kysely'
import { pino } from 'pino'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const bob = '+4915112345679'

/**
 * Who asks: the account's device itself, one of another account, nobody, a token past its time, a
 * logged-out device.
 */
const askers = ['owner', 'other', 'anonymous', 'expired', 'logged out'] as const
type Asker = (typeof askers)[number]

interface Access {
  method: string
  path(owner: RegisteredUser): string
  body?(owner: RegisteredUser): unknown
  /** What owner and other get; everybody else is refused with 401 or 403. */
  owner: number
  other: number
}

const uploadOf = ({ device }: RegisteredUser) => {
  return preKeyUpload({ device, firstId: 100, oneTime: 1, oneTimeKyber: 1 })
}

const accesses: Access[] = [
  { method: 'GET', path: () => '/v1/account', owner: 200, other: 200 },
  { method: 'GET', path: () => '/v1/prekeys', owner: 200, other: 200 },
  // The owner's keys are not signed by the other's identity key.
  { method: 'PUT', path: () => '/v1/prekeys', body: uploadOf, owner: 204, other: 400 },
  {
    method: 'POST',
    path: () => '/v1/devices',
    body: ({ list }) => ({
      device_list: {
        body: Buffer.from(list.signed.body).toString('base64url'),
        signer: '',
        signature: Buffer.from(list.signed.signature).toString('base64url'),
      },
    }),
    owner: 200,
    other: 409,
  },
  {
    method: 'POST',
    path: () => '/v1/lookup',
    body: () => ({ phone: alice }),
    owner: 200,
    other: 200,
  },
  {
    method: 'GET',
    path: ({ account }) => `/v1/accounts/${account}/devices`,
    owner: 200,
    other: 200,
  },
  {
    method: 'POST',
    path: ({ account }) => `/v1/accounts/${account}/bundles`,
    body: ({ device }) => ({ devices: [device.id] }),
    owner: 200,
    other: 200,
  },
  { method: 'DELETE', path: () => '/v1/session', owner: 204, other: 204 },
]

async function tokenOf(api: TestApi, asker: Asker, owner: RegisteredUser, other: RegisteredUser) {
  switch (asker) {
    case 'owner':
    case 'expired':
      return owner.tokens.access_token
    case 'other':
      return other.tokens.access_token
    case 'anonymous':
      return ''
    case 'logged out': {
      const token = owner.tokens.access_token
      await api.call('DELETE', '/v1/session', { token })
      return token
    }
  }
}

for (const access of accesses) {
  for (const asker of askers) {
    test(`[S9] ${access.method} ${access.path({ account: '…' } as never)} by ${asker}`, async () => {
      await using api = await startApi()
      const owner = await api.register(alice)
      const other = await api.register(bob)
      const token = await tokenOf(api, asker, owner, other)
      if (asker === 'expired') api.clock.advance(15 * 60_000)
      const body = access.body?.(owner)
      const answer = await api.call(access.method, access.path(owner), { token, body })
      const expected = {
        owner: access.owner,
        other: access.other,
        anonymous: 401,
        expired: 401,
        'logged out': 403,
      }
      expect(answer.status).toBe(expected[asker])
    })
  }
}

test('[S9] every route of the document but the public ones stands in the table above', async () => {
  await using api = await startApi()
  const document = await openApi(api)
  const listed = accesses.map(({ method, path }) => {
    return `${method} ${path({ account: '{account}' } as never)}`
  })
  const secured = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, route]) => route.security)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  expect(secured.sort()).toEqual(listed.sort())
  const open = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, route]) => !route.security)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  expect(open.sort()).toEqual([
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'GET /v1/server',
    'GET /version',
    'POST /v1/registrations',
    'POST /v1/registrations/{registration}/code',
    'POST /v1/registrations/{registration}/device',
    'POST /v1/tokens',
    'POST /v1/tokens/nonce',
  ])
})

interface OpenApi {
  openapi: string
  paths: Record<
    string,
    Record<
      string,
      {
        security?: unknown
        summary?: string
        requestBody?: { content: { 'application/json': { schema: { properties?: object } } } }
        responses: Record<string, { content?: Record<string, { schema?: unknown }> }>
      }
    >
  >
}

async function openApi(api: TestApi): Promise<OpenApi> {
  return (await api.call<OpenApi>('GET', '/openapi.json')).body
}

test('the document describes the body and every answer of every route', async () => {
  await using api = await startApi()
  const document = await openApi(api)
  expect(document.openapi).toBe('3.1.0')
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const where = `${method} ${path}`
      expect([where, Boolean(route.summary)]).toEqual([where, true])
      for (const [status, answer] of Object.entries(route.responses)) {
        const described = status === '204' || Object.values(answer.content ?? {})[0]?.schema
        expect([where, status, Boolean(described)]).toEqual([where, status, true])
      }
    }
  }
  const upload = document.paths['/v1/prekeys']?.put?.requestBody?.content['application/json'].schema
  expect(Object.keys(upload?.properties ?? {}).sort()).toEqual([
    'kyber_prekey',
    'one_time_kyber_prekeys',
    'one_time_prekeys',
    'registration_id',
    'signed_prekey',
  ])
})

test('every refusal has the one body, its status from the table, and no echo of the input', async () => {
  await using api = await startApi()
  const marker = 'marker-7d1f'
  const answers = await Promise.all([
    api.call('POST', '/v1/registrations', { body: { phone: marker } }),
    api.call('POST', '/v1/registrations', { body: { phone: { [marker]: 1 } } }),
    api.call('POST', `/v1/registrations/${marker}/code`, { body: { code: marker } }),
    api.call('POST', '/v1/tokens', { body: { grant_type: marker } }),
    api.call('POST', '/v1/tokens', {
      body: { grant_type: 'refresh_token', refresh_token: marker },
    }),
    api.call('GET', '/v1/account', { token: marker }),
    api.call('GET', `/v1/${marker}`),
    api.call('PATCH', '/v1/account'),
  ])
  for (const { status, body } of answers) {
    expect(Object.keys(body)).toEqual(['error'])
    expect(apiErrors[body.error.code].status).toBe(status as never)
    expect(JSON.stringify(body)).not.toContain(marker)
  }
})

test('a body that is not JSON is refused as such', async () => {
  await using api = await startApi()
  const request = new Request('http://parley.test/v1/registrations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"phone":',
  })
  const answer = await api.server.fetch(request, { remoteAddress: '127.0.0.1' })
  const body = (await answer.json()) as ApiErrorBody
  expect([answer.status, body.error.code]).toEqual([400, 'invalid-request'])
})

test('a body that is too large is refused before it is read', async () => {
  await using api = await startApi()
  const small = await api.call('POST', '/v1/registrations', { body: { phone: 'x'.repeat(20_000) } })
  expect([small.status, small.body.error.code]).toEqual([413, 'too-large'])
  const { tokens } = await api.register(alice)
  const body = { padding: 'x'.repeat(400_000) }
  const large = await api.call('PUT', '/v1/prekeys', { token: tokens.access_token, body })
  expect(large.body.error.code).toBe('too-large')
})

test('an endless body without a length is cut off', async () => {
  await using api = await startApi()
  const chunk = new Uint8Array(8_192).fill(32)
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += chunk.length
      if (sent > 64 * 1024 * 1024) controller.close()
      else controller.enqueue(chunk)
    },
  })
  const request = new Request('http://parley.test/v1/registrations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const answer = await api.server.fetch(request, { remoteAddress: '127.0.0.1' })
  expect(answer.status).toBe(413)
  expect(sent).toBeLessThan(1024 * 1024)
})

test('[S16] every answer carries the security headers', async () => {
  await using api = await startApi()
  for (const path of ['/healthz', '/v1/account', '/nothing', '/openapi.json']) {
    const { headers } = await api.call('GET', path, { headers: { host: 'chat.example.org:8443' } })
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'")
    expect(policy).not.toContain('unsafe-inline')
    expect(policy).not.toContain("'unsafe-eval'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain('wss://chat.example.org:8443')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  }
})

test('[S16] a host name made to break the policy is left out of it', async () => {
  await using api = await startApi()
  const headers = { host: "evil.example; script-src 'unsafe-inline'" }
  const answer = await api.call('GET', '/healthz', { headers })
  expect(answer.headers.get('content-security-policy')).not.toContain('evil')
})

test('a full store is said to be full', async () => {
  await using api = await startApi()
  await statement`pragma max_page_count = 30`.execute(api.context.sql)
  let answer = await api.call('POST', '/v1/registrations', { body: { phone: alice } })
  for (let tries = 0; answer.status === 201 && tries < 2_000; tries++) {
    answer = await api.call('POST', '/v1/registrations', { body: { phone: alice } })
  }
  expect([answer.status, answer.body.error.code]).toEqual([507, 'storage-full'])
})

test('a store that breaks is unavailable; a mistake of our own is internal, and says nothing more', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  await api.context.sql.schema.dropTable('registrations').execute()
  const mistake = await api.call('POST', '/v1/registrations', { body: { phone: alice } })
  expect([mistake.status, mistake.body.error.code]).toEqual([500, 'internal'])
  expect(mistake.body.error.message).toBe(apiErrors.internal.says)
  await statement`pragma query_only = on`.execute(api.context.sql)
  const body = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
  const broken = await api.call('POST', '/v1/tokens', { body })
  expect([broken.status, broken.body.error.code]).toEqual([503, 'unavailable'])
})

test('readiness names what answers, and ends with the drain', async () => {
  await using api = await startApi()
  const ready = await api.call<object>('GET', '/readyz')
  const parts = { sql: true, log: true, bus: true }
  expect([ready.status, ready.body]).toEqual([200, { ready: true, draining: false, ...parts }])
  await api.server.drain()
  const draining = await api.call<object>('GET', '/readyz')
  expect([draining.status, draining.body]).toEqual([
    503,
    { ready: false, draining: true, ...parts },
  ])
  expect((await api.call('GET', '/healthz')).status).toBe(200)
})

test('readiness ends when a store does not answer', async () => {
  await using api = await startApi()
  api.context.log.heads = () => Promise.reject(new Error('gone'))
  const answer = await api.call<{ log: boolean }>('GET', '/readyz')
  expect([answer.status, answer.body.log]).toEqual([503, false])
})

test('[S14] figures name no account, device, number or address, and are for the machine itself', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  await api.call<DeviceLists>('GET', `/v1/accounts/${owner.account}/devices`, {
    token: owner.tokens.access_token,
  })
  const { body: text } = await api.call<string>('GET', '/metrics')
  expect(text).toContain('parley_http_requests_total{route="/v1/accounts/:account/devices"')
  for (const secret of [owner.account, owner.device.id, alice, alice.slice(1), '127.0.0.1']) {
    expect(text).not.toContain(secret)
  }
  const outside = await api.call('GET', '/metrics', { address: '203.0.113.7' })
  expect(outside.status).toBe(403)
  const headers = { 'x-forwarded-for': '203.0.113.7' }
  expect((await api.call('GET', '/metrics', { headers })).status).toBe(403)
})

test('the own counts and tokens are typed as clients read them', async () => {
  await using api = await startApi()
  const { tokens } = await api.register(alice)
  const typed: Tokens = tokens
  const answer = await api.call<PreKeyCounts>('GET', '/v1/prekeys', { token: typed.access_token })
  expect(answer.body).toEqual({ one_time_prekeys: 5, one_time_kyber_prekeys: 5 })
})

test('[S14] the access log is off by default, and names route and network only', async () => {
  const lines: string[] = []
  const written = { write: (line: string) => void lines.push(line) }
  await using api = await startApi({ logger: pino({ level: 'warn' }, written) })
  await api.call('POST', '/v1/registrations', { body: { phone: alice }, address: '203.0.113.7' })
  expect(lines).toEqual([])
  api.context.logger.level = 'info'
  await api.call('POST', '/v1/registrations', { body: { phone: alice }, address: '203.0.113.7' })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    method: 'POST',
    route: '/v1/registrations',
    status: 201,
    from: '203.0.113…',
  })
})

test('[S14] over registering, refreshing, looking up and failing, no log line holds a number, a code, a token or an address', async () => {
  const lines: string[] = []
  const written = { write: (line: string) => void lines.push(line) }
  await using api = await startApi({ logger: pino({ level: 'trace' }, written) })
  const address = '203.0.113.7'
  const { account, tokens } = await api.register(alice)
  const { access_token: token, refresh_token } = tokens
  const body = { grant_type: 'refresh_token', refresh_token }
  const fresh = await api.call<Tokens>('POST', '/v1/tokens', { body, address })
  const next = { grant_type: 'refresh_token', refresh_token: fresh.body.refresh_token }
  await api.call('POST', '/v1/tokens', { body: next, address })
  await api.call('POST', '/v1/tokens', { body, address })
  await api.call('POST', '/v1/lookup', { token, body: { phone: alice }, address })
  await api.call('GET', `/v1/accounts/${account}/devices`, { token, address })
  api.context.sms.sendCode = (phone) => Promise.reject(new Error(`no way to ${phone}`))
  await api.call('POST', '/v1/registrations', { body: { phone: alice }, address })
  await api.context.sql.schema.dropTable('registrations').execute()
  await api.call('POST', '/v1/registrations', { body: { phone: alice }, address })
  expect(lines.length).toBeGreaterThan(5)
  const text = lines.join('')
  const secrets = [alice.slice(1), alice.slice(3), api.codes.get(alice), token, refresh_token]
  for (const secret of [...secrets, fresh.body.refresh_token, address, account]) {
    expect(text).not.toContain(secret ?? 'nothing')
  }
})
