/** packages/sdk: answers of the HTTP API, contents, chains of lists, typed texts. */
import { CryptoError, pad } from '@parley/crypto'
import { bunCurve } from '@parley/crypto/bun'
import { encodeContent, parseAccountId, toBase64, verifyDeviceList, WireError } from '@parley/wire'
import {
  listFromJson,
  listJson,
  typedRecoveryKey,
} from '../../../packages/sdk/src/account/new-device.ts'
import type { Core } from '../../../packages/sdk/src/core.ts'
import * as answers from '../../../packages/sdk/src/http/api-answers.ts'
import { Api } from '../../../packages/sdk/src/http/api.ts'
import { exchange } from '../../../packages/sdk/src/http/http-exchange.ts'
import type { Transport } from '../../../packages/sdk/src/platform/ports.ts'
import { ApiFailure } from '../../../packages/sdk/src/problems.ts'
import { LogReader } from '../../../packages/sdk/src/receiving/log-reader.ts'
import { contentOf } from '../../../packages/sdk/src/sending/contents.ts'
import { readAccount, writeAccount } from '../../../packages/sdk/src/store/account.ts'
import { writeDeviceList } from '../../../packages/sdk/src/store/device-lists.ts'
import { memoryCore } from '../../../packages/sdk/src/testing/test-core.ts'
import { HandClock } from '../../../packages/sdk/src/testing/test-hand-clock.ts'
import { findContact } from '../../../packages/sdk/src/trust/contacts.ts'
import { checkChain } from '../../../packages/sdk/src/trust/device-chain.ts'
import { refreshDevices } from '../../../packages/sdk/src/trust/devices.ts'
import { beginSessions } from '../../../packages/sdk/src/trust/sessions.ts'
import { ParleyError } from '../../../packages/sdk/src/types.ts'
import { type FuzzFunction, jsonBytes, jsonOf, type Target, textBytes, textOf } from '../target.ts'
import { converse } from './conversation.ts'
import * as samples from './samples.ts'
import { listFrames, listsIn } from './wire.ts'

const { listCrypto } = samples
const startMs = Date.UTC(2026, 10, 22)
const server = 'http://127.0.0.1:9'

/** What reaches the callers of the SDK's HTTP and of its parsers. */
function refuses(error: unknown): boolean {
  const documented = [WireError, CryptoError, ApiFailure, ParleyError]
  return documented.some((type) => error instanceof type)
}

/** A network that answers everything with the same. */
class Answering implements Transport {
  status = 200
  body: string | Uint8Array = ''

  openSocket() {
    return { send() {}, bufferedBytes: () => 0, close() {} }
  }

  async fetch(): Promise<Response> {
    const body = this.status === 204 ? null : this.body
    return new Response(body as string | null, { status: this.status })
  }
}

const preKey = { id: 3, public_key: toBase64(samples.bytes(33)) }
const signedPreKey = { ...preKey, signature: toBase64(samples.bytes(64)) }
const tokens = {
  access_token: 'a.b.c',
  token_type: 'Bearer',
  expires_in_s: 900,
  refresh_token: 'r',
}
const lists = samples.chain.lists.map(listJson)
const bundle = {
  device: samples.peerDevice as string,
  registration_id: 7,
  signed_prekey: signedPreKey,
  kyber_prekey: signedPreKey,
  one_time_prekey: preKey,
}
const failed = { error: { code: 'too-many-requests', message: 'Wait.', retry_after_s: 5 } }

/** By the name that api-answers.ts gives it; the test of the targets sees that none is missing. */
export const answerSeeds: Readonly<Record<keyof typeof answers, readonly unknown[]>> = {
  registrationStarted: [
    { registration: 'r', phone: '+49', code_digits: 6, expires_in_s: 600, resend_in_s: 60 },
  ],
  numberProven: [{ proof: 'p', account: samples.account, device_lists: lists }],
  tokens: [tokens],
  tokenNonce: [{ nonce: toBase64(samples.bytes(32)) }],
  deviceRegistered: [{ account: samples.account, device: samples.device, tokens }],
  devicesChanged: [{ version: 2, tokens }, { version: 3 }],
  handedIn: [{ version: 2 }],
  ownAccount: [{ account: samples.account, device: samples.device, phone: '+4915112345678' }],
  preKeyCounts: [{ one_time_prekeys: 100, one_time_kyber_prekeys: 0 }],
  lookupResult: [{ account: samples.account }],
  deviceLists: [{ device_lists: lists }, { device_lists: [] }],
  bundles: [{ bundles: [bundle] }, { bundles: [{ ...bundle, one_time_prekey: undefined }] }],
  serverInfo: [{ name: 'Parley', version: '1', time_ms: startMs, default_country: 'DE' }],
  apiError: [failed],
}

function parsers(): FuzzFunction[] {
  return Object.entries(answerSeeds).map(([name, seeds]) => ({
    name,
    kind: 'json',
    seeds: seeds.map(jsonBytes),
    run: (input) => answers[name as keyof typeof answers](jsonOf(input)),
    refuses: (error) => error instanceof WireError,
    pure: true,
  }))
}

/** The whole way of an answer: bytes that are not JSON, and statuses with and without an error. */
function exchanges(): FuzzFunction[] {
  const clock = new HandClock(startMs)
  const transport = new Answering()
  const wanted = { method: 'GET', path: '/v1/server', body: undefined, token: undefined } as const
  const run = (status: number, encode: (input: Uint8Array) => string | Uint8Array) => {
    return (input: Uint8Array) => {
      Object.assign(transport, { status, body: encode(input) })
      return exchange({ server, transport, clock }, { ...wanted, parse: answers.serverInfo })
    }
  }
  const info = answerSeeds.serverInfo
  const refused = (name: string, status: number): FuzzFunction => {
    const throws = run(status, textOf)
    return {
      name,
      kind: 'text',
      seeds: [failed, info[0]].map(jsonBytes),
      // An error is the right outcome here, so it is the output.
      run: (input) => throws(input).catch((error: unknown) => kindOf(error)),
      refuses,
      pure: true,
    }
  }
  return [
    {
      name: 'exchange',
      kind: 'text',
      seeds: info.map(jsonBytes),
      run: run(200, textOf),
      refuses,
      pure: true,
    },
    {
      name: 'exchange of bytes',
      kind: 'bytes',
      seeds: info.map((each) => new TextEncoder().encode(JSON.stringify(each))),
      run: run(200, (input) => input.slice()),
      refuses,
      pure: true,
    },
    refused('exchange with 429', 429),
    refused('exchange with 500', 500),
  ]
}

function kindOf(error: unknown): unknown {
  if (!refuses(error)) throw error
  if (error instanceof ApiFailure) return { code: error.code, after: error.retryAfterS }
  return error instanceof ParleyError ? { code: error.problem.code } : 'wire'
}

function coreOver(transport: Transport): Core {
  const clock = new HandClock(startMs)
  const core = memoryCore(clock)
  const account = readAccount(core.store)
  if (!account) throw new Error('the test core has an account')
  const far = { accessToken: 'a', accessExpiresAtMs: startMs * 2, refreshToken: 'r' }
  writeAccount(core.store, { ...account, account: samples.peer }, far)
  const { random, store } = core
  return { ...core, curve: bunCurve, api: new Api({ server, transport, clock, random, store }) }
}

/** What the server shows of other people: their lists, their bundles, their numbers. */
async function people(): Promise<FuzzFunction[]> {
  const transport = new Answering()
  const core = coreOver(transport)
  const { bob } = await converse()
  const account = parseAccountId(bob.local.address.account)
  const list = samples.listWith(account, bob.local.identity.publicKey)
  const { devices } = list.list
  core.store.transaction(() => writeDeviceList(core.store, list))
  const { kyber, oneTime, signed } = bob.prekeys
  const json = (key: { id: number; publicKey: Uint8Array; signature: Uint8Array }) => ({
    id: key.id,
    public_key: toBase64(key.publicKey),
    signature: toBase64(key.signature),
  })
  const own = {
    device: samples.peerDevice as string,
    registration_id: 7,
    signed_prekey: json(signed),
    kyber_prekey: json(kyber),
    one_time_prekey: { id: oneTime.id, public_key: toBase64(oneTime.publicKey) },
  }
  const answered = (input: Uint8Array) =>
    Object.assign(transport, { status: 200, body: textOf(input) })
  const found = async (input: Uint8Array) => {
    Object.assign(transport, {
      status: 404,
      body: JSON.stringify({ error: { code: 'unknown-account', message: '' } }),
    })
    return findContact(core, textOf(input)).catch((error: unknown) => kindOf(error))
  }
  const shared = { kind: 'json', refuses, pure: false } as const
  return [
    {
      ...shared,
      name: 'refreshDevices',
      seeds: answerSeeds.deviceLists.map(jsonBytes),
      run: (input) => {
        answered(input)
        return refreshDevices(core, samples.account)
      },
      every: 4,
    },
    {
      ...shared,
      name: 'beginSessions',
      seeds: [jsonBytes({ bundles: [own] })],
      run: (input) => {
        answered(input)
        return beginSessions(core, { list, devices, renew: true })
      },
      every: 4,
    },
    {
      ...shared,
      name: 'findContact',
      kind: 'text',
      seeds: ['+49 1511 234-5678', `https://chat.example.org/c/${samples.peer}`, samples.peer].map(
        textBytes,
      ),
      run: found,
    },
    {
      ...shared,
      name: 'typedRecoveryKey',
      kind: 'text',
      seeds: [textBytes('')],
      run: (input) => typedRecoveryKey(textOf(input)),
      pure: true,
    },
  ]
}

function contents(): FuzzFunction[] {
  const account = readAccount(coreOver(new Answering()).store)
  if (!account) throw new Error('the test core has an account')
  const own = { ...account, account: samples.account }
  const head = {
    sender: samples.peer,
    senderDevice: samples.peerDevice,
    sequence: 7,
    messageId: samples.messageId,
    stamp: samples.contents[0]?.stamp ?? 0,
  }
  return [
    {
      name: 'contentOf',
      kind: 'protobuf',
      seeds: samples.contents.map((content) => pad(encodeContent(content))),
      run: (input) => contentOf(own, head, input),
      refuses,
      pure: true,
    },
    {
      // The padding is right, whatever it pads.
      name: 'contentOf, padded',
      kind: 'protobuf',
      seeds: samples.contents.map(encodeContent),
      run: (input) => contentOf(own, head, pad(input)),
      refuses,
      pure: true,
    },
  ]
}

function chains(): FuzzFunction[] {
  const [first, second] = samples.chain.lists
  if (!first || !second) throw new Error('the chain is too short')
  const one = verifyDeviceList(first, undefined, listCrypto)
  const two = verifyDeviceList(second, one, listCrypto)
  const hashes = new Map([one, two].map((list) => [list.list.version, list.hash]))
  const known = [undefined, one, two].map((newest, index): FuzzFunction => {
    const hashOf = (version: number) => (newest ? hashes.get(version) : undefined)
    return {
      name: `checkChain, ${index} known`,
      kind: 'protobuf',
      seeds: listFrames,
      run: (input) => checkChain({ account: samples.account, newest, hashOf }, listsIn(input)),
      // Of the frame alone: the check itself throws nothing.
      refuses: (error) =>
        error instanceof WireError && !(error.stack ?? '').includes('device-chain'),
      pure: true,
      every: 4,
    }
  })
  return [
    ...known,
    {
      name: 'listFromJson',
      kind: 'json',
      seeds: lists.map(jsonBytes),
      run: (input) =>
        listFromJson(
          answers.numberProven({ proof: '', account: '', device_lists: [jsonOf(input)] })
            .device_lists[0] as (typeof lists)[number],
        ),
      refuses: (error) => error instanceof WireError,
      pure: true,
    },
    {
      name: 'LogReader',
      kind: 'json',
      seeds: [
        jsonBytes([
          { position: 5, prev: 0 },
          { position: 9, prev: 7 },
          { position: 7, prev: 5 },
        ]),
      ],
      run: followLog,
      refuses: () => false,
      pure: true,
    },
  ]
}

/** Any positions in any order: it never goes back, and never takes what does not follow. */
function followLog(input: Uint8Array): unknown {
  const entries = jsonOf(input)
  const reader = new LogReader(0)
  if (!Array.isArray(entries)) return 'none'
  return entries.slice(0, 200).map((entry: unknown) => {
    const { position, prev } = Object(entry) as { position: unknown; prev: unknown }
    if (!Number.isSafeInteger(position) || !Number.isSafeInteger(prev)) return 'not from a frame'
    const [at, before] = [Math.abs(position as number), Math.abs(prev as number)]
    const place = reader.place({ position: at, prev: before }, startMs)
    if (place === 'next') reader.taken(at)
    else reader.caughtUp(at, 0)
    return { place, complete: reader.isComplete, fetch: reader.toFetch() === undefined }
  })
}

function covers(...names: string[]): string[] {
  return names.map((name) => `sdk:${name}`)
}

export const sdkTargets: readonly Target[] = [
  {
    name: 'sdk-answers',
    says: 'each answer of the HTTP API, as JSON',
    covers: covers(...Object.keys(answerSeeds)),
    open: () => ({ functions: parsers() }),
  },
  {
    name: 'sdk-exchange',
    says: 'answers of a server as bytes, with every kind of status',
    covers: covers('exchange'),
    open: () => ({ functions: exchanges() }),
  },
  {
    name: 'sdk-people',
    says: 'lists and bundles that the server shows of others, and whom a person looks for',
    covers: covers('refreshDevices', 'beginSessions', 'findContact', 'typedRecoveryKey'),
    open: async () => ({ functions: await people() }),
  },
  {
    name: 'sdk-contents',
    says: 'what was inside a message, against what is outside',
    covers: covers('contentOf'),
    open: () => ({ functions: contents() }),
  },
  {
    name: 'sdk-chains',
    says: 'chains of device lists against the one that is known, and positions of a log',
    covers: covers('checkChain', 'listFromJson', 'LogReader'),
    open: () => ({ functions: chains() }),
  },
]
