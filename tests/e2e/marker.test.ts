/**
 * What people write, and what they call themselves and each other, is nowhere on the server's side:
 * not in its files, its output, its metrics, nor on the wire.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { spawnServer } from '@parley/testkit'
import type { SpawnedServer } from '@parley/testkit'
import { filesUnder, findMarkers, formsOf } from './marker-scan.ts'
import { RecordingRelay, webSocketPayloads } from './recording-relay.ts'
import { patienceMs, Person } from './sdk-harness.ts'

setDefaultTimeout(3 * patienceMs)

const messagesEachWay = 50
const randomMarker = () => Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex')
const markers = {
  text: randomMarker(),
  emoji: `🦊${randomMarker()}ü`,
  name: randomMarker(),
  'name of a contact': randomMarker(),
  draft: randomMarker(),
}
const refusedCode = '000000'

let server: SpawnedServer
let relay: RecordingRelay
let ada: Person
let ben: Person
let metrics = ''
/** Scanned while the server runs, so that the journals are there too. */
let files: [string, Buffer][] = []

beforeAll(async () => {
  server = await spawnServer({ flags: ['--log-level', 'debug'] })
  relay = await RecordingRelay.before(server.url)
  const box = { url: relay.url, code: (phone: string) => server.code(phone) }
  ada = await Person.register(box, { name: `Ada ${markers.name}` })
  ben = await Person.register(box, { name: `Ben ${markers.name}` })
  await ada.client.findContact(ben.phone)
  await chat()
  await makeMistakes()
  metrics = await (await fetch(`${server.url}/metrics`)).text()
  files = filesUnder(server.dataFolder)
}, 3 * patienceMs)

afterAll(async () => {
  await ada[Symbol.asyncDispose]()
  await ben[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function chat(): Promise<void> {
  const text = (index: number) => `${index} ${markers.text} and ${markers.emoji} ${index}`
  ada.client.setContactName(ben.account, markers['name of a contact'])
  ada.client.watchPresence(ben.account)
  for (let index = 0; index < messagesEachWay; index++) {
    ada.client.setTyping(ben.account, true)
    ada.client.setDraft(ben.account, text(index))
    await ada.send(ben, text(index))
    await ben.untilTheirs(ada, index + 1)
    await ben.send(ada, text(index))
  }
  ada.client.setDraft(ben.account, markers.draft)
  ben.client.setDraft(ada.account, markers.draft)
  await ada.untilTheirs(ben, messagesEachWay)
  await Promise.all([ada.read(ben), ben.read(ada)])
  await Promise.all([ada.untilMine(ben, ['read']), ben.untilMine(ada, ['read'])])
}

/** Failures are what logs are talkative about. */
async function makeMistakes(): Promise<void> {
  const elsewhere = `${server.url}/v1/nothing/${encodeURIComponent(ada.phone)}?q=${ben.phone}`
  await fetch(elsewhere)
  const post = (path: string, body: string) =>
    fetch(server.url + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
  await post('/v1/registrations', `{"phone":"${ada.phone}`)
  await post('/v1/registrations', JSON.stringify({ phone: `${ada.phone}0000000000000` }))
  const started = await post('/v1/registrations', JSON.stringify({ phone: ada.phone }))
  const { registration } = (await started.json()) as { registration: string }
  expect(registration).toBeString()
  await post(`/v1/registrations/${registration}/code`, JSON.stringify({ code: refusedCode }))
  await ada.client.findContact('+4915999999997').catch(() => undefined)
}

test('the scan finds each marker in each form, and the clients have them all', () => {
  for (const [name, marker] of Object.entries(markers)) {
    expect(formsOf(marker).size).toBe(11)
    for (const around of ['', 'x', 'xy', 'xyz']) {
      const planted = Buffer.from(`${around}${marker}${around}`)
      const places = [
        planted,
        Buffer.from(planted.toString('utf8'), 'utf16le'),
        Buffer.from(planted.toString('utf8'), 'utf16le').swap16(),
        Buffer.from(planted.toString('hex')),
        Buffer.from(planted.toString('hex').toUpperCase()),
        Buffer.from(planted.toString('base64')),
        Buffer.from(planted.toString('base64url')),
      ].map((bytes, index) => [String(index), bytes] as const)
      for (const place of places) expect(findMarkers([place], { [name]: marker })).not.toEqual([])
    }
    const own = findMarkers(filesUnder(ada.folder), { [name]: marker })
    expect([name, own.length > 0]).toEqual([name, true])
  }
  expect(findMarkers(filesUnder(ben.folder), markers).length).toBeGreaterThan(0)
  expect(ben.client.chat(ada.account).getSnapshot().title).toContain(markers.name)
})

test('[I6] no file under the data folder holds what was written, journals included', () => {
  expect(files.map(([path]) => path)).toContainEqual(expect.stringMatching(/-wal$/))
  const all = Buffer.concat(files.map(([, bytes]) => bytes))
  const ids = [...ada.items(ben), ...ben.items(ada)].map(({ id }) => Buffer.from(id, 'hex'))
  expect(ids.length).toBe(4 * messagesEachWay)
  expect(ids.filter((id) => !all.includes(id))).toEqual([])
  expect(findMarkers(files, markers)).toEqual([])
})

test('[I6] no frame and no request holds what was written', () => {
  const carried = relay.carried()
  const frames = carried.flatMap((connection) => webSocketPayloads(connection) ?? [])
  const raw = carried.flatMap(({ fromClient, fromServer }) => [fromClient, fromServer])
  const all = Buffer.concat(frames)
  const ids = ada.items(ben).map(({ id }) => Buffer.from(id, 'hex'))
  expect(ids.filter((id) => !all.includes(id))).toEqual([])
  expect(Buffer.concat(raw).includes(ada.phone)).toBe(true)
  expect(raw.some((bytes) => /^content-encoding:/im.test(bytes.toString('latin1')))).toBe(false)
  const places = [...frames, ...raw].map((bytes, index) => [`stream ${index}`, bytes] as const)
  expect(findMarkers(places, markers)).toEqual([])
})

test('[I6] no metric holds what was written, nor who wrote it', () => {
  const accepted = /^parley_sends_accepted_total (\d+)$/m.exec(metrics)?.[1]
  expect(Number(accepted)).toBeGreaterThanOrEqual(2 * messagesEachWay)
  expect(findMarkers([['/metrics', Buffer.from(metrics)]], markers)).toEqual([])
  for (const identity of [ada.account, ben.account, ada.phone, ben.phone]) {
    expect(metrics).not.toContain(identity.replace('+', ''))
  }
})

test('[I6] the server prints nothing of what was written, however talkative it is', () => {
  const { stdout, stderr } = server.output()
  expect(stderr).toContain('"msg":"request"')
  const places = [
    ['stdout', Buffer.from(stdout)],
    ['stderr', Buffer.from(stderr)],
  ] as const
  expect(findMarkers(places, markers)).toEqual([])
})

test('[S14] numbers, codes, tokens and addresses do not stand in the log; a number only beside its code', () => {
  const { stdout, stderr } = server.output()
  const numbers = [ada.phone, ben.phone, '+4915999999997'].map((phone) => phone.slice(3))
  const lines = stdout.split('\n').filter((line) => !line.startsWith('Code for '))
  for (const text of [stderr, lines.join('\n')]) {
    expect(numbers.filter((number) => text.includes(number))).toEqual([])
  }
  const codes = [...stdout.matchAll(/^Code for \+\d+: (\d{6})$/gm)].map((match) => match[1] ?? '')
  expect(codes.length).toBeGreaterThanOrEqual(3)
  const http = relay.carried().map(({ fromServer }) => fromServer.toString('latin1'))
  const secrets = http.flatMap((text) => [
    ...text.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g),
  ])
  expect(secrets.length).toBeGreaterThanOrEqual(4)
  const values = secrets.map((match) => match[1] ?? '')
  for (const secret of [...values, ...codes.map((code) => `"${code}"`), '127.0.0.1']) {
    expect(stderr).not.toContain(secret)
  }
})

test('[I6] after the server has stopped its files hold nothing either', async () => {
  server.kill('SIGTERM')
  expect(await server.exited).toBe(0)
  expect(findMarkers(filesUnder(server.dataFolder), markers)).toEqual([])
})
