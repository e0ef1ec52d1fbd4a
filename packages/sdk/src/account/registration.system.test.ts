/**
 * Registration, relinking and logging out against the real server; the network in between loses
 * what a test tells it to.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { equalBytes, rootKeyPair } from '@parley/crypto'
import { startServer, type TestServer } from '@parley/testkit'
import { Api } from '../http/api.ts'
import { Connection } from '../connection/connection.ts'
import type { EngineFrame } from '../connection/frame-socket.ts'
import { systemClock } from '../platform/clock.ts'
import type { RandomBytes, Transport } from '../platform/ports.ts'
import { systemRandom } from '../platform/random.ts'
import { bunTransport } from '../platform/transport.bun.ts'
import { Registration } from './registration.ts'
import { createServerClock } from '../connection/server-clock.ts'
import {
  readAccount,
  readPendingDevice,
  readTokens,
  writeRelinkNeeded,
  writeRevoked,
  writeTokens,
} from '../store/account.ts'
import { readDeviceList } from '../store/device-lists.ts'
import { openBunDriver } from '../store/sqlite.bun.ts'
import { Store } from '../store/store.ts'

let server: TestServer
let numbers = 0

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server[Symbol.asyncDispose]())

class Network implements Transport {
  readonly openSocket = bunTransport.openSocket
  /** Paths whose next answer is lost on the way back. */
  readonly lost = new Set<string>()
  isDown = false
  readonly paths: string[] = []

  async fetch(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname
    this.paths.push(path)
    if (this.isDown) throw new TypeError('the network is down')
    const response = await bunTransport.fetch(request)
    if (![...this.lost].some((each) => path.endsWith(each) && this.lost.delete(each)))
      return response
    throw new TypeError('the answer was lost')
  }
}

interface Profile {
  phone: string
  network: Network
  store: Store
  api: Api
  registration: Registration
  resets: number
}

function open(store: Store, phone: string, random: RandomBytes = systemRandom): Profile {
  const network = new Network()
  const common = { server: server.url, clock: systemClock, random, store }
  const api = new Api({ ...common, transport: network })
  const registration = new Registration({ ...common, api })
  return { phone, network, store, api, registration, resets: 0 }
}

function newProfile(): Profile {
  numbers += 1
  return open(new Store(openBunDriver(':memory:')), `+49151${String(10_000_000 + numbers)}`)
}

async function asked(profile: Profile): Promise<{ registration: string; code: string }> {
  const { registration, phone } = await profile.registration.start(profile.phone)
  return { registration, code: server.codes.get(phone) ?? '' }
}

const countReset = (profile: Profile) => () => {
  profile.resets += 1
}

async function register(profile: Profile, recoveryKey?: string) {
  const input = { ...(await asked(profile)), name: 'Ada', recoveryKey }
  return profile.registration.finish(input, countReset(profile))
}

const relink = (profile: Profile) => profile.registration.relink(countReset(profile))

async function registered() {
  const profile = newProfile()
  return { profile, ...(await register(profile)) }
}

function ownList(profile: Profile) {
  const account = readAccount(profile.store)
  return account && readDeviceList(profile.store, account.account)
}

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('a new number gets an account, a device on a list of its root, tokens and prekeys', async () => {
  const { profile, account, device, recoveryKey } = await registered()
  expect(recoveryKey).toHaveLength(64)
  expect(readAccount(profile.store)).toMatchObject({
    account,
    device,
    deviceNumber: 1,
    phone: profile.phone,
    name: 'Ada',
    status: 'registered',
    relinkNeeded: false,
  })
  const own = ownList(profile)
  expect(own?.list).toMatchObject({ version: 1, rootKey: rootKeyPair(recoveryKey).publicKey })
  expect(own?.list.devices.map(({ id }) => id)).toEqual([device])
  expect(await profile.api.deviceLists(account, 0)).toEqual(own ? [own.signed] : [])
  expect(await profile.api.ownAccount()).toEqual({ account, device, phone: profile.phone })
  const counts = { one_time_prekeys: 100, one_time_kyber_prekeys: 100 }
  expect(await profile.api.preKeyCounts()).toEqual(counts)
  const [keys] = profile.store.all('SELECT count(*) AS count FROM one_time_prekeys')
  expect(keys).toEqual({ count: 100 })
})

test('the recovery key and the root are not kept', async () => {
  const { profile, recoveryKey } = await registered()
  expect(readPendingDevice(profile.store)).toBeUndefined()
  const root = rootKeyPair(recoveryKey).privateKey
  for (const { name } of profile.store.all<{ name: string }>(
    'SELECT name FROM sqlite_schema WHERE type = ?',
    ['table'],
  )) {
    for (const row of profile.store.all<Record<string, unknown>>(`SELECT * FROM "${name}"`)) {
      for (const value of Object.values(row)) {
        expect(value instanceof Uint8Array && equalBytes(value, root)).toBe(false)
        expect(String(value)).not.toContain(recoveryKey)
      }
    }
  }
})

test('[E1] registered again without the recovery key: same account, another root, the old device is out', async () => {
  const first = await registered()
  const again = open(new Store(openBunDriver(':memory:')), first.profile.phone)
  const second = await register(again)
  expect(second.account).toBe(first.account)
  expect(second.device).not.toBe(first.device)
  expect(second.recoveryKey).not.toBe(first.recoveryKey)
  expect(ownList(again)?.list.version).toBe(1)
  expect(await thrown(first.profile.api.ownAccount())).toMatchObject({ code: 'device-revoked' })
})

test('[E1] registered again with the recovery key: the chain goes on under the same root', async () => {
  const first = await registered()
  const again = open(new Store(openBunDriver(':memory:')), first.profile.phone)
  const typed = (first.recoveryKey.match(/.{4}/g) ?? []).join(' ').toUpperCase()
  const second = await register(again, typed)
  expect(second).toEqual({ account: first.account, device: second.device, recoveryKey: '' })
  const list = ownList(again)?.list
  expect(list).toMatchObject({ version: 2, rootKey: ownList(first.profile)?.list.rootKey })
  expect(list?.devices).toMatchObject([{ id: second.device, number: 2 }])
  expect(await again.api.deviceLists(first.account, 0)).toHaveLength(2)
})

test('a recovery key of another account is refused, and can be typed again with the same code', async () => {
  const stranger = await registered()
  const first = await registered()
  const again = open(new Store(openBunDriver(':memory:')), first.profile.phone)
  const input = { ...(await asked(again)), name: 'Ada' }
  const finish = (recoveryKey: string) =>
    again.registration.finish({ ...input, recoveryKey }, countReset(again))
  expect(await thrown(finish(stranger.recoveryKey))).toMatchObject({ problem: { code: 'refused' } })
  expect(await thrown(finish('abcd'))).toMatchObject({ problem: { code: 'refused' } })
  expect(readAccount(again.store)).toBeUndefined()
  expect(await first.profile.api.ownAccount()).toMatchObject({ device: first.device })
  expect(await finish(first.recoveryKey)).toMatchObject({ account: first.account })
})

test('a wrong code can be typed again', async () => {
  const profile = newProfile()
  const { registration, code } = await asked(profile)
  const wrong = code === '000000' ? '000001' : '000000'
  const input = { registration, name: '', recoveryKey: undefined }
  const finish = (typed: string) => profile.registration.finish({ ...input, code: typed }, () => {})
  expect(await thrown(finish(wrong))).toMatchObject({ code: 'wrong-code' })
  expect(readAccount(profile.store)).toBeUndefined()
  expect(await finish(` ${code} `)).toHaveProperty('account')
})

test('a lost answer is repeated with the same device, also after a restart of the program', async () => {
  const profile = newProfile()
  const input = { ...(await asked(profile)), name: 'Ada', recoveryKey: undefined }
  profile.network.lost.add('/device')
  const failure = await thrown(profile.registration.finish(input, countReset(profile)))
  expect(failure).toMatchObject({ problem: { code: 'server-unreachable' } })
  expect(readAccount(profile.store)).toBeUndefined()
  const restarted = open(profile.store, profile.phone)
  const { account, device, recoveryKey } = await restarted.registration.finish(input, () => {})
  expect(await restarted.api.ownAccount()).toMatchObject({ account, device })
  expect(await restarted.api.deviceLists(account, 0)).toHaveLength(1)
  expect(ownList(restarted)?.list.rootKey).toEqual(rootKeyPair(recoveryKey).publicKey)
})

test('a lost answer to the code asks for a new one', async () => {
  const profile = newProfile()
  const input = { ...(await asked(profile)), name: 'Ada', recoveryKey: undefined }
  profile.network.lost.add('/code')
  expect(await thrown(profile.registration.finish(input, () => {}))).toHaveProperty('problem')
  const again = await thrown(profile.registration.finish(input, () => {}))
  expect(again).toMatchObject({ code: 'code-expired' })
  expect(await register(profile)).toHaveProperty('account')
})

test('[E24] without a secure generator nothing is asked of the server', async () => {
  const broken: RandomBytes[] = [
    (length) => new Uint8Array(length),
    (length) => Uint8Array.from({ length }, (_, index) => index),
    () => {
      throw new Error('none')
    },
  ]
  for (const random of broken) {
    const profile = open(new Store(openBunDriver(':memory:')), '+4915112345678', random)
    const { registration } = profile
    const input = { registration: 'x', code: 'x', name: '', recoveryKey: undefined }
    for (const work of [registration.start('+49'), registration.finish(input, () => {})]) {
      expect(await thrown(work)).toMatchObject({ problem: { code: 'no-crypto' } })
    }
    expect(profile.network.paths).toEqual([])
  }
})

test('a profile is of one account: another number is refused until it is logged out', async () => {
  const { profile } = await registered()
  const refused = await thrown(profile.registration.start('+4915199999999'))
  expect(refused).toMatchObject({ problem: { code: 'refused' } })
})

test('a revoked device registers again in its place: the engine resets what was tied to the keys', async () => {
  const { profile, account, device } = await registered()
  await register(open(new Store(openBunDriver(':memory:')), profile.phone))
  writeRevoked(profile.store)
  const again = await register(profile)
  expect(again.account).toBe(account)
  expect(again.device).not.toBe(device)
  expect(profile.resets).toBe(1)
  expect(readAccount(profile.store)).toMatchObject({ status: 'registered', profileVersion: 2 })
  writeRevoked(profile.store)
  const { registration, phone } = await profile.registration.start(`+49151${99_000_000 + numbers}`)
  const code = server.codes.get(phone) ?? ''
  const input = { registration, code, name: '', recoveryKey: undefined }
  const refused = await thrown(profile.registration.finish(input, () => {}))
  expect(refused).toMatchObject({ problem: { code: 'refused' } })
})

test('relinking puts a new device in the place of the old one, signed by it', async () => {
  const { profile, account, device } = await registered()
  writeRelinkNeeded(profile.store, true)
  const before = readTokens(profile.store)
  const identityBefore = readAccount(profile.store)?.identity.publicKey
  await relink(profile)
  const row = readAccount(profile.store)
  expect(row).toMatchObject({ account, deviceNumber: 2, relinkNeeded: false, name: 'Ada' })
  expect(row?.device).not.toBe(device)
  expect(row?.identity.publicKey).not.toEqual(identityBefore)
  expect(profile.resets).toBe(1)
  expect(ownList(profile)?.list).toMatchObject({ version: 2, devices: [{ id: row?.device }] })
  expect(await profile.api.ownAccount()).toMatchObject({ device: row?.device })
  expect(await profile.api.preKeyCounts()).toMatchObject({ one_time_prekeys: 100 })
  const headers = { authorization: `Bearer ${before?.accessToken}` }
  expect((await fetch(`${server.url}/v1/account`, { headers })).status).toBe(403)
})

test('relinking whose answer was lost is found done, also after a restart of the program', async () => {
  for (const restart of [false, true]) {
    const { profile, account } = await registered()
    profile.network.lost.add('/devices')
    expect(await thrown(relink(profile))).toMatchObject({ problem: { code: 'server-unreachable' } })
    const next = restart ? open(profile.store, profile.phone) : profile
    await relink(next)
    const row = readAccount(next.store)
    expect(row?.deviceNumber).toBe(2)
    expect(await next.api.ownAccount()).toMatchObject({ account, device: row?.device })
    expect(await next.api.deviceLists(account, 0)).toHaveLength(2)
    expect(readPendingDevice(next.store)).toBeUndefined()
  }
})

test('relinking a device that is off its account says that it is revoked', async () => {
  const { profile } = await registered()
  await register(open(new Store(openBunDriver(':memory:')), profile.phone))
  expect(await thrown(relink(profile))).toMatchObject({ problem: { code: 'revoked' } })
  const { profile: other } = await registered()
  writeRevoked(other.store)
  expect(await thrown(relink(other))).toMatchObject({ problem: { code: 'revoked' } })
})

test('[S6] a rolled-back profile gets in by its key, and once relinked the other copy is out', async () => {
  const { profile, account } = await registered()
  const old = readTokens(profile.store)
  await profile.api.accessToken(true)
  await profile.api.accessToken(true)
  const current = readTokens(profile.store)
  if (!old || !current) throw new Error('no tokens')
  writeTokens(profile.store, { ...old, accessExpiresAtMs: 0 })
  await relink(profile)
  const row = readAccount(profile.store)
  expect(await profile.api.ownAccount()).toMatchObject({ account, device: row?.device })
  const headers = { authorization: `Bearer ${current.accessToken}` }
  expect((await fetch(`${server.url}/v1/account`, { headers })).status).toBeGreaterThan(400)
})

test('logging out ends the session; a server that is not there does not keep anybody', async () => {
  const { profile } = await registered()
  const tokens = readTokens(profile.store)
  await profile.registration.logout()
  const headers = { authorization: `Bearer ${tokens?.accessToken}` }
  expect((await fetch(`${server.url}/v1/account`, { headers })).status).toBeGreaterThan(400)
  const { profile: offline } = await registered()
  offline.network.isDown = true
  await offline.registration.logout()
})

interface Connected {
  connection: Connection
  frames: EngineFrame[]
  calls: string[]
  /** Waits until the connection's state and the calls so far satisfy it. */
  until(holds: () => boolean): Promise<void>
}

function connect(profile: Profile): Connected {
  const frames: EngineFrame[] = []
  const calls: string[] = []
  let wake = () => {}
  const called = (what: string) => {
    calls.push(what)
    wake()
  }
  const connection = new Connection({
    server: server.url,
    transport: profile.network,
    clock: systemClock,
    random: systemRandom,
    serverClock: createServerClock(systemClock),
    accessToken: (renew) => profile.api.accessToken(renew),
    handlers: {
      cursors: () => [],
      welcome: () => called('welcome'),
      frame: (frame) => {
        frames.push(frame)
        called(frame.kind)
      },
      lost: () => called('lost'),
      writable: () => called('writable'),
      revoked: () => called('revoked'),
    },
  })
  connection.state.subscribe(() => wake())
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { connection, frames, calls, until }
}

test('a registered device connects, is welcomed, and comes back after a restart of the server', async () => {
  const { profile } = await registered()
  const { connection, calls, until } = connect(profile)
  connection.start()
  await until(() => calls.includes('welcome'))
  expect(connection.live()).toBe(true)
  expect(connection.state.getSnapshot().problem).toBeUndefined()
  await server.restart()
  await until(() => calls.filter((call) => call === 'welcome').length === 2)
  expect(calls.filter((call) => call === 'lost')).toHaveLength(1)
  await connection.stop()
  expect(connection.state.getSnapshot().status).toBe('stopped')
}, 20_000)

test('[S7] a device whose number was registered elsewhere is told at once, and stops', async () => {
  const { profile } = await registered()
  const { connection, calls, until } = connect(profile)
  connection.start()
  await until(() => calls.includes('welcome'))
  await register(open(new Store(openBunDriver(':memory:')), profile.phone))
  await until(() => calls.includes('revoked'))
  expect(connection.state.getSnapshot()).toMatchObject({
    status: 'stopped',
    problem: { code: 'revoked' },
  })
})

test('a token that the server does not accept is renewed without anybody noticing', async () => {
  const { profile } = await registered()
  const tokens = readTokens(profile.store)
  if (tokens) writeTokens(profile.store, { ...tokens, accessToken: 'nonsense' })
  const { connection, calls, until } = connect(profile)
  connection.start()
  await until(() => calls.includes('welcome'))
  expect(readTokens(profile.store)?.accessToken).not.toBe('nonsense')
  await connection.stop()
})
