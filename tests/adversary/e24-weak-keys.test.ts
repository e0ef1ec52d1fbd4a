/**
 * E24: a generator that fails, now or later; keys that come up twice; keys that could be guessed
 * from what the server knows.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { nobleCurve } from '@parley/crypto/reference'
import { newDevice, newRoot, signList, SimRandom, startServer } from '@parley/testkit'
import { parseAccountId } from '@parley/wire'
import { openClient } from '../../packages/sdk/src/client.ts'
import { systemClock } from '../../packages/sdk/src/platform/clock.ts'
import type { RandomBytes } from '../../packages/sdk/src/platform/ports.ts'
import { systemRandom } from '../../packages/sdk/src/platform/random.ts'
import { bunTransport } from '../../packages/sdk/src/platform/transport.bun.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { register, untilTexts } from '../../packages/sdk/src/testing/test-people.ts'
import type { TestServerLike } from '../../packages/sdk/src/testing/test-people.ts'
import { checkChain } from '../../packages/sdk/src/trust/device-chain.ts'
import type { Client } from '../../packages/sdk/src/types.ts'
import { greetings, setAcquaintedStage } from './stage.ts'

const noCrypto = { problem: { code: 'no-crypto', says: expect.stringMatching(/\.$/) } }

function openWith(database: Database, server: string, random: RandomBytes): Client {
  return openClient({
    driver: openBunDriver(database),
    clock: systemClock,
    random,
    transport: bunTransport,
    curve: nobleCurve,
    server,
    recordEvents: false,
    observeMessageKey: undefined,
  })
}

const broken: [string, RandomBytes][] = [
  ['gives zeros', (length) => new Uint8Array(length)],
  ['gives one byte only', (length) => new Uint8Array(length).fill(0xa5)],
  ['repeats itself', (length) => Uint8Array.from({ length }, (_, at) => (at * 73) & 0xff)],
  ['gives too little', (length) => systemRandom(Math.floor(length / 2))],
  ['gives nothing', () => new Uint8Array()],
  [
    'throws',
    () => {
      throw new Error('no device')
    },
  ],
]

test.each(broken)(
  '[E24] with a generator that %s nothing starts and nothing is asked',
  (_, random) => {
    const open = () => openWith(new Database(':memory:'), 'http://127.0.0.1:1', random)
    expect(open).toThrow(expect.objectContaining(noCrypto))
  },
)

test.each(broken)(
  '[E24] with a generator that %s after the start no keys are made',
  async (_, random) => {
    await using server = await startServer()
    const generator = { random: systemRandom }
    const database = new Database(':memory:')
    await using client = openWith(database, server.url, (length) => generator.random(length))
    const { registration, phone } = await client.startRegistration('+4915112399001')
    generator.random = random
    const input = { registration, code: server.codes.get(phone) ?? '', name: 'Ana' }
    const finished = client.finishRegistration({ ...input, recoveryKey: undefined })
    await expect(finished).rejects.toMatchObject(noCrypto)
    expect(client.account.getSnapshot()).toEqual({ kind: 'none' })
    expect(database.query('SELECT * FROM signed_prekeys').all()).toEqual([])
  },
)

test('[E24] a generator that breaks while messages are written sends none of them until it works', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  await ben.client[Symbol.asyncDispose]()
  const generator = { random: systemRandom, asked: 0 }
  const stuck: RandomBytes = (length) => {
    generator.asked++
    return new Uint8Array(length).fill(7)
  }
  await using again = openWith(ben.database, evil.url, (length) => generator.random(length))
  again.start()
  // Ana's answer turns the ratchet, so that the next message needs a new key pair.
  await ana.client.sendText(ben.account, 'turn')
  await untilTexts(again, ana.account, [...greetings, 'turn'])
  const sent = evil.sends.length
  generator.random = stuck
  const refused = again.sendText(ana.account, 'no id for it')
  await expect(refused).rejects.toMatchObject(noCrypto)
  expect(generator.asked).toBeGreaterThan(0)
  expect(evil.sends).toHaveLength(sent)
  generator.random = systemRandom
  await again.sendText(ana.account, 'with a working one')
  await untilTexts(ana.client, ben.account, [...greetings, 'turn', 'with a working one'])
})

/** Everything public that a device hands in, and its private keys. */
function keysOf(database: Database): string[] {
  const queries = [
    'SELECT identity_public AS a, identity_private AS b FROM account',
    'SELECT public_key AS a, private_key AS b FROM signed_prekeys',
    'SELECT public_key AS a, private_key AS b FROM kyber_prekeys',
    'SELECT public_key AS a, private_key AS b FROM one_time_prekeys',
  ]
  return queries.flatMap((query) =>
    (database.query(query).all() as { a: Uint8Array; b: Uint8Array }[]).flatMap(({ a, b }) => [
      a.toHex(),
      b.toHex(),
    ]),
  )
}

test('[E24] all keys are the device’s own: none comes again when the same number registers anew', async () => {
  await using server = await startServer()
  const first = await register(server, 'Ana')
  const { phone, recoveryKey } = first
  await first.client[Symbol.asyncDispose]()
  await using second = await register(server, 'Ana', { phone, recoveryKey })
  await using third = await register(server, 'Ana', { phone, recoveryKey: undefined })
  const keys = [first, second, third].flatMap(({ database }) => keysOf(database))
  expect(keys.length).toBeGreaterThan(3 * 400)
  expect(new Set(keys).size).toBe(keys.length)
})

async function keysWith(server: TestServerLike, phone: string, seed: number): Promise<string[]> {
  const seeded = new SimRandom(seed)
  const random: RandomBytes = (length) => Uint8Array.from({ length }, () => seeded.below(256))
  const database = new Database(':memory:')
  await using client = openWith(database, server.url, random)
  const step = await client.startRegistration(phone)
  const code = server.codes.get(step.phone) ?? ''
  const { registration } = step
  await client.finishRegistration({ registration, code, name: 'Ana', recoveryKey: undefined })
  return keysOf(database)
}

test('[E24] no key is made of the number: two numbers get the same keys of the same randomness, and one number others of other', async () => {
  await using server = await startServer()
  await using another = await startServer()
  const [one, two] = ['+4915112399002', '+4915112399003']
  const keys = await keysWith(server, one, 1)
  expect(await keysWith(another, two, 1)).toEqual(keys)
  const others = new Set(await keysWith(server, one, 2))
  expect(keys.filter((key) => others.has(key))).toEqual([])
})

test('[E24] a list that gives one identity key to two devices is refused', () => {
  const account = parseAccountId('11111111-2222-4333-8444-555555555555')
  const root = newRoot()
  const device = newDevice(1)
  const cloned = { ...newDevice(2), identity: device.identity }
  const list = (devices: ReturnType<typeof newDevice>[]) =>
    signList({ account, root, devices, previous: undefined, signer: undefined }).signed
  const known = { account, newest: undefined, hashOf: () => undefined }
  expect(checkChain(known, [list([device, newDevice(2)])]).kind).toBe('anew')
  expect(checkChain(known, [list([device, cloned])]).kind).toBe('refused')
})
