/**
 * E26: a server answers anything to everything. Nothing but a typed refusal comes of it, and the
 * client goes on when the server does.
 */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { SimRandom, startServer } from '@parley/testkit'
import { encodeServerFrame, inboxOf } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import { timelineQuery } from '../../packages/sdk/src/state/timeline.ts'
import { openBunDriver } from '../../packages/sdk/src/store/sqlite.bun.ts'
import { engineOn } from '../../packages/sdk/src/testing/test-engine.ts'
import {
  eventually,
  openOn,
  textsOf,
  until,
  untilTexts,
} from '../../packages/sdk/src/testing/test-people.ts'
import { ParleyError } from '../../packages/sdk/src/types.ts'
import { HostileServer } from './hostile-server.ts'
import { flipped, greetings, setAcquaintedStage, setStage } from './stage.ts'
import { SkippingClock } from './skipping-clock.ts'

const json = { headers: { 'content-type': 'application/json' } }
const nested = 100_000
const tooLarge = 5 * 1024 * 1024

/** Each is made anew, since a body is read once. */
const answers: [string, () => Response][] = [
  ['nothing', () => new Response('', json)],
  ['null', () => new Response('null', json)],
  ['a number', () => new Response('1e999', json)],
  ['a list', () => new Response('[]', json)],
  ['an empty object', () => new Response('{}', json)],
  ['a prototype', () => new Response('{"__proto__":{"polluted":true},"constructor":1}', json)],
  ['nesting without end', () => new Response('['.repeat(nested), json)],
  ['half a JSON', () => new Response('{"account":"', json)],
  ['bytes that are no text', () => new Response(Uint8Array.of(0xff, 0xfe, 0, 0xc0, 0x80), json)],
  ['a web page', () => new Response('<!doctype html><script>1</script>')],
  ['five megabytes', () => new Response('x'.repeat(tooLarge), json)],
  ['an error of no kind', () => new Response('{"error":{"code":"constructor"}}', failure(400))],
  ['an error that is a web page', () => new Response('<h1>Bad gateway</h1>', failure(502))],
  ['an error of the wrong shape', () => new Response('{"error":7}', failure(500))],
]

function failure(status: number): ResponseInit {
  return { ...json, status }
}

/** The same object with one of its fields spoilt, field by field, on every level. */
function spoilt(value: unknown, random: SimRandom): unknown {
  const wrong = [undefined, null, -1, 1.5, 2 ** 53, '', 'é\u0000', [], {}, true, 'x'.repeat(70_000)]
  const other = () => wrong[random.below(wrong.length)]
  if (typeof value !== 'object' || value === null || random.below(4) === 0) return other()
  if (Array.isArray(value)) {
    return random.below(2) === 0 ? [...value, other()] : value.map((item) => spoilt(item, random))
  }
  const keys = Object.keys(value)
  const key = keys[random.below(keys.length)]
  if (key === undefined) return other()
  return { ...value, [key]: spoilt((value as Record<string, unknown>)[key], random) }
}

async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'resolved',
    (error: unknown) => error,
  )
}

function expectTyped(outcome: unknown): void {
  if (outcome === 'resolved') return
  expect(outcome).toBeInstanceOf(ParleyError)
  expect((outcome as ParleyError).problem.says).toMatch(/\.$/)
}

test('[E26] garbage in every answer of a registration is refused with a sentence, and then it goes through', async () => {
  await using server = await startServer()
  await using evil = new HostileServer(server.url)
  await using client = openOn(openBunDriver(new Database(':memory:')), evil.url)
  const start = () => client.startRegistration('+4915112399100')
  const honest = evil.alterAnswer
  const under = async (path: RegExp, answer: () => Response, work: () => Promise<unknown>) => {
    evil.alterAnswer = (exchange) => (path.test(exchange.path) ? answer() : exchange.body)
    const outcome = await refusalOf(work())
    evil.alterAnswer = honest
    expect(outcome).toBeInstanceOf(ParleyError)
    expect(client.account.getSnapshot()).toEqual({ kind: 'none' })
  }
  for (const [, answer] of answers) await under(/registrations$/, answer, start)
  const { registration, phone } = await start()
  const code = () => server.codes.get(phone) ?? ''
  const finish = (id: string) =>
    client.finishRegistration({
      registration: id,
      code: code(),
      name: 'Ana',
      recoveryKey: undefined,
    })
  for (const [, answer] of answers) {
    const again = await start()
    await under(/\/code$/, answer, () => finish(again.registration))
  }
  expect(registration).not.toBe('')
  const last = await start()
  for (const [, answer] of answers) {
    await under(/\/device$/, answer, () => finish(last.registration))
  }
  const done = await start()
  await finish(done.registration)
  expect(client.account.getSnapshot().kind).toBe('registered')
}, 20_000)

test('[E26] garbage in every other answer is refused with a sentence, and what was written goes out afterwards', async () => {
  await using stage = await setStage()
  const { evil, ana, ben } = stage
  const honest = evil.alterAnswer
  const calls = (): Promise<unknown>[] => [
    ben.client.findContact(ana.phone),
    ben.client.safetyNumber(ana.account),
    ben.client.diagnose(),
  ]
  const random = new SimRandom(26)
  const kinds = [...answers.map(([, answer]) => answer), ...Array<undefined>(40).fill(undefined)]
  for (const answer of kinds) {
    evil.alterAnswer = ({ body }) => answer?.() ?? spoilt(body, random)
    for (const outcome of await Promise.all(calls().map(refusalOf))) expectTyped(outcome)
  }
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  expect(ben.client.account.getSnapshot().kind).toBe('registered')
  evil.alterAnswer = honest
  await ben.client.findContact(ana.phone)
  await ben.client.sendText(ana.account, 'afterwards')
  await untilTexts(ana.client, ben.account, ['afterwards'])
}, 20_000)

/** What a connection can be told that no server tells. */
function frames(own: AccountId): (Uint8Array | string)[] {
  const random = new SimRandom(4)
  const bytes = (length: number) => Uint8Array.from({ length }, () => random.below(256))
  const log = inboxOf(own)
  const genuine = [
    encodeServerFrame({ kind: 'welcome', time: 1, incarnation: 'x', lastSequence: 0 }),
    encodeServerFrame({ kind: 'accepted', log, upTo: Number.MAX_SAFE_INTEGER }),
    encodeServerFrame({
      kind: 'rejected',
      log,
      sequence: 1,
      reason: 'devices-changed',
      time: Number.MAX_SAFE_INTEGER,
      deviceLists: [{ body: bytes(40), signer: bytes(16), signature: bytes(64) }],
      retryAfterMs: 2 ** 31,
    }),
    encodeServerFrame({
      kind: 'entry',
      log,
      position: 1,
      prev: 0,
      content: { kind: 'devices', version: 2 ** 40 },
    }),
    encodeServerFrame({ kind: 'presence', account: own, online: true, lastSeen: 2 ** 52 }),
    encodeServerFrame({ kind: 'receipts', confirmed: [] }),
    encodeServerFrame({ kind: 'typing', peer: own, active: true }),
  ]
  const cut = genuine.map((frame) => frame.subarray(0, frame.length >> 1))
  const flips = genuine.map((frame) => flipped(frame, random.below(frame.length * 8)))
  const noise = [0, 1, 2, 16, 300, 5_000].map(bytes)
  const large = new Uint8Array(1024 * 1024 + 1)
  return [...genuine, ...cut, ...flips, ...noise, large, 'text', '{"kind":"welcome"}', '']
}

test('[E26] garbage in frames ends a connection at most, and the next message comes', async () => {
  await using stage = await setAcquaintedStage()
  const { evil, ana, ben } = stage
  await ben.client[Symbol.asyncDispose]()
  const clock = new SkippingClock()
  const engine = engineOn(openBunDriver(ben.database), evil.url, clock)
  engine.start()
  const { connection, core } = engine
  const online = () =>
    eventually(() => {
      if (!connection.live()) clock.skip(1_000)
      return connection.live()
    })
  for (const frame of frames(ben.account)) {
    await online()
    evil.say(frame)
    // Another answer of the same program comes behind it.
    await fetch(`${evil.url}/v1/server`)
  }
  await online()
  await ana.client.sendText(ben.account, 'afterwards')
  const query = { conversation: ana.account, around: undefined, limit: 180 }
  const timeline = timelineQuery(core.store, query)
  await until(timeline, ({ items }) => textsOf(items).includes('afterwards'), 20_000)
  expect(textsOf(timeline.getSnapshot().items)).toEqual([...greetings, 'afterwards'])
  await engine.end()
}, 40_000)
