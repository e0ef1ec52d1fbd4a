/** apps/server, apps/cli and apps/web: settings, lines between processes, and marks in messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClient } from '../../../packages/sdk/src/client.ts'
import { systemRandom } from '../../../packages/sdk/src/platform/random.ts'
import { openBunDriver } from '../../../packages/sdk/src/store/sqlite.bun.ts'
import { HandClock } from '../../../packages/sdk/src/testing/test-hand-clock.ts'
import { type Client, ParleyError } from '../../../packages/sdk/src/types.ts'
import { bunCurve } from '@parley/crypto/bun'
import { figureKeys, parseFigures, readFigures } from '../../../apps/cli/src/capacity/figures.ts'
import { seconds, wholeNumber } from '../../../apps/cli/src/cli.ts'
import { CliFailure } from '../../../apps/cli/src/failure.ts'
import { linesOf, wholeText } from '../../../apps/cli/src/lines.ts'
import { OwnerGone } from '../../../apps/cli/src/profile/calls.ts'
import { openGuest } from '../../../apps/cli/src/profile/guest.ts'
import { openOwnerSocket } from '../../../apps/cli/src/profile/owner-socket.ts'
import { socketName } from '../../../apps/cli/src/profile/socket-place.ts'
import { settingsFrom } from '../../../apps/cli/src/settings.ts'
import { ConfigError, readConfig } from '../../../apps/server/src/config.ts'
import { readMarkup, withoutMarks } from '../../../apps/web/src/text/markup.ts'
import { countryOf, forReading, toE164 } from '../../../apps/web/src/text/phone-numbers.ts'
import {
  BrokenPromise,
  type FuzzFunction,
  jsonBytes,
  jsonOf,
  type OpenTarget,
  type Target,
  textBytes,
  textOf,
} from '../target.ts'
import * as samples from './samples.ts'

/** Texts of a command line or an environment: no others can be there. */
function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function settings(): OpenTarget {
  const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-config-'))
  const file = join(folder, 'config.toml')
  const refuses = (error: unknown) => error instanceof ConfigError || error instanceof CliFailure
  const shared = { refuses, pure: true } as const
  const flags = [
    '--port',
    '9000',
    '--host',
    '::1',
    '--trust-proxy',
    '--allowed-origins',
    'https://a.example',
  ]
  const environment = { PARLEY_PORT: '1', PARLEY_UNLIMITED: 'true', PARLEY_DEFAULT_COUNTRY: 'DE' }
  const toml =
    'port = 8080\nname = "Parley"\nallowed_origins = ["https://a.example"]\nunlimited = false\n'
  const options = {
    server: 'https://chat.example.org:8443',
    profile: 'work',
    home: folder,
    json: true,
  }
  const functions: FuzzFunction[] = [
    {
      ...shared,
      name: 'readConfig of flags',
      kind: 'json',
      seeds: [flags, ['--help'], []].map(jsonBytes),
      run: (input) =>
        readConfig(
          textsIn(jsonOf(input)).filter((each) => each !== '--config'),
          {},
        ),
    },
    {
      ...shared,
      name: 'readConfig of an environment',
      kind: 'json',
      seeds: [jsonBytes(environment)],
      run: (input) => readConfig([], environmentIn(jsonOf(input))),
    },
    {
      ...shared,
      name: 'readConfig of a file',
      kind: 'text',
      seeds: [textBytes(toml)],
      run: (input) => {
        writeFileSync(file, textOf(input))
        return readConfig(['--config', file], {})
      },
      every: 3,
    },
    {
      ...shared,
      name: 'settingsFrom',
      kind: 'json',
      seeds: [options, { server: 'localhost:1' }].map(jsonBytes),
      run: (input) => {
        const given = environmentIn(jsonOf(input))
        return settingsFrom({ home: folder, ...given }, {})
      },
    },
    {
      ...shared,
      name: 'wholeNumber',
      kind: 'text',
      seeds: ['1', '9007199254740991'].map(textBytes),
      run: (input) => wholeNumber('--count', textOf(input)),
    },
    {
      ...shared,
      name: 'seconds',
      kind: 'text',
      seeds: ['0.5', '60'].map(textBytes),
      run: (input) => seconds('--timeout', textOf(input)),
    },
  ]
  return { functions, close: async () => rmSync(folder, { recursive: true, force: true }) }
}

function environmentIn(value: unknown): Record<string, string> {
  const entries = Object.entries(Object(value) as object)
  return Object.fromEntries(entries.filter(([, each]) => typeof each === 'string')) as Record<
    string,
    string
  >
}

function figures(): OpenTarget {
  const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-figures-'))
  const file = join(folder, 'box.json')
  const row = Object.fromEntries(Object.values(figureKeys).map((key) => [key, 1.5]))
  const seeds = [`${JSON.stringify(row)}\n`, `{}\n${JSON.stringify(row, null, 0)}`].map(textBytes)
  const refuses = (error: unknown) => error instanceof CliFailure
  const shared = { kind: 'text', seeds, refuses, pure: true } as const
  const functions: FuzzFunction[] = [
    { ...shared, name: 'parseFigures', run: (input) => parseFigures(textOf(input), 'box.json') },
    {
      ...shared,
      name: 'readFigures',
      run: (input) => {
        writeFileSync(file, textOf(input))
        return readFigures(file)
      },
      every: 3,
    },
  ]
  return { functions, close: async () => rmSync(folder, { recursive: true, force: true }) }
}

const lineBytesMax = 100

async function* inPieces(input: Uint8Array): AsyncGenerator<Uint8Array> {
  const length = 1 + ((input[0] ?? 0) % 50)
  for (let at = 0; at < input.length; at += length) yield input.subarray(at, at + length)
}

/** No line is longer than allowed by more than a byte, and nothing is lost between short ones. */
async function linesIn(input: Uint8Array): Promise<unknown> {
  const lines: string[] = []
  for await (const line of linesOf(inPieces(input), lineBytesMax)) lines.push(line)
  const whole = Buffer.from(input).toString('utf8')
  const isShort = input.length <= lineBytesMax && !whole.includes('\r')
  if (isShort && lines.join('\n') !== whole.replace(/\n$/, '')) {
    throw new BrokenPromise('lines are not what was read')
  }
  if (lines.some((line) => line.length > lineBytesMax + 1))
    throw new BrokenPromise('a line is too long')
  return lines
}

function lines(): FuzzFunction[] {
  const text = new TextEncoder()
  const seeds = ['one\ntwo\r\n\nthree', '\n', 'a'.repeat(300), 'grün \u{1f469}\n'].map((each) =>
    text.encode(each),
  )
  const shared = { kind: 'bytes', seeds, refuses: () => false, pure: true } as const
  return [
    { ...shared, name: 'linesOf', run: linesIn },
    { ...shared, name: 'wholeText', run: (input) => wholeText(inPieces(input), lineBytesMax) },
  ]
}

const callSeeds = [
  { kind: 'call', call: 1, name: 'account', input: [] },
  { kind: 'call', call: 2, name: 'contacts', input: [] },
  { kind: 'call', call: 3, name: 'findContact', input: ['+4915112345678'] },
  { kind: 'call', call: 4, name: 'timeline', input: [{ conversation: samples.peer, limit: 5 }] },
  {
    kind: 'call',
    call: 5,
    name: 'markRead',
    input: [samples.peer, { stamp: 1, id: samples.messageId }],
  },
  { kind: 'watch', watched: 'chats' },
  { kind: 'watch', watched: `timeline:${samples.peer}` },
]
const answerSeeds = [
  { kind: 'value', call: 1, value: { kind: 'none' } },
  { kind: 'problem', call: 1, problem: { code: 'refused', says: 'No.' } },
  { kind: 'changed', watched: 'chats' },
]

/** An engine in memory without a network, and the socket through which others use it. */
class OwnedProfile {
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
  readonly #client: Client = openClient({
    driver: openBunDriver(':memory:'),
    clock: new HandClock(Date.UTC(2026, 5, 1)),
    random: systemRandom,
    transport: {
      openSocket: () => ({ send() {}, bufferedBytes: () => 0, close() {} }),
      fetch: async () => new Response('', { status: 503 }),
    },
    curve: bunCurve,
    server: 'http://127.0.0.1:9',
    recordEvents: true,
    observeMessageKey: undefined,
  })
  #socket: AsyncDisposable | undefined

  async open(): Promise<this> {
    this.#socket = await openOwnerSocket(this.#folder, this.#client)
    return this
  }

  get path(): string {
    return join(this.#folder, socketName)
  }

  async close(): Promise<void> {
    await this.#socket?.[Symbol.asyncDispose]()
    await this.#client[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A profile has enough after so many guests: what they write into it is kept. */
const guestsPerProfile = 500

function ownerRunner() {
  let owned: OwnedProfile | undefined
  let guests = 0
  return {
    async run(input: Uint8Array): Promise<unknown> {
      if (guests++ % guestsPerProfile === 0) {
        await owned?.close()
        owned = await new OwnedProfile().open()
      }
      return spoken(owned?.path ?? '', `${textOf(input)}\n`)
    },
    close: async () => owned?.close(),
  }
}

/** Both ends of the socket between two processes of one profile, each with the other spoilt. */
async function profileSocket(): Promise<OpenTarget> {
  const pretended = mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
  const owner = ownerRunner()
  let answer: Uint8Array = new Uint8Array()
  const pretender = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(answer))
  })
  await listening(pretender, join(pretended, socketName))
  const runGuest = async (input: Uint8Array) => {
    answer = Buffer.from(`${textOf(input)}\n`)
    const guest = await openGuest(pretended)
    if (!guest) throw new BrokenPromise('the guest found no owner')
    guest.watch('chats', () => {})
    // An owner's refusal is the right outcome here, so it is the output.
    const outcome = await guest.call('account', []).catch(outcomeOf)
    await guest.close()
    return outcome
  }
  const shared = { kind: 'text', pure: false, refuses: () => false } as const
  return {
    functions: [
      { ...shared, name: 'openOwnerSocket', seeds: callSeeds.map(jsonBytes), run: owner.run },
      { ...shared, name: 'openGuest', seeds: answerSeeds.map(jsonBytes), run: runGuest },
    ],
    async close() {
      await owner.close()
      pretender.close()
      rmSync(pretended, { recursive: true, force: true })
    },
  }
}

function outcomeOf(error: unknown): unknown {
  if (error instanceof OwnerGone) return { kind: 'gone' }
  if (error instanceof ParleyError) return { kind: 'problem' }
  throw error
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve) => {
    server.listen(path, () => resolve())
  })
}

/** Kinds of what comes back before the other side closes. */
function spoken(path: string, said: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = createConnection(path, () => socket.end(said))
    socket.on('data', (chunk) => {
      heard += String(chunk)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      try {
        const kinds = heard.split('\n').filter(Boolean)
        resolve(
          kinds.map((line) => ({ kind: String((JSON.parse(line) as { kind: string }).kind) })),
        )
      } catch (error) {
        reject(new BrokenPromise(`the owner says what is no JSON: ${String(error)}`))
      }
    })
  })
}

function webTexts(): FuzzFunction[] {
  const seeds = [
    '*bold* _italic_ ~strike~ `code` ```block\nof code```',
    'see https://example.org/a_(b)?c=d, or www.example.org.',
    '*_~nested~_*',
    'http://a.example/',
  ]
  const phones = ['+49 1511 2345678', '0151/1234', '0049 30 123456'].map(textBytes)
  const shared = {
    kind: 'text',
    seeds: seeds.map(textBytes),
    refuses: () => false,
    pure: true,
  } as const
  return [
    { ...shared, name: 'readMarkup', run: (input) => readMarkup(textOf(input)) },
    { ...shared, name: 'withoutMarks', run: (input) => withoutMarks(textOf(input)) },
    {
      ...shared,
      name: 'toE164',
      seeds: phones,
      run: (input) => {
        const e164 = toE164(textOf(input), 'DE')
        return [e164, countryOf(textOf(input)), e164 && forReading(e164)]
      },
      // What a field of a form holds.
      inputBytesMax: 200,
    },
  ]
}

export const appTargets: readonly Target[] = [
  {
    name: 'app-settings',
    says: 'flags, environment and file of the server, options of the command line',
    covers: ['app-server:readConfig', 'cli:settingsFrom', 'cli:wholeNumber', 'cli:seconds'],
    open: settings,
  },
  {
    name: 'cli-figures',
    says: 'what a benchmark has printed about a box',
    covers: ['cli:parseFigures', 'cli:readFigures'],
    open: figures,
  },
  {
    name: 'cli-lines',
    says: 'lines of standard input',
    covers: ['cli:linesOf', 'cli:wholeText'],
    open: () => ({ functions: lines() }),
  },
  {
    name: 'cli-socket',
    says: 'lines between two processes of one profile, at both ends',
    covers: ['cli:openOwnerSocket', 'cli:openGuest'],
    open: profileSocket,
  },
  {
    name: 'web-texts',
    says: 'marks and links in what people write, and their numbers',
    covers: ['web:readMarkup'],
    open: () => ({ functions: webTexts() }),
  },
]
