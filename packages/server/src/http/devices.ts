/** Routes of device lists, prekeys and look-ups: accounts/{devices,prekeys,lookup}.ts over HTTP. */
import { createRoute, z } from '@hono/zod-openapi'
import { takeBundles } from '../accounts/bundles.ts'
import { changeDevices, listsAfter } from '../accounts/devices.ts'
import { handInList } from '../accounts/hand-in.ts'
import { lookup } from '../accounts/lookup.ts'
import { countPreKeys, uploadPreKeys } from '../accounts/prekeys.ts'
import { tokensOf } from '../accounts/tokens.ts'
import { type Api, type ApiDeps, authenticated, bearer, bearerRefusals, refusals } from './api.ts'
import { bundleJson, listJson } from './json.ts'
import * as schemas from './schemas.ts'

const account = z.object({ account: schemas.accountId })

const change = createRoute({
  method: 'post',
  path: '/v1/devices',
  summary: 'The next version of the own device list',
  description:
    'The first valid successor of the list in force wins. A device that the list adds brings its prekeys and gets tokens; one that it leaves out is logged out.',
  security: bearer,
  request: {
    body: { required: true, content: { 'application/json': { schema: schemas.changeDevices } } },
  },
  responses: {
    200: {
      description: 'The list is in force',
      content: { 'application/json': { schema: schemas.devicesChanged } },
    },
    ...refusals(
      ...bearerRefusals,
      'invalid-request',
      'invalid-list',
      'invalid-prekeys',
      'list-conflict',
      'too-many-requests',
      'too-large',
    ),
  },
})

const upload = createRoute({
  method: 'put',
  path: '/v1/prekeys',
  summary: 'New signed prekeys and more one-time prekeys of this device',
  security: bearer,
  request: {
    body: { required: true, content: { 'application/json': { schema: schemas.preKeyUpload } } },
  },
  responses: {
    204: { description: 'Stored' },
    ...refusals(
      ...bearerRefusals,
      'invalid-request',
      'invalid-prekeys',
      'too-many-requests',
      'too-large',
    ),
  },
})

const counts = createRoute({
  method: 'get',
  path: '/v1/prekeys',
  summary: 'How many one-time prekeys of this device are left',
  security: bearer,
  responses: {
    200: {
      description: 'The counts',
      content: { 'application/json': { schema: schemas.preKeyCounts } },
    },
    ...refusals(...bearerRefusals),
  },
})

const find = createRoute({
  method: 'post',
  path: '/v1/lookup',
  summary: 'The account of a number',
  description: 'Numbers that are new to the asker cost a daily budget.',
  security: bearer,
  request: {
    body: { required: true, content: { 'application/json': { schema: schemas.lookup } } },
  },
  responses: {
    200: {
      description: 'The account',
      content: { 'application/json': { schema: schemas.lookupResult } },
    },
    ...refusals(
      ...bearerRefusals,
      'invalid-request',
      'invalid-phone',
      'unknown-account',
      'too-many-requests',
      'lookup-budget',
      'too-large',
    ),
  },
})

const lists = createRoute({
  method: 'get',
  path: '/v1/accounts/{account}/devices',
  summary: 'The signed device lists of an account after a version, oldest first',
  description: 'At most 64; ask again after the last one for more.',
  security: bearer,
  request: {
    params: account,
    query: z.object({
      after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    }),
  },
  responses: {
    200: {
      description: 'The lists',
      content: { 'application/json': { schema: schemas.deviceLists } },
    },
    ...refusals(...bearerRefusals, 'invalid-request', 'unknown-account', 'too-many-requests'),
  },
})

const handIn = createRoute({
  method: 'post',
  path: '/v1/accounts/{account}/device-lists',
  summary: 'A device list that the server has forgotten',
  description:
    'After a restore from an older state anybody may hand in what follows the list in force; its signature is what counts. What is known already is passed over.',
  request: {
    params: account,
    body: { required: true, content: { 'application/json': { schema: schemas.handInList } } },
  },
  responses: {
    200: {
      description: 'The version in force',
      content: { 'application/json': { schema: schemas.handedIn } },
    },
    ...refusals(
      'invalid-request',
      'unknown-account',
      'invalid-list',
      'list-conflict',
      'device-revoked',
      'too-many-requests',
      'too-large',
    ),
  },
})

const bundles = createRoute({
  method: 'post',
  path: '/v1/accounts/{account}/bundles',
  summary: 'Prekey bundles of devices of an account',
  description: 'Uses up one-time prekeys. Devices that are not on the account are left out.',
  security: bearer,
  request: {
    params: account,
    body: { required: true, content: { 'application/json': { schema: schemas.bundleRequest } } },
  },
  responses: {
    200: {
      description: 'The bundles',
      content: { 'application/json': { schema: schemas.bundles } },
    },
    ...refusals(
      ...bearerRefusals,
      'invalid-request',
      'unknown-account',
      'too-many-requests',
      'too-large',
    ),
  },
})

export function addDevices(api: Api, deps: ApiDeps): void {
  const routes = [change, upload, find, lists, bundles]
  for (const route of routes) api.use(route.getRoutingPath(), authenticated(deps.authenticator))
  api.openapi(change, async (c) => {
    const { device_list: signed, new_device: brought } = c.req.valid('json')
    const added = brought && { device: brought.device, preKeys: brought.prekeys }
    const changed = await changeDevices(deps, c.get('identity'), { signed, added })
    const tokens = changed.added && (await tokensOf(deps, changed.added))
    return c.json({ version: changed.version, ...(tokens && { tokens }) }, 200)
  })
  api.openapi(lists, async (c) => {
    const wanted = { ...c.req.valid('param'), ...c.req.valid('query') }
    const chain = await listsAfter(deps, c.get('identity'), wanted)
    return c.json({ device_lists: chain.map(listJson) }, 200)
  })
  api.openapi(find, async (c) => {
    const request = { ...c.req.valid('json'), address: c.env.remoteAddress }
    return c.json({ account: await lookup(deps, c.get('identity'), request) }, 200)
  })
  api.openapi(handIn, async (c) => {
    const { device_list: signed } = c.req.valid('json')
    const request = { ...c.req.valid('param'), signed, address: c.env.remoteAddress }
    return c.json({ version: await handInList(deps, request) }, 200)
  })
  addPreKeys(api, deps)
}

function addPreKeys(api: Api, deps: ApiDeps): void {
  api.openapi(upload, async (c) => {
    await uploadPreKeys(deps, c.get('identity'), c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(counts, async (c) => {
    const { ec, kyber } = await countPreKeys(deps.sql, c.get('identity').device)
    return c.json({ one_time_prekeys: ec, one_time_kyber_prekeys: kyber }, 200)
  })
  api.openapi(bundles, async (c) => {
    const wanted = { ...c.req.valid('param'), ...c.req.valid('json') }
    const taken = await takeBundles(deps, c.get('identity'), wanted)
    return c.json({ bundles: taken.map(bundleJson) }, 200)
  })
}
