/** E9 without a server: what is asked of it, and what is in the store by then. */
import { beforeEach, expect, test } from 'bun:test'
import type { PreKeyUpload } from '@parley/wire'
import type { Core } from '../core.ts'
import { Api } from '../http/api.ts'
import { writeTokens } from '../store/account.ts'
import { memoryCore } from '../testing/test-core.ts'
import { HandClock } from '../testing/test-hand-clock.ts'
import { keepPreKeys } from './upkeep.ts'

const dayMs = 86_400_000

let clock: HandClock
let core: Core
/** The server's side. */
let counts: { one_time_prekeys: number; one_time_kyber_prekeys: number }
let take: (upload: PreKeyUpload) => Response
let uploads: PreKeyUpload[]

beforeEach(() => {
  clock = new HandClock(400 * dayMs)
  core = memoryCore(clock)
  counts = { one_time_prekeys: 100, one_time_kyber_prekeys: 100 }
  take = () => new Response(null, { status: 204 })
  uploads = []
  const transport = {
    openSocket: () => {
      throw new Error('not used')
    },
    async fetch(request: Request): Promise<Response> {
      if (request.method === 'GET') return Response.json(counts)
      const upload = (await request.json()) as PreKeyUpload
      uploads.push(upload)
      return take(upload)
    },
  }
  const { store, random } = core
  core.api = new Api({ server: 'http://127.0.0.1:8080', transport, clock, random, store })
  const tokens = { accessToken: 'access', refreshToken: 'refresh' }
  writeTokens(store, { ...tokens, accessExpiresAtMs: clock.now() + 1_000 * dayMs })
})

const storedIds = (table: string) =>
  core.store.all<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`).map(({ id }) => id)

test('[E9] fewer than twenty of either kind are filled up to a hundred, twenty are enough', async () => {
  await keepPreKeys(core, true)
  uploads = []
  const asks: [number, number][] = [
    [20, 20],
    [19, 20],
    [20, 19],
  ]
  const made: (number[] | undefined)[] = []
  for (const [one_time_prekeys, one_time_kyber_prekeys] of asks) {
    counts = { one_time_prekeys, one_time_kyber_prekeys }
    await keepPreKeys(core, false)
    const upload = uploads.pop()
    made.push(upload && [upload.one_time_prekeys.length, upload.one_time_kyber_prekeys.length])
  }
  expect(made).toEqual([undefined, [81, 80], [80, 81]])
})

test('[E9] the signed prekeys are made anew after seven days, whichever way the clock was set', async () => {
  await keepPreKeys(core, true)
  await clock.advance(7 * dayMs - 1)
  await keepPreKeys(core, false)
  expect(uploads).toHaveLength(1)
  await clock.advance(1)
  await keepPreKeys(core, false)
  expect(uploads).toHaveLength(2)
  expect(new Set(uploads.map(({ signed_prekey }) => signed_prekey.public_key)).size).toBe(2)
  expect(new Set(uploads.map(({ kyber_prekey }) => kyber_prekey.public_key)).size).toBe(2)
  clock.setBack(30 * dayMs)
  await keepPreKeys(core, false)
  expect(uploads).toHaveLength(3)
})

test('[E23] private prekeys are in the store before the server has the public ones', async () => {
  const stored: number[][] = []
  take = () => {
    stored.push(...['signed_prekeys', 'kyber_prekeys', 'one_time_prekeys'].map(storedIds))
    return new Response(null, { status: 204 })
  }
  counts = { one_time_prekeys: 97, one_time_kyber_prekeys: 98 }
  await keepPreKeys(core, true)
  const idsOf = (keys: readonly { id: number }[]) => keys.map(({ id }) => id)
  const [upload] = uploads
  if (!upload) throw new Error('nothing was uploaded')
  expect(stored).toEqual([
    [upload.signed_prekey.id],
    idsOf([upload.kyber_prekey, ...upload.one_time_kyber_prekeys]),
    idsOf(upload.one_time_prekeys),
  ])
})

test('[E9] what the server did not take is made anew the next time, and stays in the store', async () => {
  take = () => new Response(null, { status: 500 })
  await expect(keepPreKeys(core, true)).rejects.toBeDefined()
  take = () => new Response(null, { status: 204 })
  await keepPreKeys(core, false)
  expect(uploads).toHaveLength(2)
  expect(storedIds('signed_prekeys')).toEqual(uploads.map(({ signed_prekey }) => signed_prekey.id))
})

test('no two prekeys ever have the same number', async () => {
  counts = { one_time_prekeys: 98, one_time_kyber_prekeys: 98 }
  for (let round = 0; round < 3; round++) await keepPreKeys(core, true)
  const ids = uploads.flatMap((upload) => [
    upload.signed_prekey.id,
    upload.kyber_prekey.id,
    ...upload.one_time_prekeys.map(({ id }) => id),
    ...upload.one_time_kyber_prekeys.map(({ id }) => id),
  ])
  expect(new Set(ids).size).toBe(3 * 6)
})
