/**
 * What all routes share: the environment of a request, who is asking, and how a refusal is
 * answered.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { type ApiErrorBody, type ApiErrorCode, apiErrors } from '@parley/wire'
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { LookupDeps } from '../accounts/lookup.ts'
import type { Authenticator, Identity } from '../accounts/ports.ts'
import type { RegisterDeps } from '../accounts/codes.ts'
import type { TokenDeps } from '../accounts/tokens.ts'
import { ApiError } from '../api-error.ts'
import { SqlUnavailable } from '../backends/sql/sql.ts'
import type { Context } from '../context.ts'
import { errorBody } from './schemas.ts'

/** Everything that a route may need. */
export type ApiDeps = Context &
  RegisterDeps &
  TokenDeps &
  LookupDeps & { authenticator: Authenticator }

export interface ApiEnv {
  Bindings: { remoteAddress: string }
  Variables: { identity: Identity }
}

export type Api = OpenAPIHono<ApiEnv>

export function newApi(): Api {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return
      const [issue] = result.error.issues
      const place = issue?.path.join('.')
      const detail = `${place ? `${place}: ` : ''}${issue?.message ?? 'not understood'}`
      throw new ApiError('invalid-request', { detail: `The request is not understood. ${detail}` })
    },
  })
}

/** Lets only requests with a valid access token through. */
export function authenticated(authenticator: Authenticator): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const [scheme, token] = (c.req.header('authorization') ?? '').split(' ')
    if (scheme?.toLowerCase() !== 'bearer' || !token) throw new ApiError('token-missing')
    const identity = await authenticator.check(token)
    if ('refused' in identity) throw new ApiError(identity.refused)
    c.set('identity', identity)
    await next()
  }
}

/** For `security` of a route. */
export const bearer = [{ bearer: [] }]

/** `responses` of a route for these refusals, beside those that every route has. */
export function refusals(...codes: ApiErrorCode[]) {
  const all: ApiErrorCode[] = [...codes, 'internal', 'unavailable', 'storage-full']
  const statuses = [...new Set(all.map((code) => apiErrors[code].status))]
  const entries = statuses.map((status) => {
    const names = all.filter((code) => apiErrors[code].status === status)
    const content = { 'application/json': { schema: errorBody } }
    return [status, { description: names.join(', '), content }] as const
  })
  return Object.fromEntries(entries)
}

export const bearerRefusals: ApiErrorCode[] = [
  'token-missing',
  'token-expired',
  'token-invalid',
  'device-revoked',
]

/** The one place where an error becomes an answer. */
export function answerError(deps: Pick<Context, 'logger'>, error: Error, c: HonoContext): Response {
  const refusal = refusalOf(error)
  if (refusal.code === 'internal') deps.logger.error({ err: error }, 'a request failed')
  if (error instanceof SqlUnavailable) deps.logger.warn({ reason: error.reason }, error.message)
  const { status } = apiErrors[refusal.code]
  const { code, message, retryAfterS } = refusal
  const body: ApiErrorBody = {
    error: { code, message, ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }) },
  }
  if (retryAfterS !== undefined) c.header('Retry-After', String(retryAfterS))
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  return c.json(body, status)
}

function refusalOf(error: Error): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof SqlUnavailable) {
    return new ApiError(error.reason === 'full' ? 'storage-full' : 'unavailable')
  }
  if (error instanceof HTTPException && error.status < 500) return new ApiError('invalid-request')
  // The peer hung up while its body was read.
  if (error.name === 'AbortError') return new ApiError('invalid-request')
  return new ApiError('internal')
}
