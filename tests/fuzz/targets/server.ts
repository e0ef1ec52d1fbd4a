/** packages/server: the HTTP API through its front door, tokens, numbers, and the gateway. */
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as wire from '@parley/wire'
import { parsePhone } from '../../../packages/server/src/accounts/phone-numbers.ts'
import { ApiError } from '../../../packages/server/src/api-error.ts'
import {
  GatewayRig,
  type TestClient,
  tokenOf,
} from '../../../packages/server/src/gateway/gateway-rig.contract.ts'
import {
  BackupError,
  encodeManifest,
  parseManifest,
} from '../../../packages/server/src/backup/manifest.ts'
import { addressKeys, maskAddress } from '../../../packages/server/src/limits.ts'
import {
  startApi,
  type RegisteredUser,
  type TestApi,
} from '../../../packages/testkit/src/test-api.ts'
import {
  listJson,
  newDevice,
  preKeyUpload,
  signList,
} from '../../../packages/testkit/src/test-device.ts'
import {
  BrokenPromise,
  type FuzzFunction,
  jsonBytes,
  NotAnInput,
  type OpenTarget,
  type Target,
  textBytes,
  textOf,
} from '../target.ts'
import * as samples from './samples.ts'

/** What the API answers with, nothing else: never a mistake of its own. */
async function answerOf(api: TestApi, request: Request, address = '127.0.0.1'): Promise<unknown> {
  const answer = await api.server.fetch(request, { remoteAddress: address })
  api.published.length = 0
  const body = await answer.text()
  const { status } = answer
  if (status >= 500 && status !== 503)
    throw new BrokenPromise(`status ${status}: ${body.slice(0, 200)}`)
  const isApi = new URL(request.url).pathname.startsWith('/v1/')
  if (status < 400 || !isApi || request.method === 'HEAD') return { status }
  const { error } = JSON.parse(body) as wire.ApiErrorBody
  if (!Object.hasOwn(wire.apiErrors, error.code)) throw new BrokenPromise(`no such error: ${body}`)
  return { status, code: error.code, says: error.message.length }
}

/** A route with a body, and bodies that it takes. */
export interface Route {
  method: string
  path: string
  /** As /openapi.json names it, if it has parameters. */
  template?: string
  bodies: readonly unknown[]
  isAuthorized: boolean
}

export async function routesWithBodies(api: TestApi, user: RegisteredUser): Promise<Route[]> {
  const { account, device, root } = user
  const other = newDevice(2)
  const list = signList({
    account,
    root,
    devices: [device, other],
    previous: user.list,
    signer: device,
  })
  const prekeys = (of = device) =>
    preKeyUpload({ device: of, firstId: 50, oneTime: 2, oneTimeKyber: 1 })
  const begun = await api.prove('+4915112345001')
  const fresh = newDevice()
  const first = signList({
    account: wire.parseAccountId(begun.account),
    root,
    devices: [fresh],
    previous: undefined,
    signer: undefined,
  })
  const { registration, proof } = begun
  const registering = '/v1/registrations/{registration}'
  const grant = {
    account,
    device: device.id,
    nonce: 'AAAA',
    signature: wire.toBase64(samples.bytes(64)),
  }
  return [
    {
      method: 'POST',
      path: '/v1/registrations',
      bodies: [{ phone: '+4915112345002' }],
      isAuthorized: false,
    },
    {
      method: 'POST',
      path: `/v1/registrations/${registration}/code`,
      template: `${registering}/code`,
      bodies: [{ code: '123456' }],
      isAuthorized: false,
    },
    {
      method: 'POST',
      path: `/v1/registrations/${registration}/device`,
      template: `${registering}/device`,
      bodies: [
        { proof, device: fresh.id, device_list: listJson(first.signed), prekeys: prekeys(fresh) },
      ],
      isAuthorized: false,
    },
    {
      method: 'POST',
      path: '/v1/tokens',
      bodies: [
        { grant_type: 'refresh_token', refresh_token: user.tokens.refresh_token },
        { grant_type: 'device_signature', ...grant },
      ],
      isAuthorized: false,
    },
    {
      method: 'POST',
      path: '/v1/devices',
      bodies: [
        {
          device_list: listJson(list.signed),
          new_device: { device: other.id, prekeys: prekeys(other) },
        },
      ],
      isAuthorized: true,
    },
    { method: 'PUT', path: '/v1/prekeys', bodies: [prekeys()], isAuthorized: true },
    { method: 'POST', path: '/v1/lookup', bodies: [{ phone: user.phone }], isAuthorized: true },
    {
      method: 'POST',
      path: `/v1/accounts/${account}/device-lists`,
      template: '/v1/accounts/{account}/device-lists',
      bodies: [{ device_list: listJson(user.list.signed) }],
      isAuthorized: false,
    },
    {
      method: 'POST',
      path: `/v1/accounts/${account}/bundles`,
      template: '/v1/accounts/{account}/bundles',
      bodies: [{ devices: [device.id] }],
      isAuthorized: true,
    },
  ]
}

/** Routes whose valid bodies must be understood, even where they come too late or twice. */
const notUnderstood = 400
const phone = '+4915112345000'

async function bodies(): Promise<OpenTarget> {
  const api = await startApi()
  const user = await api.register(phone)
  const routes = await routesWithBodies(api, user)
  const token = user.tokens.access_token
  const send = ({ isAuthorized, method, path }: Route, body: string) => {
    const headers = new Headers({ 'content-type': 'application/json' })
    if (isAuthorized) headers.set('authorization', `Bearer ${token}`)
    return answerOf(api, new Request(`http://parley.test${path}`, { method, headers, body }))
  }
  for (const route of routes) {
    for (const body of route.bodies) {
      const { status } = (await send(route, JSON.stringify(body))) as { status: number }
      if (status === notUnderstood) throw new Error(`${route.path} does not take its own body`)
    }
  }
  const functions = routes.map((route): FuzzFunction => {
    return {
      name: `${route.method} ${route.template ?? route.path}`,
      kind: 'text',
      seeds: route.bodies.map(jsonBytes),
      run: (input) => send(route, textOf(input)),
      refuses: () => false,
      pure: false,
    }
  })
  return { functions, close: async () => api[Symbol.asyncDispose]() }
}

const secret = 'what no answer may hold'

/** Everything of a request but its body: one line each for method, path, and headers. */
async function requests(): Promise<OpenTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-web-'))
  const webRoot = join(folder, 'web')
  await mkdir(join(webRoot, 'assets'), { recursive: true })
  await writeFile(join(webRoot, 'index.html'), 'the app')
  await writeFile(join(webRoot, 'assets', 'app.js'), 'code')
  await writeFile(join(folder, 'secret.txt'), secret)
  const api = await startApi({ webRoot })
  const { account, tokens } = await api.register(phone)
  const bearer = `authorization: Bearer ${tokens.access_token}`
  const seeds = [
    `GET\n/v1/account\n${bearer}`,
    `GET\n/v1/accounts/${account}/devices?after=0\n${bearer}`,
    `GET\n/v1/prekeys\n${bearer}\naccept: application/json`,
    'GET\n/v1/server\nx-forwarded-for: 192.0.2.1, ::1',
    'GET\n/assets/app.js\nif-none-match: "1-4"\naccept-encoding: br, gzip',
    'HEAD\n/chats/1\nrange: bytes=0-1',
    'GET\n/../secret.txt\n',
    'POST\n/v1/tokens/nonce\ncontent-length: 0',
    'GET\n/v1/socket\nupgrade: websocket\nsec-websocket-protocol: parley.v1\norigin: http://parley.test',
    'GET\n/openapi.json\n',
  ]
  const run = async (input: Uint8Array) => {
    const request = requestIn(textOf(input))
    const refusal = api.server.refuseUpgrade(request)
    const answer = await api.server.fetch(new Request(request), { remoteAddress: '192.0.2.9' })
    if ((await answer.text()).includes(secret)) throw new BrokenPromise('it serves what is outside')
    const outcome = (await answerOf(api, request, '192.0.2.9')) as object
    return { ...outcome, upgrade: refusal?.status }
  }
  const shared = { kind: 'text', refuses: () => false, pure: false, inputBytesMax: 20_000 } as const
  return {
    functions: [{ ...shared, name: 'requests', seeds: seeds.map(textBytes), run }],
    async close() {
      await api[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What no client and no proxy can send is no input. */
function requestIn(text: string): Request {
  const [method = '', path = '', ...lines] = text.split('\n')
  try {
    const headers = new Headers()
    for (const line of lines) {
      const colon = line.indexOf(':')
      if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
    }
    return new Request(`http://parley.test${path.startsWith('/') ? path : `/${path}`}`, {
      method,
      headers,
    })
  } catch {
    throw new NotAnInput()
  }
}

function numbers(): FuzzFunction[] {
  const shared = {
    kind: 'text',
    refuses: (error: unknown) => error instanceof ApiError,
    pure: true,
  } as const
  const phones = ['+4915112345678', '0151 12345678', '+1 (202) 555-0143', '+44 20 7946 0018'].map(
    textBytes,
  )
  const addresses = ['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.1', '::1', 'fe80::1%eth0']
  return [
    {
      ...shared,
      name: 'parsePhone',
      seeds: phones.slice(0, 1),
      run: (input) => parsePhone(textOf(input), undefined),
    },
    {
      ...shared,
      name: 'parsePhone in a country',
      seeds: phones,
      run: (input) => parsePhone(textOf(input), 'DE'),
    },
    {
      ...shared,
      name: 'addressKeys',
      seeds: addresses.map(textBytes),
      run: (input) => [addressKeys(textOf(input)), maskAddress(textOf(input))],
      refuses: () => false,
    },
  ]
}

/** A backup may lie about for years, on disks of any kind. */
function manifests(): FuzzFunction {
  const fileOf = <Name extends string>(name: Name) => ({
    name,
    size_bytes: 4_096,
    sha256: '0f'.repeat(32),
  })
  const manifest = encodeManifest({
    parley_version: '0.1.0',
    created_at: '2026-03-01T02:00:00.000Z',
    incarnation: '5a'.repeat(16),
    newest_position: 4_096,
    entries: 1,
    accounts: 1,
    files: [fileOf('log.sqlite'), fileOf('accounts.sqlite')],
  })
  return {
    name: 'parseManifest',
    kind: 'text',
    seeds: [textBytes(manifest)],
    run: (input) => parseManifest(textOf(input), 'backup'),
    refuses: (error) => error instanceof BackupError,
    pure: true,
  }
}

/** A gateway has seen enough after so many frames: its log and its clients pile up. */
const framesPerRig = 400

/** Frames on a connection that is greeted, and on one that is not. */
async function gateway(): Promise<OpenTarget> {
  let rig: GatewayRig | undefined
  let frames = 0
  let greeted: TestClient | undefined
  const begin = async () => {
    await rig?.[Symbol.asyncDispose]()
    rig = await GatewayRig.start()
    greeted = undefined
    frames = 0
    return rig
  }
  const first = await begin()
  const [alice] = first.account()
  const [bob] = first.account()
  if (!alice || !bob) throw new Error('no accounts')
  const lists = first.lists
  const log = wire.inboxOf(alice.account)
  const hello = {
    kind: 'hello',
    token: tokenOf(alice),
    cursors: [{ log, position: 0 }],
    capabilities: [],
  } as const
  const seeds = [
    hello,
    first.send(alice, bob.account),
    { kind: 'ack', log, position: 0 } as const,
    { kind: 'fetch', log, after: 0, limit: 5 } as const,
    { kind: 'subscribe', accounts: [bob.account] } as const,
    { kind: 'typing', peer: bob.account, active: true } as const,
    { kind: 'receipt', peer: bob.account, peerDevice: bob.device, delivered: 0, read: 0 } as const,
    { kind: 'ping' } as const,
  ].map((frame) => wire.encodeClientFrame(frame as wire.ClientFrame))
  const run = async (input: Uint8Array) => {
    const current = rig && frames++ < framesPerRig ? rig : await begin()
    for (const [account, list] of lists) current.lists.set(account, list)
    current.tokens.set(tokenOf(alice), alice)
    greeted = greeted && greeted.closedWith === undefined ? greeted : await current.enter(alice)
    const fresh = current.connect()
    const before = greeted.frames.length
    for (const client of [greeted, fresh]) client.sendBytes(input)
    await current.pass(30)
    fresh.leave()
    const unavailable = current.counted.get('closed unavailable') ?? 0
    if (unavailable > 0) throw new BrokenPromise('a frame could not be handled')
    const kind = greeted.frames
      .slice(before)
      .map((frame) => frame.kind)
      .join()
    return { kind, code: String([greeted.closedWith, fresh.closedWith]) }
  }
  const frame: FuzzFunction = {
    name: 'frames',
    kind: 'protobuf',
    seeds,
    run,
    refuses: () => false,
    pure: false,
    outputBytesMax: (length) => 64 * length + 1_000_000,
  }
  return { functions: [frame], close: async () => rig?.[Symbol.asyncDispose]() }
}

function covers(...names: string[]): string[] {
  return names.map((name) => `server:${name}`)
}

export const serverTargets: readonly Target[] = [
  {
    name: 'server-bodies',
    says: 'bodies of every route that takes one; no answer is a mistake of the server',
    covers: covers('openHttp'),
    open: bodies,
  },
  {
    name: 'server-requests',
    says: 'paths, queries, headers, tokens, and whether a socket may be opened',
    covers: covers('openAuthenticator', 'refuseUpgrade', 'serveWebApp'),
    open: requests,
  },
  {
    name: 'server-texts',
    says: 'phone numbers and addresses of clients, manifests of backups',
    covers: covers('parsePhone', 'addressKeys', 'parseManifest'),
    open: () => ({ functions: [...numbers(), manifests()] }),
  },
  {
    name: 'server-gateway',
    says: 'frames of a client, before and after it is greeted',
    covers: covers('Inbound', 'handleFrame'),
    open: gateway,
  },
]
