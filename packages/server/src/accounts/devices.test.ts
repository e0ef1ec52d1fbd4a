/** Changes of the device list over the API. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import {
  type ApiErrorBody,
  decodeEntryBody,
  type DeviceLists,
  type DevicesChanged,
  inboxOf,
  verifyDeviceList,
} from '@parley/wire'
import {
  listJson,
  newDevice,
  newRoot,
  preKeyUpload,
  type RegisteredUser,
  signList,
  startApi,
  type TestApi,
  type TestDevice,
  type TestList,
} from '@parley/testkit'
import { verify } from '@parley/crypto/signatures-bun'
import { ApiError } from '../api-error.ts'
import { appendList } from './device-lists.ts'
import { sendLeftNotices } from './notices.ts'
import { sha256 } from './secrets.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'

interface Change {
  devices: TestDevice[]
  signer?: TestDevice
  previous?: TestList
  added?: TestDevice
  token?: string
}

/** The list as signed, and the answer to handing it in. */
async function change(api: TestApi, user: RegisteredUser, input: Change) {
  const { account, root } = user
  const previous = input.previous ?? user.list
  const list = signList({ account, root, devices: input.devices, previous, signer: input.signer })
  const send = () => hand(api, user, list, input)
  return { list, send, answer: await send() }
}

function hand(api: TestApi, user: RegisteredUser, list: TestList, input: Omit<Change, 'devices'>) {
  const { added, token = user.tokens.access_token } = input
  const prekeys = added && preKeyUpload({ device: added, firstId: 1, oneTime: 1, oneTimeKyber: 1 })
  const body = {
    device_list: listJson(list.signed),
    ...(added && { new_device: { device: added.id, prekeys } }),
  }
  return api.call<DevicesChanged & ApiErrorBody>('POST', '/v1/devices', { token, body })
}

async function versions(api: TestApi, user: RegisteredUser, token = user.tokens.access_token) {
  const path = `/v1/accounts/${user.account}/devices`
  return (await api.call<DeviceLists>('GET', path, { token })).body.device_lists.length
}

test('[E10] a device on the list signs the next one, and the device that it adds gets tokens', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  const devices = [user.device, second]
  const { answer } = await change(api, user, { devices, signer: user.device, added: second })
  expect([answer.status, answer.body.version]).toEqual([200, 2])
  const token = answer.body.tokens?.access_token ?? ''
  const own = await api.call<{ device: string }>('GET', '/v1/account', { token })
  expect(own.body.device).toBe(second.id)
})

test('[E10][S8] lists that do not continue the chain, or that nobody on it signed, are refused and change nothing', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const stranger = newDevice(9)
  const second = newDevice(2)
  const devices = [user.device, second]
  const skipped = { ...user.list, version: 2 }
  const foreignHash = { ...user.list, hash: new Uint8Array(32) }
  const changes: Record<string, Change> = {
    'signed by a device that is not on the list': { devices, signer: stranger, added: second },
    'signed by the device that it adds': { devices, signer: second, added: second },
    'a version left out': { devices, previous: skipped, added: second },
    'another list before it': { devices, previous: foreignHash, added: second },
    'a device without prekeys': { devices },
    'prekeys without a device': { devices: [user.device], added: second },
    'a device that gets another key': {
      devices: [{ ...newDevice(1), id: user.device.id }],
    },
    'a device that gets another number': { devices: [{ ...user.device, number: 5 }] },
    'two devices at once': { devices: [...devices, stranger], added: second },
  }
  for (const [what, input] of Object.entries(changes)) {
    const { answer } = await change(api, user, input)
    expect([what, answer.body.error?.code]).toEqual([what, 'invalid-list'])
  }
  expect(await versions(api, user)).toBe(1)
})

test('[E10] a list of another account or root is refused', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const other = await api.register('+4915112345679')
  const input = { devices: [user.device] }
  const foreign = await change(api, { ...user, account: other.account }, input)
  const uprooted = await change(api, { ...user, root: newRoot() }, input)
  expect(foreign.answer.body.error.code).toBe('invalid-list')
  expect(uprooted.answer.body.error.code).toBe('invalid-list')
})

test('the first valid successor wins; the other learns of it', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  const third = newDevice(3)
  const answers = await Promise.all(
    [second, third].map((added) =>
      change(api, user, { devices: [user.device, added], signer: user.device, added }),
    ),
  )
  const statuses = answers.map(({ answer }) => answer.status).sort()
  expect(statuses).toEqual([200, 409])
  expect(await versions(api, user)).toBe(2)
})

test('[E10] a successor of a chain that a new root replaced meanwhile is refused', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { account, root, device } = user
  const crypto = { verify, sha256 }
  const previous = verifyDeviceList(user.list.signed, undefined, crypto)
  const successor = { account, root, devices: [device], previous: user.list, signer: device }
  const next = verifyDeviceList(signList(successor).signed, previous, crypto)
  await api.register(alice)
  const late = api.context.sql.transaction().execute((transaction) => {
    return appendList(transaction, { previous, next })
  })
  const refused = await late.catch((error: unknown) => error)
  expect(refused).toEqual(new ApiError('list-conflict'))
  const rows = await api.context.sql.selectFrom('device_lists').select('version').execute()
  expect(rows).toEqual([{ version: 1 }])
})

test('[S17] the same list handed in twice is one change', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  const devices = [user.device, second]
  const { list, answer } = await change(api, user, { devices, added: second })
  const again = await hand(api, user, list, { added: second })
  expect([answer.status, again.status, again.body.version]).toEqual([200, 200, 2])
  const token = again.body.tokens?.access_token ?? ''
  expect((await api.call('GET', '/v1/account', { token })).status).toBe(200)
})

// Any device of an account got the login of any other one this way, and ended its own.
test('[S9][S17] handing in the list again gives tokens of the device that it added, and of no other', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  const devices = [user.device, second]
  const { list, answer } = await change(api, user, { devices, added: second })
  const token = answer.body.tokens?.access_token ?? ''
  const theft = await hand(api, user, list, { added: user.device, token })
  expect([theft.status, theft.body.error.code]).toEqual([400, 'invalid-list'])
  const first = await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  expect(first.status).toBe(200)
})

test('[S7] a device that goes off the list loses tokens, prekeys and sockets, and the others are told', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  const added = await change(api, user, { devices: [user.device, second], added: second })
  const token = added.answer.body.tokens?.access_token ?? ''
  const { answer } = await change(api, user, { devices: [second], previous: added.list, token })
  expect(answer.status).toBe(200)
  const old = await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  expect(old.body.error.code).toBe('device-revoked')
  const revoked = { kind: 'revoked' as const, device: user.device.id }
  expect(api.published).toContainEqual({ topic: inboxOf(user.account), message: revoked })
  const keys = await api.context.sql.selectFrom('one_time_prekeys').select('device').execute()
  expect(new Set(keys.map(({ device }) => device))).toEqual(new Set([second.id]))
})

test('[S8] every change is an entry of the own inbox', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const second = newDevice(2)
  await change(api, user, { devices: [user.device, second], added: second })
  await shown(api)
  const page = await api.context.log.read(inboxOf(user.account), 0, 10)
  const entries = page.entries.map((entry) => decodeEntryBody(entry.body))
  expect(entries).toEqual([
    { kind: 'devices', version: 1 },
    { kind: 'devices', version: 2 },
  ])
})

/** The log shows entries a turn after they were appended. */
function shown(api: TestApi): Promise<void> {
  return new Promise((resolve) => {
    api.clock.after(0, () => api.clock.after(0, resolve))
  })
}

test('a notice that a crash left over is appended at the next start', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const left = { account: user.account, version: 7 }
  await api.context.sql.insertInto('pending_notices').values(left).execute()
  await sendLeftNotices(api.context)
  await shown(api)
  const page = await api.context.log.read(inboxOf(user.account), 0, 10)
  const last = page.entries.at(-1)
  expect(last && decodeEntryBody(last.body)).toEqual({ kind: 'devices', version: 7 })
  const rows = await api.context.sql.selectFrom('pending_notices').selectAll().execute()
  expect(rows).toEqual([])
})

test('what the directory has cached goes when another process changes the list', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  expect(await versions(api, user)).toBe(1)
  const { sql, bus } = api.context
  await sql.updateTable('devices').set({ ended_ms: 1 }).where('id', '=', user.device.id).execute()
  const token = user.tokens.access_token
  expect((await api.call('GET', '/v1/account', { token })).status).toBe(200)
  bus.publish('gateways', { kind: 'devices-changed', account: user.account })
  expect((await api.call('GET', '/v1/account', { token })).status).toBe(403)
})

test('more than ten devices are refused', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const devices = [user.device, ...Array.from({ length: 10 }, (_, index) => newDevice(index + 2))]
  const { answer } = await change(api, user, { devices })
  expect(answer.body.error.code).toBe('invalid-list')
})
