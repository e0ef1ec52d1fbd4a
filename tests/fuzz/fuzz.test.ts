/**
 * Every target for five seconds, two at once, with another seed each time; and that no parser of
 * the product is without a target.
 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { startApi } from '@parley/testkit'
import { startAll } from './run-all.ts'
import { targets } from './targets.ts'
import { routesWithBodies } from './targets/server.ts'
import type { Report } from './watch.ts'

const seconds = 5
const parallel = 2
const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0

describe(`each parser refuses what it refuses with its own error, in time and space [seed ${seed}]`, () => {
  let reports: Map<string, Promise<Report>>

  beforeAll(() => {
    reports = startAll(targets, {
      module: join(import.meta.dir, 'targets.ts'),
      seed,
      seconds,
      parallel,
    })
  })

  test.each(targets.map(({ name, says }) => [name, says]))('[E26] %s: %s', async (name) => {
    const report = await reports.get(name)
    expect(report?.failure).toBeUndefined()
    expect(report?.inputs).toBeGreaterThan(100)
  })
})

describe('no route is forgotten', () => {
  test('every route of the API that takes a body is in a target', async () => {
    await using api = await startApi()
    const routes = await routesWithBodies(api, await api.register('+4915112345000'))
    const known = routes.map(({ method, path, template }) => `${method} ${template ?? path}`)
    const { body } = await api.call<OpenApi>('GET', '/openapi.json')
    const described = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation.requestBody)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    expect(known.toSorted()).toEqual(described.toSorted())
  })
})

interface OpenApi {
  paths: Record<string, Record<string, { requestBody?: unknown }>>
}
