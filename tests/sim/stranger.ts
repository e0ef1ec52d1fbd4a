/**
 * Somebody who keeps to nothing: frames and requests that no client of ours sends, with a token
 * that was overheard or with none. Whatever it does, the others must be served.
 */
import type { SimEnd } from '@parley/testkit'
import { encodeClientFrame, entryBytesMax, inboxOf, sendBytesMax } from '@parley/wire'
import type { AccountId, ClientFrame, DeviceId, LogId, MessageId } from '@parley/wire'
import type { World } from './world.ts'

const origin = 'http://parley.sim'
export const strangerName = 'stranger'
const nobody = '00000000-0000-4000-8000-000000000000' as AccountId
const nobodysLog = inboxOf(nobody)
const strangeDevice = 'f'.repeat(32) as DeviceId
const tooManyBytes = 20 * 1024
const floodFrames = 500
const sendsAtOnce = 40
/** One more than the server grants in a day (S11). */
const newNumbers = 101

interface Asking {
  method?: 'GET' | 'POST' | 'PUT'
  path: string
  body?: unknown
  headers?: Record<string, string>
}

const badList = { body: 'AAAA', signer: '', signature: 'AAAA' }
const signed = { id: 1, public_key: 'AAAA', signature: 'AAAA' }
const badPreKeys = {
  registration_id: 1,
  signed_prekey: signed,
  kyber_prekey: signed,
  one_time_prekeys: [],
  one_time_kyber_prekeys: [],
}

/** Without a token, or with one that is none. */
const anonymous: readonly Asking[] = [
  { path: '/v1/nothing' },
  { path: '/metrics', headers: { 'x-forwarded-for': '203.0.113.7' } },
  { path: '/v1/prekeys' },
  { path: '/v1/prekeys', headers: { authorization: 'Bearer none' } },
  { method: 'POST', path: '/v1/registrations', body: { phone: 5 } },
  { method: 'POST', path: '/v1/registrations', body: { phone: '12' } },
  { method: 'POST', path: '/v1/registrations/none/code', body: { code: '000000' } },
  { method: 'POST', path: '/v1/registrations', body: { phone: '+'.repeat(tooManyBytes) } },
  {
    method: 'POST',
    path: '/v1/tokens',
    body: { grant_type: 'refresh_token', refresh_token: 'none' },
  },
  { method: 'POST', path: `/v1/accounts/${nobody}/device-lists`, body: { device_list: badList } },
]

/** With somebody's token. */
const borrowed: readonly Asking[] = [
  { method: 'POST', path: '/v1/lookup', body: { phone: '+4915199999999' } },
  { method: 'POST', path: '/v1/lookup', body: { phone: 'my aunt' } },
  { path: `/v1/accounts/${nobody}/devices` },
  { method: 'POST', path: '/v1/devices', body: { device_list: badList } },
  { method: 'PUT', path: '/v1/prekeys', body: badPreKeys },
]

async function ask(world: World, { method = 'GET', path, body, headers = {} }: Asking) {
  const sent = new Headers(headers)
  if (body !== undefined) sent.set('content-type', 'application/json')
  const init = { method, headers: sent, body: body === undefined ? null : JSON.stringify(body) }
  const request = new Request(origin + path, init)
  return world.network.fetch(request)
}

/** One that is refused. */
export async function strangeRequest(world: World): Promise<void> {
  const { random } = world
  const { authorization } = world.witness.overheard
  const isBorrowing = authorization !== undefined && random.chance(0.5)
  const asking = random.pick(isBorrowing ? borrowed : anonymous)
  const headers = { ...asking.headers, ...(isBorrowing && { authorization }) }
  world.tell(`a stranger asks ${asking.method ?? 'GET'} ${asking.path}`)
  world.beginQuietly(ask(world, { ...asking, headers }))
}

/** Somebody else's list once more, as it was and changed. */
export async function strangeList(world: World): Promise<void> {
  const { authorization, list } = world.witness.overheard
  if (!authorization || !list) return
  const isForged = world.random.chance(0.5)
  const device_list = isForged ? { ...list, signature: list.signature.toLowerCase() } : list
  world.tell(`a stranger hands in ${isForged ? 'a forged' : 'an old'} device list`)
  const body = { device_list }
  world.beginQuietly(
    ask(world, { method: 'POST', path: '/v1/devices', body, headers: { authorization } }),
  )
}

/** Codes for a number that is not theirs, until the server has enough. */
export async function guessCodes(world: World): Promise<void> {
  const number = world.random.below(3)
  world.tell('a stranger guesses codes')
  const guess = async () => {
    const started = await ask(world, {
      method: 'POST',
      path: '/v1/registrations',
      body: { phone: `+491600000000${number}` },
    })
    const { registration } = (await started.json()) as { registration?: string }
    if (!registration) return
    for (let tries = 0; tries < 7; tries++) {
      const path = `/v1/registrations/${registration}/code`
      await ask(world, { method: 'POST', path, body: { code: String(tries).padStart(6, '0') } })
    }
  }
  world.beginQuietly(guess())
}

/** Who is behind a hundred numbers? */
export async function harvestNumbers(world: World): Promise<void> {
  const { authorization } = world.witness.overheard
  if (!authorization) return
  world.tell('a stranger looks numbers up')
  const harvest = async () => {
    for (let number = 0; number < newNumbers; number++) {
      const phone = `+49170${String(1_000_000 + number)}`
      const headers = { authorization }
      await ask(world, { method: 'POST', path: '/v1/lookup', body: { phone }, headers })
    }
  }
  world.beginQuietly(harvest())
}

type Say = (end: SimEnd, token: string) => void

const say = (end: SimEnd, frame: ClientFrame) => end.send(encodeClientFrame(frame))
const hello = (token: string): ClientFrame => ({
  kind: 'hello',
  token,
  cursors: [],
  capabilities: [],
})

function sendTo(log: LogId, sequence: number, ciphertextBytes: number): ClientFrame {
  const ciphertext = new Uint8Array(ciphertextBytes)
  return {
    kind: 'send',
    log,
    sequence,
    messageId: '0'.repeat(32) as MessageId,
    stamp: 1,
    deviceList: new Uint8Array(32),
    envelopes: [{ device: strangeDevice, type: 'message', ciphertext }],
  }
}

/** The inbox of whoever the token was made for. */
function logOf(token: string): LogId {
  const [, claims = ''] = token.split('.')
  if (claims === '') return nobodysLog
  const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: AccountId }
  return inboxOf(sub)
}

/** By what it does; `token`: of somebody, or none. */
const manners: Record<string, Say> = {
  'says nothing': () => {},
  'sends rubbish': (end) => end.send(Uint8Array.of(0xff, 0xff, 0xff)),
  'sends too large a frame': (end) => end.send(new Uint8Array(sendBytesMax + 1)),
  'has a token that is none': (end) => say(end, hello('none')),
  'floods before its Hello is answered'(end, token) {
    say(end, hello(token))
    for (let count = 0; count < floodFrames; count++) say(end, { kind: 'ping' })
  },
  'says Hello and nothing more': (end, token) => say(end, hello(token)),
  'acknowledges the future'(end, token) {
    say(end, hello(token))
    say(end, { kind: 'ack', log: logOf(token), position: Number.MAX_SAFE_INTEGER })
  },
  "asks for somebody else's log"(end, token) {
    say(end, hello(token))
    say(end, { kind: 'fetch', log: nobodysLog, after: 0, limit: 1 })
  },
  'writes to nobody'(end, token) {
    say(end, hello(token))
    for (let sent = 1; sent <= sendsAtOnce; sent++) say(end, sendTo(nobodysLog, sent, 1))
  },
  'writes too much'(end, token) {
    say(end, hello(token))
    say(end, sendTo(nobodysLog, 1, entryBytesMax))
  },
}

/** A socket of a program that is not ours; with somebody's token it takes their place. */
export async function strangeSocket(world: World): Promise<void> {
  const manner = world.random.pick(Object.keys(manners))
  const authorization = world.witness.overheard.authorization ?? 'Bearer none'
  world.tell(`a stranger connects and ${manner}`)
  const end = world.network.open(strangerName, { message() {}, closed() {} }, () =>
    manners[manner]?.(end, authorization.replace('Bearer ', '')),
  )
}
