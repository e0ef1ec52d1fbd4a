/** The API as a whole: how refusals look, and what the document says. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import {
  type ApiErrorBody,
  apiErrors,
  type DeviceLists,
  type PreKeyCounts,
  type Tokens,
} from '@parley/wire'
import { preKeyUpload, startApi, type TestApi } from '@parley/testkit'
import { Hono } from 'hono'
import { sql as statement } from 'kysely'
import { pino } from 'pino'
import { securityHeaders } from './security-headers.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'

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

// A check of sizes looked at whatever has a length, and threw: anybody could fill the log with
// mistakes of the server.
test('something that only has a length is neither a text nor a list', async () => {
  await using api = await startApi()
  const { device, tokens } = await api.register(alice)
  const odd = { length: { toString: 1 } }
  const upload = preKeyUpload({ device, firstId: 100, oneTime: 1, oneTimeKyber: 1 })
  const token = tokens.access_token
  const answers = await Promise.all([
    api.call('POST', '/v1/registrations', { body: { phone: odd } }),
    api.call('POST', '/v1/tokens', { body: { grant_type: 'refresh_token', refresh_token: odd } }),
    api.call('PUT', '/v1/prekeys', { token, body: { ...upload, one_time_prekeys: odd } }),
    api.call('PUT', '/v1/prekeys', {
      token,
      body: { ...upload, signed_prekey: { ...upload.signed_prekey, public_key: odd } },
    }),
  ])
  for (const { status, body } of answers) {
    expect([status, body.error.code]).toEqual([400, 'invalid-request'])
  }
})

test('texts and lists beyond their bounds are refused', async () => {
  await using api = await startApi()
  const { account, device, tokens } = await api.register(alice)
  const token = tokens.access_token
  const path = `/v1/accounts/${account}/bundles`
  const answers = await Promise.all([
    api.call('POST', '/v1/registrations', { body: { phone: '' } }),
    api.call('POST', '/v1/registrations', { body: { phone: '1'.repeat(41) } }),
    api.call('POST', path, { token, body: { devices: [] } }),
    api.call('POST', path, { token, body: { devices: Array<string>(11).fill(device.id) } }),
  ])
  for (const { status, body } of answers) {
    expect([status, body.error.code]).toEqual([400, 'invalid-request'])
  }
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

// Whoever hung up in the middle of a body was written down as a mistake of the server.
test('[F1] a body whose sender is gone is no mistake of the server', async () => {
  const lines: string[] = []
  const written = { write: (line: string) => void lines.push(line) }
  await using api = await startApi({ logger: pino({ level: 'warn' }, written) })
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new DOMException('The connection was closed.', 'AbortError'))
    },
  })
  const request = new Request('http://parley.test/v1/registrations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const answer = await api.server.fetch(request, { remoteAddress: '127.0.0.1' })
  expect([answer.status, lines]).toEqual([400, []])
})

test('[S16] where the public address is https, browsers are told to stay there', async () => {
  const told = async (secure: boolean) => {
    const app = new Hono()
    app.use(securityHeaders({ secure }) as never)
    const answer = await app.request('/')
    return answer.headers.get('strict-transport-security')
  }
  expect([await told(true), await told(false)]).toEqual([
    'max-age=31536000; includeSubDomains',
    null,
  ])
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
