/**
 * Routes for operators and for clients before they register: health, readiness, figures, version.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { sql as statement } from 'kysely'
import { ApiError } from '../api-error.ts'
import type { Context } from '../context.ts'
import { addressKeys } from '../limits.ts'
import { type Api, type ApiDeps, refusals } from './api.ts'
import { serverInfo } from './schemas.ts'

export interface ProbeOptions {
  name: string
  version: string
  draining(): boolean
}

const probeTimeoutMs = 2_000
const text = { 'text/plain': { schema: z.string() } }

const info = createRoute({
  method: 'get',
  path: '/v1/server',
  summary: 'What a client may know before it registers',
  responses: {
    200: { description: 'The server', content: { 'application/json': { schema: serverInfo } } },
    ...refusals(),
  },
})

const health = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process answers',
  responses: { 200: { description: 'It does', content: text } },
})

const readiness = z.object({
  ready: z.boolean(),
  draining: z.boolean(),
  sql: z.boolean(),
  log: z.boolean(),
  bus: z.boolean(),
})
const ready = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether the server should get traffic: its stores answer and it is not going down',
  responses: {
    200: { description: 'Ready', content: { 'application/json': { schema: readiness } } },
    503: { description: 'Not ready', content: { 'application/json': { schema: readiness } } },
  },
})

const version = createRoute({
  method: 'get',
  path: '/version',
  summary: 'The version of the server',
  responses: {
    200: {
      description: 'The version',
      content: { 'application/json': { schema: z.object({ version: z.string() }) } },
    },
  },
})

const figures = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Figures in the format of Prometheus, for the machine itself only',
  responses: { 200: { description: 'The figures', content: text }, ...refusals('forbidden') },
})

export function addProbes(api: Api, deps: ApiDeps, options: ProbeOptions): void {
  const { name, version: number } = options
  api.openapi(info, (c) => {
    const country = deps.defaultCountry
    const answer = { name, version: number, time_ms: deps.clock.now() }
    return c.json({ ...answer, ...(country && { default_country: country }) }, 200)
  })
  api.openapi(health, (c) => c.text('ok', 200))
  api.openapi(version, (c) => c.json({ version: number }, 200))
  api.openapi(ready, async (c) => {
    const [sql, log, bus] = await Promise.all([
      answers(deps, () => statement`select 1`.execute(deps.sql)),
      answers(deps, () => deps.log.heads([])),
      answers(deps, () => heardByBus(deps)),
    ])
    const draining = options.draining()
    const isReady = sql && log && bus && !draining
    return c.json({ ready: isReady, draining, sql, log, bus }, isReady ? 200 : 503)
  })
  api.openapi(figures, async (c) => {
    const forwarded = c.req.header('x-forwarded-for') ?? c.req.header('forwarded')
    if (forwarded || addressKeys(c.env.remoteAddress)) throw new ApiError('forbidden')
    return c.text(await deps.metrics.registry.metrics(), 200)
  })
}

async function answers(
  { clock }: Pick<Context, 'clock'>,
  ask: () => Promise<unknown>,
): Promise<boolean> {
  let cancel = () => {}
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(probeTimeoutMs, () => resolve(false))
  })
  const answered = ask().then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    cancel()
  }
}

async function heardByBus({ bus }: Pick<Context, 'bus'>): Promise<void> {
  const listener = { onNews() {}, onBroken() {} }
  await bus.subscribe('gateways', listener)
  bus.unsubscribe('gateways', listener)
}
