/**
 * What lets somebody in, or opens what was sealed, is nowhere on the server's side (S14): over a full
 * run with real clients and with all that goes wrong, not in its files, its output, its figures; and
 * what never leaves a client is not on the wire either.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { spawnServer, type SpawnedServer } from '@parley/testkit'
import { rootKeyPair } from '@parley/crypto'
import type { NumberProven, RegistrationStarted, Tokens } from '@parley/wire'
import { filesUnder } from '../e2e/marker-scan.ts'
import { RecordingRelay, webSocketPayloads } from '../e2e/recording-relay.ts'
import { newPhone, patienceMs, Person } from '../e2e/sdk-harness.ts'
import { RawSocket, webSocketFrame } from './raw-socket.ts'
import { helloOf } from './target-server.ts'

setDefaultTimeout(3 * patienceMs)

type Secrets = readonly (readonly [string, Buffer])[]

/** Enough of a key to know it by; less might come up by chance. */
const knownByBytes = 24

let server: SpawnedServer
let relay: RecordingRelay
let ada: Person
let ben: Person
/** Of devices and accounts: they never leave the client. */
let privateKeys: Secrets = []
/** They cross the wire, and the server keeps hashes of them. */
let credentials: Secrets = []
let codes: string[] = []
let files: [string, Buffer][] = []
let figures = ''

beforeAll(async () => {
  server = await spawnServer({ flags: ['--log-level', 'debug'] })
  relay = await RecordingRelay.before(server.url)
  const box = { url: relay.url, code: (phone: string) => server.code(phone) }
  ada = await Person.register(box, { name: 'Ada' })
  ben = await Person.register(box, { name: 'Ben' })
  await ada.client.findContact(ben.phone)
  for (let round = 1; round <= 5; round++) {
    await ada.send(ben, `there ${round}`)
    await ben.untilTheirs(ada, round)
    await ben.send(ada, `and back ${round}`)
    await ada.untilTheirs(ben, round)
  }
  const before = [...keysOf(ada), ...keysOf(ben)]
  const tokens = [...tokensOf(ada), ...tokensOf(ben)]
  const made = await makeMistakes()
  privateKeys = before
  credentials = [...tokens, ...made]
  const printed = server.output().stdout.matchAll(/^Code for \+\d+: (\d{6})$/gm)
  codes = [...printed].map((match) => match[1] ?? '')
  figures = await (await fetch(`${server.url}/metrics`)).text()
  files = filesUnder(server.dataFolder)
})

afterAll(async () => {
  await ada[Symbol.asyncDispose]()
  await ben[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

function rows<T>(person: Person, query: string): T[] {
  const database = new Database(join(person.folder, 'parley.db'), { readonly: true })
  try {
    return database.query<T, []>(query).all()
  } finally {
    database.close()
  }
}

function keysOf(person: Person): Secrets {
  const keys = (table: string, column: string) =>
    rows<{ key: Uint8Array }>(person, `SELECT ${column} AS key FROM ${table}`).map(
      ({ key }) => [`${table}.${column}`, Buffer.from(key).subarray(0, knownByBytes)] as const,
    )
  const root = Buffer.from(rootKeyPair(person.recoveryKey).privateKey)
  return [
    ...keys('account', 'identity_private'),
    ...keys('signed_prekeys', 'private_key'),
    ...keys('kyber_prekeys', 'private_key'),
    ...keys('one_time_prekeys', 'private_key'),
    ['root key', root.subarray(0, knownByBytes)],
    ['recovery key', Buffer.from(person.recoveryKey)],
  ]
}

/** Of a JWT the signature: what stands before it is no secret. */
function tokensOf(person: Person): Secrets {
  const found = rows<{ access_token: string; refresh_token: string }>(
    person,
    'SELECT access_token, refresh_token FROM account',
  )
  return found.flatMap((row) => [
    ['access token', Buffer.from(row.access_token.split('.')[2] ?? '')] as const,
    ['refresh token', Buffer.from(row.refresh_token)] as const,
  ])
}

async function post<T>(path: string, body: unknown, token?: string): Promise<T> {
  const headers = new Headers({ 'content-type': 'application/json' })
  if (token) headers.set('authorization', `Bearer ${token}`)
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return (await answer.json()) as T
}

/** What goes wrong is what logs are talkative about. Returns the secrets that came up on the way. */
async function makeMistakes(): Promise<Secrets> {
  const phone = newPhone()
  const { registration } = await post<RegistrationStarted>('/v1/registrations', { phone })
  const registering = `/v1/registrations/${registration}`
  const right = await server.code(phone)
  const wrong = right === '123456' ? '123457' : '123456'
  await post(`${registering}/code`, { code: wrong })
  const { proof } = await post<NumberProven>(`${registering}/code`, { code: right })
  await post(`${registering}/code`, { code: right })
  await post(`${registering}/device`, { proof, device: 'x' })
  const [
    { access_token: access, refresh_token: refresh } = { access_token: '', refresh_token: '' },
  ] = rows<Tokens>(ben, 'SELECT access_token, refresh_token FROM account')
  await post('/v1/lookup', `{"phone":"${phone}`, access)
  await post(`/v1/lookup?token=${access}`, { phone: '+4915999999997' }, `${access}x`)
  const grant = (token: string) => ({ grant_type: 'refresh_token', refresh_token: token })
  const next = await post<Tokens>('/v1/tokens', grant(refresh))
  const last = await post<Tokens>('/v1/tokens', grant(next.refresh_token))
  await post('/v1/tokens', grant(refresh))
  for (const text of [last.access_token, `${access}x`, 'x']) {
    await using socket = await RawSocket.upgraded(server.url)
    await socket.write(helloOf({ token: text } as never))
    await socket.write(webSocketFrame(Buffer.from(`garbage ${access}`)))
    await socket.closed()
  }
  return [
    ['registration', Buffer.from(registration)],
    ['proof', Buffer.from(proof)],
    ['next refresh token', Buffer.from(next.refresh_token)],
    ['last refresh token', Buffer.from(last.refresh_token)],
    ['last access token', Buffer.from(last.access_token.split('.')[2] ?? '')],
  ]
}

/** As bytes, and as texts that bytes are written as, wherever in a longer one they stand. */
function formsOf(secret: Buffer): Buffer[] {
  const texts = [secret.toString('hex'), secret.toString('hex').toUpperCase()]
  for (const alphabet of ['base64', 'base64url'] as const) {
    for (let offset = 0; offset < 3; offset++) {
      const shifted = Buffer.concat([Buffer.alloc(offset), secret]).toString(alphabet)
      const from = Math.ceil((offset * 8) / 6)
      const to = Math.floor(((offset + secret.length) * 8) / 6)
      texts.push(shifted.slice(from, to))
    }
  }
  return [secret, ...texts.map((text) => Buffer.from(text))]
}

function found(secrets: Secrets, places: readonly (readonly [string, Buffer])[]): string[] {
  return secrets.flatMap(([name, secret]) => {
    const forms = formsOf(secret)
    const where = places.filter(([, bytes]) => forms.some((form) => bytes.includes(form)))
    return where.map(([place]) => `${name} in ${place}`)
  })
}

function output(): [string, Buffer][] {
  const { stdout, stderr } = server.output()
  return [
    ['stdout', Buffer.from(stdout)],
    ['stderr', Buffer.from(stderr)],
    ['figures', Buffer.from(figures)],
  ]
}

test('[S14] the control: the scan finds each secret where it belongs', () => {
  expect(privateKeys.length).toBeGreaterThan(200)
  expect(credentials.length).toBe(9)
  const own = [...filesUnder(ada.folder), ...filesUnder(ben.folder)]
  const kept = privateKeys.filter(([name]) => !name.startsWith('r'))
  expect(kept.filter((secret) => found([secret], own).length === 0)).toEqual([])
  const [, secret] = privateKeys[0] ?? ['', Buffer.alloc(0)]
  for (const around of ['', 'x', 'xy']) {
    const bytes = Buffer.concat([Buffer.from(around), secret, Buffer.from('end')])
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const text = Buffer.from(bytes.toString(encoding), encoding === 'latin1' ? 'latin1' : 'utf8')
      expect(found([['planted', secret]], [['text', text]])).toEqual(['planted in text'])
    }
  }
})

test('[S14] no private key stands in a file, a line or a figure of the server, nor on the wire', () => {
  const carried = relay.carried()
  const wire = carried.flatMap((each) => [each.fromClient, each.fromServer])
  const frames = carried.flatMap((each) => webSocketPayloads(each) ?? [])
  expect(Buffer.concat(frames).length).toBeGreaterThan(10_000)
  const places = [...wire, ...frames].map((bytes, index) => [`stream ${index}`, bytes] as const)
  expect(found(privateKeys, [...files, ...output(), ...places])).toEqual([])
})

test('[S14] no token, proof or registration stands in a file, a line or a figure of the server', () => {
  const wire = Buffer.concat(relay.carried().map(({ fromServer }) => fromServer))
  expect(found(credentials, [['wire', wire]]).length).toBeGreaterThan(0)
  expect(found(credentials, [...files, ...output()])).toEqual([])
})

test('[S14] codes stand on stdout alone, numbers there and in the table of accounts alone', () => {
  const { stderr, stdout } = server.output()
  expect(stderr).toContain('"msg":"request"')
  expect(codes.length).toBeGreaterThanOrEqual(3)
  const lines = stdout.split('\n').filter((line) => !line.startsWith('Code for '))
  const elsewhere = [stderr, figures, ...lines]
  for (const text of elsewhere) {
    for (const code of codes) expect(text).not.toMatch(new RegExp(`\\b${code}\\b`))
    for (const { phone } of [ada, ben]) expect(text).not.toContain(phone.slice(4))
    expect(text).not.toContain('15999999997')
  }
  const digits = codes.map((code): [string, Buffer] => ['code', Buffer.from(`:${code}`)])
  expect(found(digits, files)).toEqual([])
})
