/** E3: a server hands out prekey bundles with anything in the place of anything. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { generateKeyPair, sign } from '@parley/crypto'
import { fromBase64, toBase64 } from '@parley/wire'
import type { BundleJson, Bundles, MessageId } from '@parley/wire'
import { ownAccount } from '../../packages/sdk/src/core.ts'
import type { Engine } from '../../packages/sdk/src/engine.ts'
import { systemRandom } from '../../packages/sdk/src/platform/random.ts'
import { composeText, retryMessage } from '../../packages/sdk/src/sending/compose.ts'
import { readMessageById } from '../../packages/sdk/src/store/messages.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import {
  eventually,
  register,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { setStage, stateOf } from './stage.ts'
import type { Stage } from './stage.ts'
import { SkippingClock } from './skipping-clock.ts'

type Forge = (bundle: BundleJson) => unknown

const random = systemRandom
const clock = new SkippingClock()
let stage: Stage
let engine: Engine
/** Ana's: what has a wrong form is signed by herself here, so that nothing but its form is wrong. */
let anaSigns: (bytes: Uint8Array) => { public_key: string; signature: string }
let carols: BundleJson

const bytesOf = (text: string) => fromBase64(text) ?? new Uint8Array()
const flippedText = (text: string) => toBase64(bytesOf(text).with(5, (bytesOf(text)[5] ?? 0) ^ 1))
const ecKey = (...lowest: number[]) => Uint8Array.from({ length: 33 }, (_, at) => lowest[at] ?? 0)
const lowOrder = ecKey(5, 1)
/** 9 as 9 + p, which spells the base point otherwise. */
const notCanonical = Uint8Array.of(5, 0xf6, ...new Uint8Array(30).fill(0xff), 0x7f)
const topBit = ecKey(5, 9).with(32, 0x80)

beforeAll(async () => {
  stage = await setStage()
  const { ana, ben, evil, server } = stage
  const { privateKey } = identityOf(ana.database)
  anaSigns = (bytes) => ({
    public_key: toBase64(bytes),
    signature: toBase64(sign(privateKey, bytes, random)),
  })
  const carol = await register(server, 'Carol')
  await ben.client.findContact(ana.phone)
  await ben.client.findContact(carol.phone)
  evil.alterAnswer = ({ path, body }) => {
    if (path.endsWith('/bundles')) [carols] = (body as Bundles).bundles as [BundleJson]
    return body
  }
  await ben.client.sendText(carol.account, 'hello')
  await untilTexts(carol.client, ben.account, ['hello'])
  await carol[Symbol.asyncDispose]()
  await ben.client[Symbol.asyncDispose]()
  engine = engineOn(openBunDriver(ben.database), evil.url, clock)
  engine.start()
  await until(engine.connection.state, ({ status }) => status === 'online')
})

afterAll(async () => {
  await engine.end()
  await stage[Symbol.asyncDispose]()
})

function identityOf(database: Stage['ana']['database']): { privateKey: Uint8Array } {
  const row = database.query('SELECT identity_private AS privateKey FROM account').get()
  return row as { privateKey: Uint8Array }
}

const kyberKey = ({ kyber_prekey: key }: BundleJson) => bytesOf(key.public_key)

const forgeries: [string, Forge][] = [
  ...(['signed_prekey', 'kyber_prekey'] as const).flatMap((name): [string, Forge][] => [
    [
      `${name} with a changed signature`,
      (bundle) => ({
        ...bundle,
        [name]: { ...bundle[name], signature: flippedText(bundle[name].signature) },
      }),
    ],
    [
      `${name} with an empty signature`,
      (bundle) => ({ ...bundle, [name]: { ...bundle[name], signature: '' } }),
    ],
    [
      `${name} without a signature`,
      (bundle) => ({ ...bundle, [name]: { ...bundle[name], signature: undefined } }),
    ],
    [
      `${name} whose signature has a byte more`,
      (bundle) => ({
        ...bundle,
        [name]: {
          ...bundle[name],
          signature: toBase64(Uint8Array.of(...bytesOf(bundle[name].signature), 0)),
        },
      }),
    ],
    [
      `${name} with another key under the signature`,
      (bundle) => ({
        ...bundle,
        [name]: { ...bundle[name], public_key: flippedText(bundle[name].public_key) },
      }),
    ],
    [`${name} of another device`, (bundle) => ({ ...bundle, [name]: carols[name] })],
    [`${name} left out`, (bundle) => ({ ...bundle, [name]: undefined })],
    [`${name} that is no object`, (bundle) => ({ ...bundle, [name]: 'x' })],
  ]),
  ...(
    [
      ['of low order', lowOrder],
      ['that is zero', ecKey(5)],
      ['in another spelling', notCanonical],
      ['with its top bit set', topBit],
      ['a byte too short', ecKey(5, 9).subarray(0, 32)],
      ['a byte too long', Uint8Array.of(...ecKey(5, 9), 0)],
      ['of another type', ecKey(6, 9)],
    ] as const
  ).flatMap(([what, key]): [string, Forge][] => [
    [
      `a signed prekey ${what}, properly signed`,
      (bundle) => ({ ...bundle, signed_prekey: { id: 1, ...anaSigns(key) } }),
    ],
    [
      `a one-time prekey ${what}`,
      (bundle) => ({ ...bundle, one_time_prekey: { id: 1, public_key: toBase64(key) } }),
    ],
  ]),
  [
    'a Kyber prekey a byte too short, properly signed',
    (bundle) => ({
      ...bundle,
      kyber_prekey: { id: 1, ...anaSigns(kyberKey(bundle).slice(0, -1)) },
    }),
  ],
  [
    'a Kyber prekey of another type, properly signed',
    (bundle) => ({ ...bundle, kyber_prekey: { id: 1, ...anaSigns(kyberKey(bundle).with(0, 7)) } }),
  ],
  [
    'a Kyber prekey with a coefficient above the modulus, properly signed',
    (bundle) => ({
      ...bundle,
      kyber_prekey: { id: 1, ...anaSigns(kyberKey(bundle).with(1, 0xff).with(2, 0xff)) },
    }),
  ],
  [
    'a signed prekey in place of the Kyber prekey',
    (bundle) => ({ ...bundle, kyber_prekey: bundle.signed_prekey }),
  ],
  [
    'a signed prekey of a stranger, who signed it',
    (bundle) => {
      const { publicKey } = generateKeyPair(random)
      const stranger = generateKeyPair(random)
      const signature = toBase64(sign(stranger.privateKey, publicKey, random))
      return { ...bundle, signed_prekey: { id: 1, public_key: toBase64(publicKey), signature } }
    },
  ],
  ['the whole bundle of another device', (bundle) => ({ ...carols, device: bundle.device })],
  ['a negative registration id', (bundle) => ({ ...bundle, registration_id: -1 })],
]

test.each(forgeries)(
  '[E3] %s: refused, and nothing is begun, sent or kept of it',
  async (_, forge) => {
    const { ana, ben, evil } = stage
    const before = stateOf(ben.database)
    const sent = evil.sends.length
    evil.alterAnswer = forging(forge)
    const id = composeText(engine.core, ana.account, 'for Ana alone', undefined)
    engine.outbox.wake(ana.account)
    const failure = await failureOf(id)
    expect(failure).toEqual({ code: 'refused', says: expect.stringContaining('did not sign') })
    expect(stateOf(ben.database)).toBe(before)
    expect(evil.sends).toHaveLength(sent)
  },
)

test('[E3] with the genuine bundle what was refused goes out when it is tried again', async () => {
  const { ana, evil } = stage
  evil.alterAnswer = forging((bundle) => ({ ...bundle, one_time_prekey: undefined }))
  const id = composeText(engine.core, ana.account, 'at last', undefined)
  engine.outbox.wake(ana.account)
  await untilTexts(ana.client, ownAccount(engine.core).account, ['at last'])
  const { store } = engine.core
  const failed = store.all<{ id: MessageId }>("SELECT id FROM messages WHERE status = 'failed'")
  expect(failed).toHaveLength(forgeries.length)
  const [again] = failed
  if (!again) throw new Error('nothing failed')
  retryMessage(engine.core, again.id)
  engine.outbox.wake(ana.account)
  await eventually(() => readMessageById(store, again.id)?.status === 'delivered')
  expect(readMessageById(store, id)?.status).toBe('delivered')
})

function forging(forge: Forge): Stage['evil']['alterAnswer'] {
  return ({ path, body, status }) => {
    if (!path.endsWith('/bundles') || status !== 200) return body
    return { bundles: (body as Bundles).bundles.map(forge) }
  }
}

/** A few tries on, which take half a minute otherwise. */
async function failureOf(id: MessageId) {
  const { store } = engine.core
  await eventually(() => {
    clock.skip(4_000)
    return readMessageById(store, id)?.status === 'failed'
  })
  return readMessageById(store, id)?.failure
}
