/**
 * What the tables of this folder have to speak of, asked of the server itself: every route that its
 * router serves, and every kind of frame that a client may send.
 */
import { socketPath } from '@parley/server'
import type { TestApi } from '@parley/testkit'
import { openAuthenticator } from '../../packages/server/src/accounts/access-tokens.ts'
import { openDirectory } from '../../packages/server/src/accounts/directory.ts'
import { openKnownNumbers } from '../../packages/server/src/accounts/lookup.ts'
import { openSigningKeys } from '../../packages/server/src/accounts/signing-keys.ts'
import type { Api } from '../../packages/server/src/http/api.ts'
import { openHttp } from '../../packages/server/src/http/app.ts'
import { noLimits } from '../../packages/server/src/limits.ts'
import { ClientFrameSchema } from '../../packages/wire/src/gen/parley/v1/frames_pb.js'

/** The server's router, on the stores of a test. */
export async function openRouter({ context }: TestApi): Promise<Api> {
  const directory = await openDirectory(context)
  const keys = openSigningKeys(context)
  const deps = {
    ...context,
    directory,
    keys,
    authenticator: openAuthenticator({ clock: context.clock, keys, directory }),
    limits: noLimits,
    knownNumbers: openKnownNumbers(),
    defaultCountry: undefined,
  }
  const options = { name: 'Parley', version: '0', webRoot: undefined, secure: false }
  return openHttp(deps, { ...options, draining: () => false })
}

/**
 * As `GET /v1/accounts/{account}/devices`. What stands for any method on a path of its own is a
 * route as well, and no middleware. The transport serves the opening of sockets.
 */
export function routesOf(router: Api): string[] {
  const routes = new Set([`GET ${socketPath}`])
  const paths = new Set<string>()
  for (const { method, path } of router.routes.filter((route) => route.method !== 'ALL')) {
    paths.add(path)
    routes.add(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  }
  for (const { method, path } of router.routes) {
    if (method === 'ALL' && !path.endsWith('*') && !paths.has(path)) routes.add(`ALL ${path}`)
  }
  return [...routes].sort()
}

/** The kinds of the wire's contract. */
export function clientFrameKinds(): string[] {
  return (ClientFrameSchema.oneofs[0]?.fields ?? []).map(({ name }) => name).sort()
}

/** What is there and has no row, and what has a row and is not there. */
export function compareRows(rows: readonly string[], things: readonly string[]) {
  return {
    withoutRow: things.filter((thing) => !rows.includes(thing)),
    withoutThing: rows.filter((row) => !things.includes(row)),
  }
}
