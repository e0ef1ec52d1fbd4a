/**
 * The server's roles without a port: requests go straight in, on real stores in a folder of their
 * own and a clock that the test moves.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BusMessage,
  type Context,
  LocalBus,
  MemoryLog,
  MemoryStore,
  openLogger,
  openMetrics,
  openSqliteSql,
  readIncarnation,
  type RunningServer,
  startServer,
  type Topic,
} from '@parley/server'
import {
  type AccountId,
  type ApiErrorBody,
  type DeviceRegistered,
  type NumberProven,
  parseAccountId,
  type RegistrationStarted,
  type Tokens,
} from '@parley/wire'
import { machineRandom as random } from './machine-random.ts'
import { TestClock } from './test-clock.ts'
import {
  listJson,
  newDevice,
  newRoot,
  preKeyUpload,
  signList,
  type TestDevice,
  type TestList,
} from './test-device.ts'

const logEntriesMax = 10_000

export interface ApiRequest {
  body?: unknown
  token?: string
  headers?: Record<string, string>
  /** Where it comes from; 127.0.0.1 unless told. */
  address?: string
}

export interface ApiAnswer<T> {
  status: number
  headers: Headers
  body: T
}

export interface RegisteredUser {
  phone: string
  account: AccountId
  root: ReturnType<typeof newRoot>
  device: TestDevice
  list: TestList
  tokens: Tokens
}

export interface TestApi extends AsyncDisposable {
  readonly clock: TestClock
  readonly context: Context
  readonly server: RunningServer
  readonly codes: ReadonlyMap<string, string>
  /** What was published, newest last. */
  readonly published: { topic: Topic; message: BusMessage }[]
  call<T = ApiErrorBody>(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer<T>>
  /** Starts a registration and proves the number. */
  prove(phone: string): Promise<NumberProven & { registration: string }>
  /** A whole registration under a new root, with five one-time keys of each kind. */
  register(phone: string): Promise<RegisteredUser>
}

export interface TestApiOptions {
  /** Rate limits are off unless a test is about them. */
  limited?: boolean
  webRoot?: string
  /** Silent unless told. */
  logger?: Context['logger']
}

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-api-'))
  const clock = new TestClock()
  const codes = new Map<string, string>()
  const published: TestApi['published'] = []
  const context = await openContext({
    folder,
    clock,
    codes,
    published,
    logger: options.logger ?? openLogger('silent'),
  })
  const server = await startServer(context, {
    name: 'Parley',
    version: '0',
    defaultCountry: undefined,
    allowedOrigins: [],
    secure: false,
    webRoot: options.webRoot,
    retentionDays: 90,
    unlimited: !options.limited,
  })
  const call = caller(server)
  const prove = (phone: string) => proveNumber(call, codes, phone)
  return {
    clock,
    context,
    server,
    codes,
    published,
    call,
    prove,
    register: (phone) => registerUser(call, prove, phone),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await context.sql.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Opened {
  folder: string
  clock: TestClock
  codes: Map<string, string>
  published: TestApi['published']
  logger: Context['logger']
}

async function openContext(opened: Opened): Promise<Context> {
  const { folder, clock, codes, published, logger } = opened
  const sql = await openSqliteSql(join(folder, 'accounts.sqlite'))
  const bus = new LocalBus(logger)
  const store = new MemoryStore(logEntriesMax)
  return {
    sql,
    log: new MemoryLog({ store, clock, random, logger, delayMsMax: 0, onParked: undefined }),
    bus: {
      publish(topic, message) {
        published.push({ topic, message })
        bus.publish(topic, message)
      },
      subscribe: (topic, listener) => bus.subscribe(topic, listener),
      unsubscribe: (topic, listener) => bus.unsubscribe(topic, listener),
    },
    sms: { sendCode: async (phone, code) => void codes.set(phone, code) },
    clock,
    random,
    logger,
    metrics: openMetrics(),
    incarnation: await readIncarnation({ sql, random }),
  }
}

function caller(server: RunningServer): TestApi['call'] {
  return async (method, path, request = {}) => {
    const { body, token, address = '127.0.0.1' } = request
    const headers = new Headers(request.headers)
    if (token) headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const answer = await server.fetch(
      new Request(`http://parley.test${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
      { remoteAddress: address },
    )
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json')
    return {
      status: answer.status,
      headers: answer.headers,
      body: isJson ? JSON.parse(text) : text,
    }
  }
}

async function proveNumber(
  call: TestApi['call'],
  codes: ReadonlyMap<string, string>,
  phone: string,
): Promise<NumberProven & { registration: string }> {
  const started = await call<RegistrationStarted>('POST', '/v1/registrations', { body: { phone } })
  const { registration } = started.body
  const body = { code: codes.get(started.body.phone) }
  const path = `/v1/registrations/${registration}/code`
  const proven = await call<NumberProven>('POST', path, { body })
  return { ...proven.body, registration }
}

async function registerUser(
  call: TestApi['call'],
  prove: TestApi['prove'],
  phone: string,
): Promise<RegisteredUser> {
  const { registration, proof, account: id } = await prove(phone)
  const account = parseAccountId(id)
  const root = newRoot()
  const device = newDevice()
  const list = signList({
    account,
    root,
    devices: [device],
    previous: undefined,
    signer: undefined,
  })
  const body = {
    proof,
    device: device.id,
    device_list: listJson(list.signed),
    prekeys: preKeyUpload({ device, firstId: 1, oneTime: 5, oneTimeKyber: 5 }),
  }
  const path = `/v1/registrations/${registration}/device`
  const { body: answer, status } = await call<DeviceRegistered>('POST', path, { body })
  if (status !== 201) throw new Error(`not registered: ${JSON.stringify(answer)}`)
  return { phone, account, root, device, list, tokens: answer.tokens }
}
