/**
 * The HTTP side of the server: the API, its OpenAPI document, the probes, and the web app for every
 * other path.
 */
import { bodyLimit } from 'hono/body-limit'
import { ApiError } from '../api-error.ts'
import { maskAddress } from '../limits.ts'
import { type Api, type ApiDeps, type ApiEnv, answerError, newApi } from './api.ts'
import { addDevices } from './devices.ts'
import { addProbes, type ProbeOptions } from './probes.ts'
import { addRegistrations } from './registrations.ts'
import { securityHeaders } from './security-headers.ts'
import { addTokens } from './tokens.ts'
import { serveWebApp } from './web-app.ts'
import type { MiddlewareHandler } from 'hono'

export interface HttpOptions extends ProbeOptions {
  /** Folder of the built web app; undefined when there is none. */
  webRoot: string | undefined
  /** The public address is https. */
  secure: boolean
}

const kib = 1024
const bodyBytesMax = 16 * kib
/** A full upload of prekeys is about 260 KiB. */
const preKeyBodyBytesMax = 384 * kib
const withPreKeys = /^\/v1\/(prekeys|devices|registrations\/[^/]+\/device)$/

export function openHttp(deps: ApiDeps, options: HttpOptions): Api {
  const api = newApi()
  api.use(measured(deps))
  api.use(securityHeaders(options))
  api.use('/v1/*', limitBody())
  api.onError((error, c) => answerError(deps, error, c))
  addRegistrations(api, deps)
  addTokens(api, deps)
  addDevices(api, deps)
  addProbes(api, deps, options)
  addDocument(api, options)
  api.notFound(async (c) => {
    const { path } = c.req
    const isApi = path.startsWith('/v1/')
    const page =
      options.webRoot && !isApi ? await serveWebApp(options.webRoot, c.req.raw) : undefined
    return page ?? answerError(deps, new ApiError('not-found'), c)
  })
  return api
}

function limitBody(): MiddlewareHandler<ApiEnv> {
  const onError = () => {
    throw new ApiError('too-large')
  }
  const small = bodyLimit({ maxSize: bodyBytesMax, onError })
  const large = bodyLimit({ maxSize: preKeyBodyBytesMax, onError })
  return (c, next) => (withPreKeys.test(c.req.path) ? large(c, next) : small(c, next))
}

function addDocument(api: Api, { name, version }: ProbeOptions): void {
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token of POST /v1/tokens.',
  })
  const description =
    'Everything of Parley that is not a live stream. Bytes are base64url without padding. An answer with a status of 400 or more is {"error":{"code","message","retry_after_s"}}. Live: a WebSocket at /v1/socket, subprotocol parley.v1.'
  const head = { openapi: '3.1.0', info: { title: name, version, description } }
  // Once, since making it takes milliseconds and anybody may ask.
  let document: string | undefined
  api.get('/openapi.json', (c) => {
    document ??= JSON.stringify(api.getOpenAPI31Document(head))
    return c.body(document, 200, { 'Content-Type': 'application/json' })
  })
}

/**
 * Counts by route, never by path: a path can hold ids. The access log is off unless the level is
 * `info`.
 */
function measured({ metrics, clock, logger }: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const startedMs = clock.now()
    await next()
    const route = c.req.routePath.startsWith('/v1/') ? c.req.routePath : 'other'
    const { method } = c.req
    const { status } = c.res
    metrics.requests.inc({ route, status: String(status) })
    metrics.requestSeconds.observe((clock.now() - startedMs) / 1000)
    if (!logger.isLevelEnabled('info')) return
    logger.info({ method, route, status, from: maskAddress(c.env.remoteAddress) }, 'request')
  }
}
