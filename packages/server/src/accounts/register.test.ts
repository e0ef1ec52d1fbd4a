/** Registration over the API: codes, limits, and registering a number again. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import type { KeyPair } from '@parley/crypto'
import {
  type ApiErrorBody,
  type DeviceRegistered,
  inboxOf,
  type NumberProven,
  parseAccountId,
  type RegistrationStarted,
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

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const bob = '+4915112345679'
const minute = 60_000

type Proven = NumberProven & { registration: string }

async function start(api: TestApi, phone = alice): Promise<string> {
  const answer = await api.call<RegistrationStarted>('POST', '/v1/registrations', {
    body: { phone },
  })
  return answer.body.registration
}

function guess(api: TestApi, registration: string, code: string | undefined) {
  return api.call('POST', `/v1/registrations/${registration}/code`, { body: { code } })
}

function wrong(code: string | undefined): string {
  return code === '000000' ? '000001' : '000000'
}

interface Brought {
  account: string
  device: TestDevice
  root: KeyPair
  previous?: TestList
  signer?: TestDevice
}

/** The last step of a registration, with a list of this device alone. */
async function bring(api: TestApi, proven: Proven, brought: Brought) {
  const { device, root } = brought
  const account = parseAccountId(brought.account)
  const list = signList({
    account,
    root,
    devices: [device],
    previous: brought.previous,
    signer: brought.signer,
  })
  const path = `/v1/registrations/${proven.registration}/device`
  const body = {
    proof: proven.proof,
    device: device.id,
    device_list: listJson(list.signed),
    prekeys: preKeyUpload({ device, firstId: 1, oneTime: 1, oneTimeKyber: 1 }),
  }
  const send = () => api.call<DeviceRegistered & ApiErrorBody>('POST', path, { body })
  return { list, send, answer: await send() }
}

/** Brings a new device to a number that is registered, under its old root or another. */
async function registerAgain(api: TestApi, user: RegisteredUser, root = user.root) {
  const proven = await api.prove(user.phone)
  const device = newDevice(2)
  const previous = root === user.root ? { previous: user.list } : {}
  const brought = await bring(api, proven, { account: user.account, device, root, ...previous })
  return { ...brought, device, proven }
}

test('[S1] a number is registered with a code of six digits and gets tokens', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  expect(api.codes.get(alice)).toMatch(/^[0-9]{6}$/)
  const own = await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  expect(own.body).toEqual({ account: user.account, device: user.device.id, phone: alice } as never)
})

test('[S1] a code works once', async () => {
  await using api = await startApi()
  const registration = await start(api)
  const code = api.codes.get(alice)
  expect((await guess(api, registration, code)).status).toBe(200)
  expect((await guess(api, registration, code)).body.error.code).toBe('code-expired')
})

test('[S1] a code lives ten minutes and not a millisecond longer', async () => {
  await using api = await startApi()
  const first = await start(api)
  api.clock.advance(10 * minute)
  expect((await guess(api, first, api.codes.get(alice))).body.error.code).toBe('code-expired')
  const second = await start(api)
  api.clock.advance(10 * minute - 1)
  expect((await guess(api, second, api.codes.get(alice))).status).toBe(200)
})

test('[S1] after five wrong codes the right one is refused as well', async () => {
  await using api = await startApi()
  const registration = await start(api)
  const code = api.codes.get(alice)
  const answers: string[] = []
  for (let tries = 0; tries < 5; tries++) {
    answers.push((await guess(api, registration, wrong(code))).body.error.code)
  }
  expect(answers).toEqual([...Array(4).fill('wrong-code'), 'code-tries-used'])
  expect((await guess(api, registration, code)).body.error.code).toBe('code-tries-used')
})

test('[S1] fifty guesses at once are five tries', async () => {
  await using api = await startApi()
  const registration = await start(api)
  const code = wrong(api.codes.get(alice))
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => guess(api, registration, code)),
  )
  const looked = answers.filter((answer) => answer.body.error.code === 'wrong-code')
  expect(looked).toHaveLength(4)
  expect((await guess(api, registration, api.codes.get(alice))).status).toBe(410)
})

test('[S1] a code is bound to the session that asked for it', async () => {
  await using api = await startApi()
  const first = await start(api)
  const code = api.codes.get(alice)
  let second = await start(api)
  while (api.codes.get(alice) === code) second = await start(api)
  expect((await guess(api, second, code)).body.error.code).toBe('wrong-code')
  expect((await guess(api, first, code)).status).toBe(200)
})

test('[S1] [S14] neither code, session nor proof stands in the store', async () => {
  await using api = await startApi()
  const { registration, proof } = await api.prove(alice)
  const rows = await api.context.sql.selectFrom('registrations').selectAll().execute()
  const stored = JSON.stringify(rows)
  for (const secret of [registration, proof, api.codes.get(alice) ?? '']) {
    expect(stored).not.toContain(secret)
  }
})

test('[S2] known and unknown numbers get the same answer', async () => {
  await using api = await startApi()
  await api.register(alice)
  const [known, unknown] = await Promise.all(
    [alice, bob].map((phone) =>
      api.call<RegistrationStarted>('POST', '/v1/registrations', { body: { phone } }),
    ),
  )
  const shape = (answer: typeof known) => {
    const { registration, phone, ...rest } = answer?.body ?? ({} as RegistrationStarted)
    return { status: answer?.status, length: registration.length, digits: phone.length, rest }
  }
  expect(shape(known)).toEqual(shape(unknown))
})

test('[S2] starting a registration reads nothing about accounts, so its time tells nothing', async () => {
  await using api = await startApi()
  await api.register(alice)
  await api.context.sql.schema.dropTable('accounts').execute()
  const answer = await api.call('POST', '/v1/registrations', { body: { phone: alice } })
  expect(answer.status).toBe(201)
})

test('[S2] a number gets five codes, then one every ten minutes', async () => {
  await using api = await startApi({ limited: true })
  const send = () => api.call('POST', '/v1/registrations', { body: { phone: alice } })
  for (let sent = 0; sent < 5; sent++) expect((await send()).status).toBe(201)
  const refused = await send()
  expect(refused.status).toBe(429)
  expect(refused.body.error.code).toBe('too-many-requests')
  expect(refused.headers.get('retry-after')).toBe('600')
  api.clock.advance(10 * minute - 1)
  expect((await send()).status).toBe(429)
  api.clock.advance(1)
  expect((await send()).status).toBe(201)
  expect((await send()).status).toBe(429)
})

test('[S2] an address and its network are limited over all numbers', async () => {
  await using api = await startApi({ limited: true })
  let next = 10_000_000
  const send = (address: string) =>
    api.call('POST', '/v1/registrations', {
      body: { phone: `+49151${next++}` },
      address,
    })
  for (let sent = 0; sent < 6; sent++) expect((await send('203.0.113.7')).status).toBe(201)
  expect((await send('203.0.113.7')).status).toBe(429)
  let refused = 0
  for (let host = 8; host < 100; host++) {
    if ((await send(`203.0.113.${host}`)).status === 429) refused++
  }
  expect(refused).toBe(92 - 54)
  expect((await send('198.51.100.1')).status).toBe(201)
})

// Each repetition was a new login, and nothing counted them.
test('[S10] registering a device is limited by number: six times, then once in thirty seconds', async () => {
  await using api = await startApi({ limited: true })
  const proven = await api.prove(alice)
  const { account } = proven
  const { send } = await bring(api, proven, { account, device: newDevice(), root: newRoot() })
  for (let sent = 1; sent < 6; sent++) expect((await send()).status).toBe(201)
  const refused = await send()
  expect([refused.status, refused.body.error.code]).toEqual([429, 'too-many-requests'])
  expect(refused.headers.get('retry-after')).toBe('30')
  api.clock.advance(30_000)
  expect((await send()).status).toBe(201)
})

test('[S10] guessing at registrations is limited by address before the store is asked', async () => {
  await using api = await startApi({ limited: true })
  const device = newDevice()
  const root = newRoot()
  const account = parseAccountId('00000000-0000-4000-8000-000000000000')
  const list = signList({
    account,
    root,
    devices: [device],
    previous: undefined,
    signer: undefined,
  })
  const registering = {
    proof: 'guessed',
    device: device.id,
    device_list: listJson(list.signed),
    prekeys: preKeyUpload({ device, firstId: 1, oneTime: 0, oneTimeKyber: 0 }),
  }
  for (const [step, body] of [
    ['code', { code: '123456' }],
    ['device', registering],
  ] as const) {
    const address = step === 'code' ? '203.0.113.7' : '203.0.113.8'
    const guessAt = (id: number) =>
      api.call('POST', `/v1/registrations/guess-${id}/${step}`, { body, address })
    for (let sent = 0; sent < 60; sent++) expect((await guessAt(sent)).status).toBe(410)
    await api.context.sql.schema.alterTable('registrations').renameTo('away').execute()
    expect((await guessAt(60)).status).toBe(429)
    await api.context.sql.schema.alterTable('away').renameTo('registrations').execute()
  }
})

test('[S2] something that is not a phone number is refused before a code is made', async () => {
  await using api = await startApi()
  for (const phone of ['+49', '015112345678', 'hello', '+4915112345678 ext 5', '+999123456789']) {
    const answer = await api.call('POST', '/v1/registrations', { body: { phone } })
    expect([phone, answer.body.error.code]).toEqual([phone, 'invalid-phone'])
  }
  expect(api.codes.size).toBe(0)
})

test('spellings of one number are one number', async () => {
  await using api = await startApi()
  const answer = await api.call<RegistrationStarted>('POST', '/v1/registrations', {
    body: { phone: '+49 (151) 1234-5678' },
  })
  expect(answer.body.phone).toBe(alice)
})

test('[E1] a number that is registered again keeps its account and shows its chain', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { answer, proven, list } = await registerAgain(api, user)
  expect(proven.account).toBe(user.account)
  expect(proven.device_lists).toEqual([listJson(user.list.signed)])
  expect(answer.status).toBe(201)
  const lists = await api.call<NumberProven>('GET', `/v1/accounts/${user.account}/devices`, {
    token: answer.body.tokens.access_token,
  })
  expect(lists.body.device_lists).toEqual([user.list.signed, list.signed].map(listJson))
})

test('[E1] under a new root the chain starts anew at version 1', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { answer, list } = await registerAgain(api, user, newRoot())
  expect(answer.body.account).toBe(user.account)
  const lists = await api.call<NumberProven>('GET', `/v1/accounts/${user.account}/devices`, {
    token: answer.body.tokens.access_token,
  })
  expect(lists.body.device_lists).toEqual([listJson(list.signed)])
})

test('[E1] [S7] registering again ends the tokens, prekeys and sockets of the old device', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  const { device } = await registerAgain(api, user, newRoot())
  const { access_token: token, refresh_token } = user.tokens
  const old = await api.call('GET', '/v1/account', { token })
  expect(old.body.error.code).toBe('device-revoked')
  const body = { grant_type: 'refresh_token', refresh_token }
  const refreshed = await api.call('POST', '/v1/tokens', { body })
  expect(refreshed.body.error.code).toBe('device-revoked')
  const topic = inboxOf(user.account)
  const revoked = { topic, message: { kind: 'revoked' as const, device: user.device.id } }
  expect(api.published).toContainEqual(revoked)
  const keys = await api.context.sql.selectFrom('prekeys').select('device').execute()
  expect(keys).toEqual([{ device: device.id }])
})

test('[E1] a list of the old root that does not continue its chain is refused', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const proven = await api.prove(alice)
  const brought = { account: user.account, device: newDevice(3), root: user.root }
  const { answer } = await bring(api, proven, brought)
  expect(answer.body.error.code).toBe('invalid-list')
  const own = await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  expect(own.status).toBe(200)
})

test('[E1] an old device may sign its successor', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { account, root, list: previous, device: signer } = user
  const brought = { account, device: newDevice(2), root, previous, signer }
  expect((await bring(api, await api.prove(alice), brought)).answer.status).toBe(201)
})

test('a device id of before is never taken again', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const { account, device } = user
  const brought = { account, device, root: newRoot() }
  const { answer } = await bring(api, await api.prove(alice), brought)
  expect(answer.body.error.code).toBe('invalid-list')
})

test('the account of a device list is the one that was proven', async () => {
  await using api = await startApi()
  const user = await api.register(alice)
  const proven = await api.prove(bob)
  const foreign = { account: user.account, device: newDevice(), root: newRoot() }
  expect((await bring(api, proven, foreign)).answer.body.error.code).toBe('invalid-list')
})

test('[S17] a registration whose answer was lost is repeated, and the account is the same', async () => {
  await using api = await startApi()
  const proven = await api.prove(alice)
  const { account } = proven
  const first = await bring(api, proven, { account, device: newDevice(), root: newRoot() })
  const again = await first.send()
  expect([first.answer.body.account, again.status, again.body.account]).toEqual([
    account,
    201,
    account,
  ])
  const token = again.body.tokens.access_token
  expect((await api.call('GET', '/v1/account', { token })).status).toBe(200)
})

test('[S17] the proof of one device registers no other', async () => {
  await using api = await startApi()
  const proven = await api.prove(alice)
  const { account } = proven
  await bring(api, proven, { account, device: newDevice(), root: newRoot() })
  const other = await bring(api, proven, { account, device: newDevice(), root: newRoot() })
  expect(other.answer.body.error.code).toBe('code-expired')
})

test('of two who prove one new number at once, one gets it', async () => {
  await using api = await startApi()
  const proofs = [await api.prove(alice), await api.prove(alice)]
  const answers = await Promise.all(
    proofs.map((proven) => {
      return bring(api, proven, { account: proven.account, device: newDevice(), root: newRoot() })
    }),
  )
  expect(answers.map(({ answer }) => answer.status).sort()).toEqual([201, 409])
})

test('a code that cannot be sent is said to be so, and the log names no number', async () => {
  await using api = await startApi()
  api.context.sms.sendCode = () => Promise.reject(new Error(`gateway down for ${alice}`))
  const answer = await api.call('POST', '/v1/registrations', { body: { phone: alice } })
  expect(answer.status).toBe(503)
  expect(JSON.stringify(answer.body)).not.toContain(alice)
})
