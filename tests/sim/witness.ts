/**
 * Sees what goes over the network and what the server keeps, checks I6, I8 and I9 on it and counts
 * what was met. Now and then it lies to clients on behalf of the server, which a signature must
 * show.
 */
import type { NetworkWatch, SentFrame, SimRandom } from '@parley/testkit'
import {
  accountOfInbox,
  closeReasons,
  decodeClientFrame,
  decodeDeviceList,
  decodeServerFrame,
  encodeDeviceList,
  WireError,
} from '@parley/wire'
import type { AccountId, ClientFrame, DeviceId, Send, ServerFrame } from '@parley/wire'
import { SendWindow } from './client-bounds.ts'
import type { Coverage } from './coverage.ts'
import { InvariantBroken } from './invariants.ts'
import { holdsMarker } from './markers.ts'
import { plantInBundles } from './plants.ts'
import type { Plant } from './plants.ts'
import { strangerName } from './stranger.ts'

/**
 * Tight, so that a simulated conversation comes near them. As in the gateway's own, a page of the
 * log fits between high and max.
 */
export const bounds = {
  bufferedBytesHigh: 8 * 1024,
  bufferedBytesMax: 44 * 1024,
  queuedFramesMax: 64,
  queuedBytesMax: 256 * 1024,
}
export const entriesPerPageMax = 3
export const textBytesMax = 9_000
export const logQueueBytesMax = 16 * 1024

export interface WitnessOptions {
  random: SimRandom
  coverage: Coverage
  /** Keeps a broken invariant until the run can stop. */
  broken: (error: InvariantBroken) => void
  plant: Plant | undefined
  tell: (line: string) => void
}

type Answer = (request: Request) => Promise<Response>

interface SignedListJson {
  body: string
  signer: string
  signature: string
}

const nameOfClose = new Map<number, string>(
  Object.entries(closeReasons).map(([name, { code }]) => [code, name]),
)

export class Witness implements NetworkWatch {
  readonly #options: WitnessOptions
  /** Who signed for what: all devices on lists that an account's own client has handed in. */
  readonly #signed = new Map<AccountId, Set<DeviceId>>()
  /** By profile. */
  readonly #windows = new Map<string, SendWindow>()
  /** Probability that an answer with device lists shows one more than there is. */
  lies = 0
  /** What went over the network last, for a stranger to use. */
  readonly overheard: { authorization?: string; list?: SignedListJson } = {}

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  frame({ client, toServer, bytes, bufferedBytes }: SentFrame): void {
    const { coverage } = this.#options
    this.expectNoMarker(bytes, 'a frame')
    if (client === strangerName && toServer) return this.#fromStranger(bytes)
    const frame = toServer ? decodeClientFrame(bytes) : decodeServerFrame(bytes)
    coverage.meet(toServer ? 'frames to the server' : 'frames to clients', frame.kind)
    const window = this.#windowOf(client)
    if (toServer) {
      const asked = frame as ClientFrame
      const finding = window.toServer(asked, bytes.length, bufferedBytes)
      if (finding) this.#fail('I9', `${client}: ${finding}`)
      return this.#fromClient(asked)
    }
    window.fromServer(frame as ServerFrame)
    this.#fromServer(frame as ServerFrame)
    const isClosing = frame.kind === 'closing'
    if (bufferedBytes > bounds.bufferedBytesMax && !isClosing) {
      this.#fail('I9', `${bufferedBytes} bytes wait for a client that does not read`)
    }
  }

  async exchange(request: Request, answer: Answer): Promise<Response> {
    const { coverage, plant } = this.#options
    const { pathname } = new URL(request.url)
    const route = pathname.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]{40,}/g, '*')
    const asked = request.body ? await request.clone().text() : ''
    this.expectNoMarker(request.url + asked, 'a request')
    this.#noteSigned(asked)
    this.overheard.authorization =
      request.headers.get('authorization') ?? this.overheard.authorization
    const isPlanted = plant === 'unverified-lists' && pathname.endsWith('/bundles')
    const response = await (isPlanted ? plantInBundles(request, asked, answer) : answer(request))
    const said = await response.clone().text()
    this.expectNoMarker(said, 'an answer')
    coverage.meet('requests', `${request.method} ${route}`)
    if (response.status >= 400) coverage.meet('errors of the API', errorCode(said))
    return response.ok ? this.#lie(pathname, said, response) : response
  }

  /** I6. */
  expectNoMarker(bytes: Uint8Array | string, where: string): void {
    if (holdsMarker(bytes)) this.#fail('I6', `${where} holds what somebody wrote`)
  }

  #windowOf(client: string): SendWindow {
    const window = this.#windows.get(client) ?? new SendWindow()
    this.#windows.set(client, window)
    return window
  }

  /** What no client of ours sends proves nothing about them. */
  #fromStranger(bytes: Uint8Array): void {
    const { coverage } = this.#options
    try {
      coverage.meet('frames to the server', `of a stranger: ${decodeClientFrame(bytes).kind}`)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      coverage.meet('frames to the server', 'of a stranger: not understood')
    }
  }

  #fromClient(frame: ClientFrame): void {
    if (frame.kind === 'send') this.#checkEnvelopes(frame)
  }

  #fromServer(frame: ServerFrame): void {
    const { coverage } = this.#options
    if (frame.kind === 'rejected') coverage.meet('refusals of sends', frame.reason)
    if (frame.kind === 'entry') coverage.meet('entries', frame.content.kind)
    if (frame.kind === 'closing') {
      coverage.meet('closed by the server', nameOfClose.get(frame.code) ?? String(frame.code))
    }
  }

  /** I8. */
  #checkEnvelopes({ log, envelopes }: Send): void {
    const account = accountOfInbox(log)
    for (const { device } of envelopes) {
      if (this.#signed.get(account)?.has(device)) continue
      this.#fail('I8', `an envelope for device ${device}, which ${account} never signed for`)
    }
  }

  #noteSigned(asked: string): void {
    if (!asked.includes('"device_list"')) return
    const { device_list } = JSON.parse(asked) as { device_list?: SignedListJson }
    const list = device_list && decoded(device_list)
    if (!list) return
    this.overheard.list = device_list
    const { account, devices } = list
    const known = this.#signed.get(account) ?? new Set()
    for (const { id } of devices) known.add(id)
    this.#signed.set(account, known)
  }

  /** Shows one list more than there is, with a device on it that nobody signed for. */
  #lie(pathname: string, said: string, response: Response): Response {
    const { random, coverage, tell } = this.#options
    if (!pathname.endsWith('/devices') || this.lies === 0) return response
    const answer = JSON.parse(said) as { device_lists?: SignedListJson[] }
    const last = answer.device_lists?.at(-1)
    if (!last || !random.chance(this.lies)) return response
    coverage.meet('faults', 'server: shows a forged device list')
    tell('  the server shows a forged device list')
    answer.device_lists?.push(forgedAfter(last, random))
    return Response.json(answer, { status: response.status })
  }

  #fail(invariant: 'I6' | 'I8' | 'I9', message: string): void {
    this.#options.broken(new InvariantBroken(invariant, message))
  }
}

/** Undefined for what no client of ours signed. */
function decoded({ body }: SignedListJson) {
  try {
    return decodeDeviceList(Buffer.from(body, 'base64'))
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

function forgedAfter(last: SignedListJson, random: SimRandom): SignedListJson {
  const list = decodeDeviceList(Buffer.from(last.body, 'base64'))
  const previous = new Bun.CryptoHasher('sha256').update(Buffer.from(last.body, 'base64')).digest()
  const [first] = list.devices
  if (!first) throw new Error('a list without devices')
  const intruder = { ...first, id: Buffer.from(random.bytes(16)).toString('hex') as DeviceId }
  const devices = [...list.devices, { ...intruder, number: list.devices.length + 20 }]
  const body = encodeDeviceList({ ...list, version: list.version + 1, previous, devices })
  return {
    body: Buffer.from(body).toString('base64url'),
    signer: last.signer,
    signature: Buffer.from(random.bytes(64)).toString('base64url'),
  }
}

function errorCode(said: string): string {
  try {
    return (JSON.parse(said) as { error: { code: string } }).error.code
  } catch {
    return 'not understood'
  }
}
