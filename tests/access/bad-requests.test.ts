/** HTTP as no client speaks it, against a server of its own (F1): bytes, bodies, tokens, paths. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { apiErrors } from '@parley/wire'
import { SimRandom } from '@parley/testkit'
import { RawSocket } from './raw-socket.ts'
import { TargetServer } from './target-server.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(120_000)

let target: TargetServer

beforeAll(async () => {
  target = await TargetServer.start({ people: 2 })
})

afterAll(async () => {
  await target[Symbol.asyncDispose]()
})

const kib = 1024
const json = 'content-type: application/json'

function request(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  const all = ['host: chat.example.org', 'connection: close', ...headers, ...length]
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`
}

const post = (path: string, body: string) => request(`POST ${path}`, [json], body)

async function statusOf(bytes: string | Uint8Array): Promise<number | undefined> {
  await using socket = await RawSocket.open(target.url)
  await socket.write(bytes)
  await socket.until(() => socket.ended || socket.status !== undefined)
  return socket.status
}

/** What is written, and the status that it gets; undefined: the connection is closed without one. */
const cases: Readonly<Record<string, readonly [string | Uint8Array, number | undefined]>> = {
  'bytes that are no request': [Uint8Array.of(0, 1, 2, 255, 13, 10, 13, 10), 400],
  'a method that does not exist': [request('FROB /'), undefined],
  'no Host': ['GET /healthz HTTP/1.1\r\n\r\n', 400],
  'a Host that is no host': ['GET /healthz HTTP/1.1\r\nhost: [\r\n\r\n', 400],
  'a Host with spaces': ['GET /v1/socket HTTP/1.1\r\nhost: a b<>\r\n\r\n', 400],
  'a path of a hundred thousand letters': [request(`GET /${'a'.repeat(100_000)}`), 431],
  'a header of a mebibyte': [request('GET /', [`x: ${'a'.repeat(kib * kib)}`]), 431],
  'five thousand headers': [request('GET /', Array<string>(5_000).fill('x: y')), 431],
  'a length below zero': [request('POST /v1/registrations', ['content-length: -4']), 400],
  'two lengths': [
    request('POST /v1/registrations', ['content-length: 4', 'transfer-encoding: chunked']),
    400,
  ],
  'a chunk of no length': [
    `${request('POST /v1/registrations', [json, 'transfer-encoding: chunked'])}ZZZ\r\n`,
    400,
  ],
  'a body of a hundred megabytes': [
    request('POST /v1/registrations', [json, 'content-length: 100000000']),
    413,
  ],
  'a body of 20 KiB': [post('/v1/registrations', ' '.repeat(20 * kib)), 413],
  'a body that is no JSON': [post('/v1/registrations', '{"phone":'), 400],
  'a body that is no UTF-8': [post('/v1/registrations', '{"phone":"\xff\xfe"}'), 400],
  'a body of another type': [
    request('POST /v1/registrations', ['content-type: text/xml'], 'x'),
    400,
  ],
  'no body': [request('POST /v1/registrations', [json]), 400],
  'a number nested fifteen thousand deep': [post('/v1/registrations', '['.repeat(15_000)), 400],
  'an escape that is none': [request('GET /v1/accounts/%ff%/devices'), 401],
  'a path of slashes': [request('GET //[//..//%2e%2e//'), 404],
  'an address instead of a path': [request('GET http://evil.example/healthz'), 200],
  'a socket without its headers': [request('GET /v1/socket'), 400],
  'a socket with a broken key': [
    request('GET /v1/socket', [
      'upgrade: websocket',
      'sec-websocket-protocol: parley.v1',
      'sec-websocket-version: 13',
    ]),
    400,
  ],
}

for (const [what, [bytes, status]] of Object.entries(cases)) {
  test(`[F1] ${what} is answered with ${status ?? 'the end of the connection'}`, async () => {
    expect(await statusOf(bytes)).toBe(status)
  })
}

test('[F1] bodies nested as deep as they may be long are not understood, and no mistake of ours', async () => {
  const token = target.person(0).token
  const bearer = `authorization: Bearer ${token}`
  for (const open of ['[', '{"a":', '[{"a":']) {
    for (const bytes of [15 * kib, 383 * kib]) {
      const body = open.repeat(Math.floor(bytes / open.length))
      const closing = `${body}1${body.replaceAll(/[^[{]/g, '').replaceAll('[', ']').replaceAll('{', '}')}`
      for (const text of [body, closing.length <= bytes * 2 ? closing.slice(0, 384 * kib) : body]) {
        const status = await statusOf(request('PUT /v1/prekeys', [json, bearer], text))
        expect([open, bytes, status]).toEqual([open, bytes, 400])
      }
    }
  }
})

test('[F1] tokens of any kind are refused as such, in requests', async () => {
  const random = new SimRandom(5)
  const good = target.person(0).token
  const [head = '', claims = '', signature = ''] = good.split('.')
  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const tokens = [
    'x',
    '..',
    `${head}.${claims}.`,
    `${none}.${claims}.`,
    `${head}.${claims}.${signature.slice(2)}`,
    `${head}.${claims}.${signature}.${signature}`,
    `${head}.${'a'.repeat(8_000)}.${signature}`,
    `Bearer ${good}`,
    ...Array.from({ length: 60 }, () => mutated(random, good)),
  ]
  for (const token of tokens) {
    const status = await statusOf(request('GET /v1/account', [`authorization: Bearer ${token}`]))
    expect([token, status]).toEqual([token, 401])
  }
  expect(await statusOf(request('GET /v1/account', [`authorization: Bearer ${good}`]))).toBe(200)
})

/** Three characters are others. */
function mutated(random: SimRandom, text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
  const letters = [...text]
  for (let change = 0; change < 3; change++) {
    const at = random.below(letters.length - 2)
    const other = [...alphabet].filter((letter) => letter !== letters[at])
    letters[at] = other[random.below(other.length)] ?? ''
  }
  return letters.join('')
}

test('[F1] a thousand requests with bytes changed anywhere are never a mistake of the server (seed 11)', async () => {
  const random = new SimRandom(11)
  const { token } = target.person(1)
  const bearer = `authorization: Bearer ${token}`
  const seeds = [
    request('GET /v1/account', [bearer]),
    request(`GET /v1/accounts/00000000-0000-4000-8000-000000000000/devices?after=0`, [bearer]),
    request('POST /v1/lookup', [bearer, json], '{"phone":"+4915112345678"}'),
    post('/v1/registrations', '{"phone":"+4915112345678"}'),
    post('/v1/tokens', '{"grant_type":"refresh_token","refresh_token":"AAAA"}'),
    post('/v1/registrations/AAAA/code', '{"code":"123456"}'),
  ].map((text) => Buffer.from(text))
  const statuses = new Map<number | undefined, number>()
  const attack = async (count: number) => {
    for (let sent = 0; sent < count; sent++) {
      const bytes = Buffer.from(seeds[random.below(seeds.length)] ?? '')
      for (let change = random.between(1, 6); change > 0; change--) {
        bytes[random.below(bytes.length)] = random.below(256)
      }
      const status = await statusUnlessWaiting(bytes)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 20 }, () => attack(50)))
  const known = new Set<number>(Object.values(apiErrors).map(({ status }) => status))
  for (const own of [200, 201, 204, 431, 505]) known.add(own)
  known.delete(500)
  for (const status of statuses.keys()) {
    if (status !== undefined) expect(known).toContain(status)
  }
  expect(statuses.size).toBeGreaterThan(3)
  await target.serves()
})

/** Some wait for a body that does not come; nobody waits for those here. */
async function statusUnlessWaiting(bytes: Uint8Array): Promise<number | undefined> {
  await using socket = await RawSocket.open(target.url)
  await socket.write(bytes)
  const health = await fetch(`${target.url}/healthz`)
  expect(health.status).toBe(200)
  await health.text()
  return socket.status
}

test('[F1] after all that the server serves, and has written of no mistake', async () => {
  await target.serves()
  expect(target.complaints()).toBe('')
})
