/** Prekeys over the API: each one-time key once, signatures checked, counts for the owner. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import {
  type ApiErrorBody,
  type Bundles,
  oneTimePreKeysPerUpload,
  type PreKeyCounts,
  type PreKeyUpload,
} from '@parley/wire'
import {
  newDevice,
  preKeyUpload,
  type RegisteredUser,
  startApi,
  type TestApi,
} from '@parley/testkit'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const bob = '+4915112345679'

function fetchBundle(api: TestApi, asker: RegisteredUser, owner: RegisteredUser) {
  return api.call<Bundles & ApiErrorBody>('POST', `/v1/accounts/${owner.account}/bundles`, {
    token: asker.tokens.access_token,
    body: { devices: [owner.device.id] },
  })
}

function upload(api: TestApi, user: RegisteredUser, body: PreKeyUpload) {
  return api.call('PUT', '/v1/prekeys', { token: user.tokens.access_token, body })
}

async function counts(api: TestApi, user: RegisteredUser): Promise<PreKeyCounts> {
  const token = user.tokens.access_token
  return (await api.call<PreKeyCounts>('GET', '/v1/prekeys', { token })).body
}

test('[S12] under a hundred parallel fetches each one-time key is handed out at most once', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  const keys = preKeyUpload({ device: owner.device, firstId: 6, oneTime: 40, oneTimeKyber: 20 })
  expect((await upload(api, owner, keys)).status).toBe(204)
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => fetchBundle(api, asker, owner)),
  )
  const bundles = answers.map((answer) => answer.body.bundles[0])
  const ec = bundles.flatMap((bundle) => bundle?.one_time_prekey?.id ?? [])
  expect([ec.length, new Set(ec).size]).toEqual([45, 45])
  const kyber = bundles.map((bundle) => bundle?.kyber_prekey.public_key ?? '')
  const lastResort = keys.kyber_prekey.public_key
  const oneTimeKyber = kyber.filter((key) => key !== lastResort)
  expect([oneTimeKyber.length, new Set(oneTimeKyber).size]).toEqual([25, 25])
  expect(kyber.filter((key) => key === lastResort)).toHaveLength(75)
})

test('[S12] the last-resort key is given only when no one-time Kyber key is left', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  const given: (number | undefined)[] = []
  for (let fetched = 0; fetched < 7; fetched++) {
    const [bundle] = (await fetchBundle(api, asker, owner)).body.bundles
    given.push(bundle?.one_time_prekey?.id)
  }
  expect(given).toEqual([1, 2, 3, 4, 5, undefined, undefined])
  const empty = await api.context.metrics.oneTimePreKeysEmpty.get()
  expect(empty.values[0]?.value).toBe(2)
})

test('[S12] a key that was handed out does not come back with a repeated upload', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  const keys = preKeyUpload({ device: owner.device, firstId: 6, oneTime: 2, oneTimeKyber: 2 })
  await upload(api, owner, keys)
  for (let fetched = 0; fetched < 6; fetched++) await fetchBundle(api, asker, owner)
  expect((await upload(api, owner, keys)).status).toBe(204)
  expect(await counts(api, owner)).toEqual({ one_time_prekeys: 1, one_time_kyber_prekeys: 1 })
})

test('[S12] keys that the device did not sign, or of the wrong form, are refused and change nothing', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const input = { device: owner.device, firstId: 50, oneTime: 2, oneTimeKyber: 2 }
  const keys = preKeyUpload(input)
  const foreign = preKeyUpload({ ...input, device: newDevice() })
  const [first, second] = keys.one_time_prekeys
  const short = { ...keys.kyber_prekey, public_key: keys.signed_prekey.public_key }
  const uploads: Record<string, PreKeyUpload> = {
    'a signed prekey of another device': { ...keys, signed_prekey: foreign.signed_prekey },
    'a last-resort key of another device': { ...keys, kyber_prekey: foreign.kyber_prekey },
    'a one-time Kyber key of another device': {
      ...keys,
      one_time_kyber_prekeys: foreign.one_time_kyber_prekeys,
    },
    'a curve key where a Kyber key belongs': { ...keys, kyber_prekey: short },
    'a one-time key of low order': {
      ...keys,
      one_time_prekeys: [{ id: 60, public_key: `BQ${'A'.repeat(42)}` }],
    },
    'two keys of one id': {
      ...keys,
      one_time_prekeys: [first, { ...second, id: first?.id }] as PreKeyUpload['one_time_prekeys'],
    },
  }
  for (const [what, body] of Object.entries(uploads)) {
    const answer = await upload(api, owner, body)
    expect([what, answer.body.error?.code]).toEqual([what, 'invalid-prekeys'])
  }
  expect(await counts(api, owner)).toEqual({ one_time_prekeys: 5, one_time_kyber_prekeys: 5 })
})

test('[S12] more than a hundred keys in an upload, or two hundred in all, are refused', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const make = (firstId: number, oneTime: number) =>
    preKeyUpload({ device: owner.device, firstId, oneTime, oneTimeKyber: 0 })
  const over = await upload(api, owner, make(6, oneTimePreKeysPerUpload + 1))
  expect(over.body.error.code).toBe('invalid-request')
  expect((await upload(api, owner, make(6, 100))).status).toBe(204)
  expect((await upload(api, owner, make(106, 96))).body.error.code).toBe('too-large')
  expect((await upload(api, owner, make(106, 95))).status).toBe(204)
  expect((await counts(api, owner)).one_time_prekeys).toBe(200)
})

test('[S12] the counts are those of the asking device, whoever asks', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  await fetchBundle(api, asker, owner)
  expect(await counts(api, owner)).toEqual({ one_time_prekeys: 4, one_time_kyber_prekeys: 4 })
  expect(await counts(api, asker)).toEqual({ one_time_prekeys: 5, one_time_kyber_prekeys: 5 })
})

test('[S10] one account gets six bundles of another, then one every ten minutes', async () => {
  await using api = await startApi({ limited: true })
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  const third = await api.register('+4915112345680')
  for (let fetched = 0; fetched < 6; fetched++) {
    expect((await fetchBundle(api, asker, owner)).status).toBe(200)
  }
  const refused = await fetchBundle(api, asker, owner)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '600'])
  expect((await counts(api, owner)).one_time_prekeys).toBe(0)
  expect((await fetchBundle(api, third, owner)).status).toBe(200)
  expect((await fetchBundle(api, asker, third)).status).toBe(200)
  api.clock.advance(10 * 60_000)
  const fresh = await api.call<{ refresh_token: string; access_token: string }>(
    'POST',
    '/v1/tokens',
    { body: { grant_type: 'refresh_token', refresh_token: asker.tokens.refresh_token } },
  )
  const later = { ...asker, tokens: { ...asker.tokens, ...fresh.body } }
  expect((await fetchBundle(api, later, owner)).status).toBe(200)
  expect((await fetchBundle(api, later, owner)).status).toBe(429)
})

test('a bundle holds the device list of nobody else, and an account that is not there is said so', async () => {
  await using api = await startApi()
  const owner = await api.register(alice)
  const asker = await api.register(bob)
  const wrong = { ...owner, device: asker.device }
  expect((await fetchBundle(api, asker, wrong)).body.bundles).toEqual([])
  const nobody = { ...owner, account: '00000000-0000-4000-8000-000000000000' as never }
  expect((await fetchBundle(api, asker, nobody)).body.error.code).toBe('unknown-account')
})
