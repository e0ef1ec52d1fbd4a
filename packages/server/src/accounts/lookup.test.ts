/** Finding accounts by number over the API. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import type { ApiErrorBody, LookupResult } from '@parley/wire'
import { type RegisteredUser, startApi, type TestApi } from '@parley/testkit'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

const alice = '+4915112345678'
const bob = '+4915112345679'
const day = 24 * 60 * 60_000

function look(api: TestApi, asker: RegisteredUser, phone: string, address = '127.0.0.1') {
  const token = asker.tokens.access_token
  const request = { token, body: { phone }, address }
  return api.call<LookupResult & ApiErrorBody>('POST', '/v1/lookup', request)
}

const number = (index: number) => `+49151${String(20_000_000 + index)}`

test('[S11] a look-up tells the account id and nothing else', async () => {
  await using api = await startApi()
  const asker = await api.register(alice)
  const found = await api.register(bob)
  const answer = await look(api, asker, '+49 1511 2345679')
  expect(answer.body).toEqual({ account: found.account } as never)
  expect((await look(api, asker, number(0))).body.error.code).toBe('unknown-account')
})

test('[S11] a scan of ten thousand numbers in a row stops at the daily budget', async () => {
  await using api = await startApi({ limited: true })
  const asker = await api.register(alice)
  const outcomes = { told: 0, refused: 0 }
  for (let index = 0; index < 10_000; index++) {
    const answer = await look(api, asker, number(index))
    if (answer.status === 429) outcomes.refused++
    else outcomes.told++
  }
  expect(outcomes).toEqual({ told: 100, refused: 9_900 })
})

test('[S11] numbers asked for before cost nothing, found or not', async () => {
  await using api = await startApi({ limited: true })
  const asker = await api.register(alice)
  for (let index = 0; index < 100; index++) await look(api, asker, number(index))
  const refused = await look(api, asker, number(100))
  expect(refused.body.error.code).toBe('lookup-budget')
  expect(Number(refused.headers.get('retry-after'))).toBe(day / 100 / 1000)
  expect((await look(api, asker, number(0))).body.error.code).toBe('unknown-account')
})

test('[S11] the budget fills up again over a day', async () => {
  await using api = await startApi({ limited: true })
  let asker = await api.register(alice)
  for (let index = 0; index < 101; index++) await look(api, asker, number(index))
  api.clock.advance(day)
  const body = { grant_type: 'refresh_token', refresh_token: asker.tokens.refresh_token }
  const fresh = await api.call<RegisteredUser['tokens']>('POST', '/v1/tokens', { body })
  asker = { ...asker, tokens: fresh.body }
  const codes: string[] = []
  for (let index = 200; index < 301; index++) {
    codes.push((await look(api, asker, number(index))).body.error.code)
  }
  expect(codes.filter((code) => code === 'unknown-account')).toHaveLength(100)
  expect(codes.at(-1)).toBe('lookup-budget')
})

test('[S14] the store does not keep who looked for whom', async () => {
  await using api = await startApi()
  const asker = await api.register(alice)
  const found = await api.register(bob)
  const before = await everything(api)
  await look(api, asker, bob)
  expect(await everything(api)).toEqual(before)
  expect(found.account).not.toBe(asker.account)
})

async function everything(api: TestApi): Promise<string> {
  const tables = ['accounts', 'devices', 'server_state', 'registrations'] as const
  const rows = await Promise.all(
    tables.map((table) => api.context.sql.selectFrom(table).selectAll().execute()),
  )
  return JSON.stringify(rows)
}
