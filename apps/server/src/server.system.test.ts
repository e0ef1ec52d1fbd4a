/** The whole server in this process, with real sockets on a real port. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ApiErrorBody,
  type DeviceRegistered,
  decodeServerFrame,
  encodeClientFrame,
  type NumberProven,
  parseAccountId,
  type RegistrationStarted,
  type ServerFrame,
} from '@parley/wire'
import {
  listJson,
  newDevice,
  newRoot,
  preKeyUpload,
  signList,
  startServer,
  type TestServer,
} from '@parley/testkit'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'

async function post<T>(url: string, path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await answer.json()) as T
}

async function register(server: TestServer, phone = alice): Promise<DeviceRegistered> {
  const { url, codes } = server
  const { registration } = await post<RegistrationStarted>(url, '/v1/registrations', { phone })
  const path = `/v1/registrations/${registration}`
  const proven = await post<NumberProven>(url, `${path}/code`, { code: codes.get(phone) })
  const device = newDevice()
  const account = parseAccountId(proven.account)
  const root = newRoot()
  const list = signList({
    account,
    root,
    devices: [device],
    previous: undefined,
    signer: undefined,
  })
  return post<DeviceRegistered>(url, `${path}/device`, {
    proof: proven.proof,
    device: device.id,
    device_list: listJson(list.signed),
    prekeys: preKeyUpload({ device, firstId: 1, oneTime: 1, oneTimeKyber: 1 }),
  })
}

interface Dialled {
  socket: WebSocket
  opened: Promise<boolean>
  closed: Promise<number>
  frame(): Promise<ServerFrame>
}

function dial(url: string, options: { protocol?: string; origin?: string } = {}): Dialled {
  const { protocol = 'parley.v1', origin } = options
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/socket`, {
    protocols: protocol === '' ? [] : [protocol],
    headers: origin ? { Origin: origin } : {},
  } as never)
  socket.binaryType = 'arraybuffer'
  const frames: ServerFrame[] = []
  const waiting: ((frame: ServerFrame) => void)[] = []
  socket.addEventListener('message', ({ data }) => {
    const frame = decodeServerFrame(new Uint8Array(data as ArrayBuffer))
    const taker = waiting.shift()
    if (taker) taker(frame)
    else frames.push(frame)
  })
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener('close', ({ code }) => resolve(code))
  })
  const opened = new Promise<boolean>((resolve) => {
    socket.addEventListener('open', () => resolve(true))
    void closed.then(() => resolve(false))
  })
  const frame = () => {
    const ready = frames.shift()
    if (ready) return Promise.resolve(ready)
    return new Promise<ServerFrame>((resolve) => waiting.push(resolve))
  }
  return { socket, opened, closed, frame }
}

async function enter(server: TestServer, token: string): Promise<Dialled> {
  const dialled = dial(server.url)
  await dialled.opened
  dialled.socket.send(encodeClientFrame({ kind: 'hello', token, cursors: [], capabilities: [] }))
  expect((await dialled.frame()).kind).toBe('welcome')
  return dialled
}

test('a registered device is welcomed on the socket', async () => {
  await using server = await startServer()
  const { tokens } = await register(server)
  const { socket } = await enter(server, tokens.access_token)
  socket.close()
})

test('[S7] registering the number again closes the socket of the old device at once', async () => {
  await using server = await startServer()
  const old = await register(server)
  const { closed } = await enter(server, old.tokens.access_token)
  const startedMs = Bun.nanoseconds() / 1e6
  await register(server)
  expect(await closed).toBe(4500)
  expect(Bun.nanoseconds() / 1e6 - startedMs).toBeLessThan(5_000)
})

test('[S7] logging out closes the socket', async () => {
  await using server = await startServer()
  const { tokens } = await register(server)
  const { closed } = await enter(server, tokens.access_token)
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  await fetch(`${server.url}/v1/session`, { method: 'DELETE', headers })
  expect(await closed).toBe(4500)
})

test('[S15] a socket is opened for the own origin and for programs, not for other pages', async () => {
  await using server = await startServer()
  const own = dial(server.url, { origin: server.url })
  const program = dial(server.url)
  const foreign = dial(server.url, { origin: 'https://evil.example' })
  const opened = await Promise.all([own.opened, program.opened, foreign.opened])
  expect(opened).toEqual([true, true, false])
  own.socket.close()
  program.socket.close()
})

test('a socket without the subprotocol, and a plain request, are refused with the error body', async () => {
  await using server = await startServer()
  expect(await dial(server.url, { protocol: 'chat.v9' }).opened).toBe(false)
  const answer = await fetch(`${server.url}/v1/socket`)
  const body = (await answer.json()) as ApiErrorBody
  expect([answer.status, body.error.code]).toEqual([400, 'invalid-request'])
})

test('a text message closes the connection', async () => {
  await using server = await startServer()
  const { socket, opened, closed } = dial(server.url)
  await opened
  socket.send('hello')
  expect(await closed).toBe(4501)
})

test('stopping tells connections to come back, and the server serves again on the same port', async () => {
  await using server = await startServer()
  const { tokens } = await register(server)
  const { closed, frame } = await enter(server, tokens.access_token)
  const restarted = server.restart()
  const told: string[] = []
  for (let next = await frame(); next.kind !== 'closing'; next = await frame()) told.push(next.kind)
  expect(await closed).toBe(4000)
  await restarted
  const again = await enter(server, tokens.access_token)
  again.socket.close()
})

test('the data of a server that was stopped is there at the next start', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-data-'))
  const first = await startServer({ dataFolder })
  const { account, tokens } = await register(first)
  await first.stop()
  const second = await startServer({ dataFolder })
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const own = await fetch(`${second.url}/v1/account`, { headers })
  expect(((await own.json()) as { account: string }).account).toBe(account)
  await second.stop()
  rmSync(dataFolder, { recursive: true })
})

test('a second server on the data folder is refused, and one after the first has ended is not', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-data-'))
  const first = await startServer({ dataFolder })
  const refused = await startServer({ dataFolder }).then(String, (error: Error) => error.message)
  expect(refused).toContain('Another Parley server runs on the data folder')
  await first.stop()
  const second = await startServer({ dataFolder })
  await second.stop()
  rmSync(dataFolder, { recursive: true })
})

test('a port that is in use is said to be so, and the data folder is let go of', async () => {
  await using first = await startServer()
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-data-'))
  const port = Number(new URL(first.url).port)
  const refused = await startServer({ dataFolder, port }).then(
    String,
    (error: Error) => error.message,
  )
  expect(refused).toBe(
    `Port ${port} on 127.0.0.1 is in use. Stop the program that uses it, or choose another port with --port.`,
  )
  await using second = await startServer({ dataFolder })
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
})

test('the web app: assets for a year, the page revalidated, unknown paths are the page, the rest is kept in', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-web-'))
  const webFolder = join(folder, 'dist')
  await mkdir(join(webFolder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  symlinkSync(join(folder, 'secret.txt'), join(webFolder, 'link.txt'))
  writeFileSync(join(webFolder, 'index.html'), '<title>Parley</title>')
  writeFileSync(join(webFolder, 'assets/app-1a2b.js'), 'export {}')
  writeFileSync(join(webFolder, 'assets/app-1a2b.js.br'), 'packed')
  await using server = await startServer({ webFolder })
  const get = (path: string, headers = {}) =>
    fetch(server.url + path, { headers, decompress: false } as never)
  const page = await get('/')
  expect(page.headers.get('cache-control')).toBe('no-cache')
  expect(page.headers.get('content-type')).toStartWith('text/html')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  const tag = page.headers.get('etag') ?? ''
  expect((await get('/', { 'if-none-match': tag })).status).toBe(304)
  expect(await (await get('/chat/123')).text()).toBe('<title>Parley</title>')
  const asset = await get('/assets/app-1a2b.js', { 'accept-encoding': 'identity' })
  expect(asset.headers.get('cache-control')).toContain('immutable')
  expect(asset.headers.get('content-type')).toStartWith('text/javascript')
  expect(await asset.text()).toBe('export {}')
  const packed = await get('/assets/app-1a2b.js', { 'accept-encoding': 'br' })
  expect(packed.headers.get('content-encoding')).toBe('br')
  expect((await get('/assets/gone.js')).status).toBe(404)
  expect((await get('/missing.png')).status).toBe(404)
  expect((await get('/v1/nothing')).headers.get('content-type')).toStartWith('application/json')
  for (const path of [
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/link.txt',
    '/assets/..%2f..%2fsecret.txt',
  ]) {
    expect(await (await get(path)).text()).not.toBe('secret')
  }
  rmSync(folder, { recursive: true })
})
