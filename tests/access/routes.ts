/**
 * The table of who may do what over HTTP (S9). Everybody asks for what is the owner's: its session
 * of registration, its account, its device, its list. A column is the status; where it is 400 or
 * more, nothing has changed in any store. `touches` names what an allowed request may change.
 */
import {
  inboxOf,
  type NumberProven,
  parseAccountId,
  type RegistrationStarted,
  type TokenNonce,
} from '@parley/wire'
import {
  listJson,
  newDevice,
  newRoot,
  preKeyUpload,
  signList,
  type TestDevice,
} from '@parley/testkit'
import { type Asker, signedGrant, type World } from './world.ts'

export interface Question {
  /** The path when it has parameters. */
  path?: string
  body?: unknown
}

export interface RouteRow {
  route: string
  /** What is asked, when one route has several rows. */
  about?: string
  ask?: (world: World, asker: Asker) => Question | Promise<Question>
  may: Readonly<Record<Asker, number>>
  /** Tables in which rows may change, and only such rows as name one of `whose`. */
  touches?: readonly string[]
  /** Tables of which rows are used up whatever the answer is. */
  spends?: readonly string[]
  whose?: (world: World, asker: Asker) => readonly string[]
  /** What the answer must be about. */
  shows?: (world: World, asker: Asker) => object
}

/** Without a token that counts nothing is told, and nothing done. */
const nobody = {
  anonymous: 401,
  forged: 401,
  expired: 401,
  outdated: 401,
  'logged out': 403,
  removed: 403,
  replaced: 403,
} as const

const everybody = (status: number): Record<Asker, number> => ({
  owner: status,
  sibling: status,
  peer: status,
  stranger: status,
  anonymous: status,
  forged: status,
  expired: status,
  outdated: status,
  'logged out': status,
  removed: status,
  replaced: status,
})

const ownIds = (world: World, asker: Asker) => {
  const { account, device } = world.who(asker)
  return [account, device.id]
}

/** Only who began a registration knows its id; everybody else guesses. */
async function registrationOf(world: World, asker: Asker, number: string): Promise<string> {
  if (asker !== 'owner') return 'guessed'
  const body = { phone: number }
  return (await world.call<RegistrationStarted>('POST', '/v1/registrations', { body })).body
    .registration
}

const newNumber = '+4915112345690'

async function proofFor(world: World, asker: Asker) {
  const registration = await registrationOf(world, asker, newNumber)
  if (asker !== 'owner') return { registration, proof: 'guessed', account: world.owner.account }
  const body = { code: world.api.codes.get(newNumber) }
  const path = `/v1/registrations/${registration}/code`
  const proven = await world.call<NumberProven>('POST', path, { body })
  const account = parseAccountId(proven.body.account)
  return { registration, proof: proven.body.proof, account }
}

async function registerDevice(world: World, asker: Asker): Promise<Question> {
  const { registration, proof, account } = await proofFor(world, asker)
  const device = newDevice()
  const list = signList({
    account,
    root: newRoot(),
    devices: [device],
    previous: undefined,
    signer: undefined,
  })
  return {
    path: `/v1/registrations/${registration}/device`,
    body: {
      proof,
      device: device.id,
      device_list: listJson(list.signed),
      prekeys: uploadOf(device),
    },
  }
}

function uploadOf(device: TestDevice) {
  return preKeyUpload({ device, firstId: 100, oneTime: 1, oneTimeKyber: 1 })
}

/** Signed by the asking device, in the name of the owner's where it is not of the account. */
async function signedRequest(world: World, asker: Asker): Promise<Question> {
  const { body } = await world.call<TokenNonce>('POST', '/v1/tokens/nonce')
  const claimed = isOnAccount(world, asker) ? world.who(asker) : world.owner
  return { body: signedGrant(claimed, body.nonce, signerOf(world, asker)) }
}

function isOnAccount(world: World, asker: Asker): boolean {
  return world.who(asker).account === world.owner.account
}

/** Who has no token of its own has no key of the account either. */
function signerOf(world: World, asker: Asker): TestDevice {
  const hasKey = !['anonymous', 'forged', 'expired'].includes(asker)
  return hasKey ? world.who(asker).device : newDevice()
}

/** Takes all other devices off the owner's list. */
function takeOver(world: World, asker: Asker): Question {
  const signer = signerOf(world, asker)
  const list = world.successor([world.owner.device], signer)
  return { body: { device_list: listJson(list.signed) } }
}

export const routeRows: readonly RouteRow[] = [
  { route: 'GET /healthz', may: everybody(200) },
  { route: 'GET /readyz', may: everybody(200) },
  { route: 'GET /version', may: everybody(200) },
  { route: 'GET /v1/server', may: everybody(200) },
  { route: 'GET /openapi.json', may: everybody(200) },
  // For the machine itself only, whatever token comes along.
  { route: 'GET /metrics', may: everybody(403) },
  // Who it is is asked in the first frame: the table of frames.
  { route: 'GET /v1/socket', may: everybody(101) },
  {
    route: 'POST /v1/registrations',
    ask: () => ({ body: { phone: newNumber } }),
    may: everybody(201),
    touches: ['registrations'],
    whose: () => [newNumber],
  },
  {
    route: 'POST /v1/registrations/{registration}/code',
    ask: async (world, asker) => {
      const registration = await registrationOf(world, asker, newNumber)
      const code = world.api.codes.get(newNumber) ?? '000000'
      return { path: `/v1/registrations/${registration}/code`, body: { code } }
    },
    may: { ...everybody(410), owner: 200 },
    touches: ['registrations'],
    whose: () => [newNumber],
  },
  {
    route: 'POST /v1/registrations/{registration}/device',
    ask: registerDevice,
    may: { ...everybody(410), owner: 201 },
    touches: [
      'registrations',
      'accounts',
      'device_lists',
      'devices',
      'prekeys',
      'one_time_prekeys',
      'refresh_tokens',
      'signing_keys',
    ],
  },
  {
    // The session of the registration alone is not enough.
    route: 'POST /v1/registrations/{registration}/device',
    about: 'guessed proof',
    ask: async (world) => {
      const { path, body } = await registerDevice(world, 'owner')
      return { ...(path && { path }), body: { ...(body as object), proof: 'guessed' } }
    },
    may: everybody(403),
  },
  {
    route: 'POST /v1/tokens',
    about: 'refresh token',
    ask: (world, asker) => {
      const { refreshToken } = world.who(asker)
      return { body: { grant_type: 'refresh_token', refresh_token: refreshToken } }
    },
    may: {
      ...everybody(401),
      owner: 200,
      sibling: 200,
      peer: 200,
      stranger: 200,
      'logged out': 403,
      removed: 403,
      replaced: 403,
    },
    touches: ['refresh_tokens'],
    whose: ownIds,
  },
  {
    route: 'POST /v1/tokens',
    about: 'signature',
    ask: signedRequest,
    may: {
      ...everybody(401),
      owner: 200,
      sibling: 200,
      // Its key is as good as before.
      outdated: 200,
      'logged out': 403,
      removed: 403,
      replaced: 403,
    },
    touches: ['refresh_tokens', 'devices'],
    spends: ['token_nonces'],
    whose: ownIds,
  },
  {
    route: 'POST /v1/tokens/nonce',
    may: everybody(200),
    touches: ['token_nonces'],
  },
  {
    route: 'GET /v1/account',
    may: { owner: 200, sibling: 200, peer: 200, stranger: 200, ...nobody },
    shows: (world, asker) => {
      const { account, device } = world.who(asker)
      return { account, device: device.id }
    },
  },
  {
    route: 'DELETE /v1/session',
    may: { owner: 204, sibling: 204, peer: 204, stranger: 204, ...nobody },
    touches: ['devices'],
    whose: ownIds,
  },
  {
    // The keys are signed by the owner's device: nobody else can hand them in as its own.
    route: 'PUT /v1/prekeys',
    ask: (world) => ({ body: uploadOf(world.owner.device) }),
    may: { owner: 204, sibling: 400, peer: 400, stranger: 400, ...nobody },
    touches: ['prekeys', 'one_time_prekeys'],
    whose: ownIds,
  },
  {
    route: 'GET /v1/prekeys',
    may: { owner: 200, sibling: 200, peer: 200, stranger: 200, ...nobody },
    shows: (_world, asker) => {
      const left = asker === 'sibling' ? 2 : 5
      return { one_time_prekeys: left, one_time_kyber_prekeys: left }
    },
  },
  {
    route: 'POST /v1/devices',
    ask: takeOver,
    may: { owner: 200, sibling: 200, peer: 400, stranger: 400, ...nobody },
    touches: [
      'device_lists',
      'devices',
      'prekeys',
      'one_time_prekeys',
      'refresh_tokens',
      'pending_notices',
      'entry',
    ],
    whose: (world) => [
      world.owner.account,
      inboxOf(world.owner.account),
      ...world.devices.map(({ id }) => id),
    ],
  },
  {
    route: 'POST /v1/lookup',
    ask: () => ({ body: { phone: '+4915112345678' } }),
    may: { owner: 200, sibling: 200, peer: 200, stranger: 200, ...nobody },
    shows: (world) => ({ account: world.owner.account }),
  },
  {
    route: 'GET /v1/accounts/{account}/devices',
    ask: (world) => ({ path: `/v1/accounts/${world.owner.account}/devices` }),
    may: { owner: 200, sibling: 200, peer: 200, stranger: 200, ...nobody },
  },
  {
    // No token is asked for: the signature of a device in use on the list is what counts.
    route: 'POST /v1/accounts/{account}/device-lists',
    ask: (world, asker) => ({
      path: `/v1/accounts/${world.owner.account}/device-lists`,
      ...takeOver(world, asker),
    }),
    may: {
      ...everybody(400),
      owner: 200,
      sibling: 200,
      outdated: 200,
      'logged out': 403,
    },
    touches: ['device_lists', 'devices', 'prekeys', 'one_time_prekeys', 'pending_notices', 'entry'],
    whose: (world) => [
      world.owner.account,
      inboxOf(world.owner.account),
      ...world.devices.map(({ id }) => id),
    ],
  },
  {
    route: 'POST /v1/accounts/{account}/bundles',
    ask: (world) => {
      const path = `/v1/accounts/${world.owner.account}/bundles`
      return { path, body: { devices: [world.owner.device.id] } }
    },
    may: { owner: 200, sibling: 200, peer: 200, stranger: 200, ...nobody },
    touches: ['one_time_prekeys'],
    whose: (world) => [world.owner.device.id],
  },
]
