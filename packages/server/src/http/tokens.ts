/** Routes of tokens and of the own session: accounts/tokens.ts over HTTP. */
import { createRoute } from '@hono/zod-openapi'
import { logOut } from '../accounts/devices.ts'
import { ownPhone } from '../accounts/profiles.ts'
import { newNonce, refreshTokens, tokensForSignature } from '../accounts/tokens.ts'
import { type Api, type ApiDeps, authenticated, bearer, bearerRefusals, refusals } from './api.ts'
import * as schemas from './schemas.ts'

const give = createRoute({
  method: 'post',
  path: '/v1/tokens',
  summary: 'Fresh tokens for a refresh token or a signature of the device',
  description:
    'The refresh token is exchanged: it works until the new one is first used. Presented again after that, it ends the login.',
  request: {
    body: { required: true, content: { 'application/json': { schema: schemas.tokenRequest } } },
  },
  responses: {
    200: {
      description: 'Tokens',
      content: { 'application/json': { schema: schemas.tokens } },
    },
    ...refusals(
      'invalid-request',
      'token-invalid',
      'token-reused',
      'device-revoked',
      'too-many-requests',
      'too-large',
    ),
  },
})

const nonce = createRoute({
  method: 'post',
  path: '/v1/tokens/nonce',
  summary: 'A nonce to sign once within five minutes',
  responses: {
    200: {
      description: 'The nonce',
      content: { 'application/json': { schema: schemas.tokenNonce } },
    },
    ...refusals('too-many-requests'),
  },
})

const own = createRoute({
  method: 'get',
  path: '/v1/account',
  summary: 'Whose token this is',
  security: bearer,
  responses: {
    200: {
      description: 'The account',
      content: { 'application/json': { schema: schemas.ownAccount } },
    },
    ...refusals(...bearerRefusals),
  },
})

const logout = createRoute({
  method: 'delete',
  path: '/v1/session',
  summary: 'Logs this device out: its tokens and connections end',
  security: bearer,
  responses: { 204: { description: 'Logged out' }, ...refusals(...bearerRefusals) },
})

export function addTokens(api: Api, deps: ApiDeps): void {
  api.openapi(give, async (c) => {
    const body = c.req.valid('json')
    const address = c.env.remoteAddress
    const given =
      body.grant_type === 'refresh_token'
        ? await refreshTokens(deps, { token: body.refresh_token, address })
        : await tokensForSignature(deps, { ...body, address })
    return c.json(given, 200)
  })
  api.openapi(nonce, async (c) => {
    return c.json({ nonce: await newNonce(deps, { address: c.env.remoteAddress }) }, 200)
  })
  api.use(own.getRoutingPath(), authenticated(deps.authenticator))
  api.openapi(own, async (c) => {
    const identity = c.get('identity')
    return c.json({ ...identity, phone: await ownPhone(deps.sql, identity) }, 200)
  })
  api.use(logout.getRoutingPath(), authenticated(deps.authenticator))
  api.openapi(logout, async (c) => {
    await logOut(deps, c.get('identity'))
    return c.body(null, 204)
  })
}
