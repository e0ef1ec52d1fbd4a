/** Lists that a restored server has forgotten, handed in by anybody. */
import { expect, test } from 'bun:test'
import {
  type ApiErrorBody,
  type ApiErrorCode,
  type DeviceLists,
  type HandedIn,
  type TokenNonce,
  type Tokens,
} from '@parley/wire'
import {
  listJson,
  newDevice,
  newRoot,
  preKeyUpload,
  signList,
  startApi,
  type TestApi,
  type TestDevice,
  type TestList,
} from '@parley/testkit'
import { signedGrant } from '../../../../tests/access/world.ts'

const alice = '+4915112345678'

async function scene() {
  const api = await startApi()
  const user = await api.register(alice)
  const { account, root } = user
  const next = (devices: TestDevice[], signer: TestDevice | undefined, previous = user.list) =>
    signList({ account, root, devices, previous, signer })
  return { api, user, next, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
}

function handIn(api: TestApi, account: string, list: TestList) {
  const path = `/v1/accounts/${account}/device-lists`
  const body = { device_list: listJson(list.signed) }
  return api.call<HandedIn & ApiErrorBody>('POST', path, { body })
}

async function versions(api: TestApi, account: string, token: string): Promise<number> {
  const path = `/v1/accounts/${account}/devices`
  return (await api.call<DeviceLists>('GET', path, { token })).body.device_lists.length
}

test('[E10, Y47] anybody hands in the list that follows; the device that it names gets tokens by its key, and brings prekeys', async () => {
  await using set = await scene()
  const { api, next, user } = set
  const second = newDevice(2)
  const list = next([second], user.device)
  for (let times = 0; times < 2; times++) {
    const { body, status } = await handIn(api, user.account, list)
    expect([status, body.version]).toEqual([200, 2])
  }
  const old = await api.call('GET', '/v1/account', { token: user.tokens.access_token })
  expect(old.status).toBe(403)
  const { nonce } = (await api.call<TokenNonce>('POST', '/v1/tokens/nonce')).body
  const body = signedGrant({ ...user, device: second }, nonce, second)
  const tokens = await api.call<Tokens>('POST', '/v1/tokens', { body })
  const token = tokens.body.access_token
  expect(await versions(api, user.account, token)).toBe(2)
  const prekeys = preKeyUpload({ device: second, firstId: 1, oneTime: 1, oneTimeKyber: 1 })
  expect((await api.call('PUT', '/v1/prekeys', { token, body: prekeys })).status).toBe(204)
})

test('[E10, S8] a list that its signature or its place does not bear out is refused, and one that is known changes nothing', async () => {
  await using set = await scene()
  const { api, next, user } = set
  const { account, device, root } = user
  const second = newDevice(2)
  const cases: Record<string, [TestList, number, ApiErrorCode | undefined]> = {
    'known already': [user.list, 200, undefined],
    'signed by the device that it adds': [next([second], second), 400, 'invalid-list'],
    'a version left out': [
      next([device], device, { ...user.list, version: 2 }),
      400,
      'invalid-list',
    ],
    'another number': [next([{ ...device, number: 5 }], device), 400, 'invalid-list'],
    'another list of the same version': [
      signList({
        account,
        root: newRoot(),
        devices: [second],
        previous: undefined,
        signer: undefined,
      }),
      409,
      'list-conflict',
    ],
    'an id that is in use': [
      next([device, { ...second, id: device.id }], device),
      400,
      'invalid-list',
    ],
  }
  for (const [what, [list, status, code]] of Object.entries(cases)) {
    const answer = await handIn(api, account, list)
    const { error } = answer.body as Partial<ApiErrorBody>
    expect({ what, status: answer.status, code: error?.code }).toEqual({ what, status, code })
  }
  expect(await versions(api, account, user.tokens.access_token)).toBe(1)
  const nobody = '00000000-0000-4000-8000-000000000000'
  expect((await handIn(api, nobody, next([device], device))).status).toBe(404)
  const byRoot = signList({
    account,
    root,
    devices: [device, second],
    previous: user.list,
    signer: undefined,
  })
  expect((await handIn(api, account, byRoot)).body.version).toBe(2)
})

test('[S7] a device that was logged out signs no list that is handed in', async () => {
  await using set = await scene()
  const { api, next, user } = set
  await api.call('DELETE', '/v1/session', { token: user.tokens.access_token })
  const answer = await handIn(api, user.account, next([newDevice(2)], user.device))
  expect([answer.status, answer.body.error?.code]).toEqual([403, 'device-revoked'])
})
