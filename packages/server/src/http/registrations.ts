/** Routes under /v1/registrations: accounts/register.ts over HTTP. */
import { createRoute, z } from '@hono/zod-openapi'
import { phoneCodeDigits } from '@parley/wire'
import { codeLivesMs, proveNumber, resendMs, startRegistration } from '../accounts/codes.ts'
import { registerDevice } from '../accounts/register.ts'
import { tokensOf } from '../accounts/tokens.ts'
import { type Api, type ApiDeps, refusals } from './api.ts'
import { listJson } from './json.ts'
import * as schemas from './schemas.ts'

const registration = z.object({ registration: schemas.textOf({ min: 1, max: 100 }) })

const start = createRoute({
  method: 'post',
  path: '/v1/registrations',
  summary: 'Sends a one-time code to a number',
  request: {
    body: {
      required: true,
      content: { 'application/json': { schema: schemas.startRegistration } },
    },
  },
  responses: {
    201: {
      description: 'The code is on its way. The answer is the same for every number.',
      content: { 'application/json': { schema: schemas.registrationStarted } },
    },
    ...refusals('invalid-request', 'invalid-phone', 'too-many-requests', 'too-large'),
  },
})

const prove = createRoute({
  method: 'post',
  path: '/v1/registrations/{registration}/code',
  summary: 'Proves the number with the code',
  request: {
    params: registration,
    body: { required: true, content: { 'application/json': { schema: schemas.proveNumber } } },
  },
  responses: {
    200: {
      description: 'A proof for registering a device within ten minutes',
      content: { 'application/json': { schema: schemas.numberProven } },
    },
    ...refusals(
      'invalid-request',
      'wrong-code',
      'code-expired',
      'code-tries-used',
      'too-many-requests',
      'too-large',
    ),
  },
})

const device = createRoute({
  method: 'post',
  path: '/v1/registrations/{registration}/device',
  summary: 'Registers the first device of the account, or of the account anew',
  request: {
    params: registration,
    body: { required: true, content: { 'application/json': { schema: schemas.registerDevice } } },
  },
  responses: {
    201: {
      description: 'Registered; what was logged in before is not any more',
      content: { 'application/json': { schema: schemas.deviceRegistered } },
    },
    ...refusals(
      'invalid-request',
      'invalid-list',
      'invalid-prekeys',
      'wrong-code',
      'code-expired',
      'list-conflict',
      'too-many-requests',
      'too-large',
    ),
  },
})

export function addRegistrations(api: Api, deps: ApiDeps): void {
  api.openapi(start, async (c) => {
    const { phone } = c.req.valid('json')
    const started = await startRegistration(deps, { phone, address: c.env.remoteAddress })
    const answer = {
      ...started,
      code_digits: phoneCodeDigits,
      expires_in_s: codeLivesMs / 1000,
      resend_in_s: resendMs / 1000,
    }
    return c.json(answer, 201)
  })
  api.openapi(prove, async (c) => {
    const { code } = c.req.valid('json')
    const address = c.env.remoteAddress
    const proven = await proveNumber(deps, { ...c.req.valid('param'), code, address })
    const { proof, account, chain } = proven
    return c.json({ proof, account, device_lists: chain.map(listJson) }, 200)
  })
  api.openapi(device, async (c) => {
    const body = c.req.valid('json')
    const login = await registerDevice(deps, {
      ...c.req.valid('param'),
      proof: body.proof,
      signed: body.device_list,
      device: body.device,
      preKeys: body.prekeys,
      address: c.env.remoteAddress,
    })
    const { account } = login.login
    return c.json({ account, device: body.device, tokens: await tokensOf(deps, login) }, 201)
  })
}
