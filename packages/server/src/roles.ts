/** Starts the roles of a server on given backends: HTTP, gateway, delivery, retention. No sockets of the operating system in here, so that the simulator runs the same code. */
import { openAuthenticator } from './accounts/access-tokens.ts'
import { openDirectory } from './accounts/directory.ts'
import { openKnownNumbers } from './accounts/lookup.ts'
import { sendLeftNotices } from './accounts/notices.ts'
import { openSigningKeys } from './accounts/signing-keys.ts'
import type { Context } from './context.ts'
import type { FrameSocket, SocketEvents } from './gateway/frame-socket.ts'
import { openHttp } from './http/app.ts'
import { refuseUpgrade } from './http/upgrade.ts'
import { noLimits, openLimits } from './limits.ts'

export interface ServerOptions {
  name: string
  version: string
  /** Country of numbers written without one. */
  defaultCountry: string | undefined
  /** Web pages that may connect beside the server's own. */
  allowedOrigins: readonly string[]
  /** The public address is https. */
  secure: boolean
  /** Folder of the built web app; undefined when there is none. */
  webRoot: string | undefined
  /** No rate limits: for benchmarks and tests on one machine. */
  unlimited: boolean
}

export interface RunningServer extends AsyncDisposable {
  fetch(request: Request, from: { remoteAddress: string }): Promise<Response>
  /** Undefined when the request may become a connection; else the answer to give. */
  refuseUpgrade(request: Request): Response | undefined
  openSocket(socket: FrameSocket, remoteAddress: string): SocketEvents
  /** Not ready any more; tells connections to go elsewhere and waits for what was accepted. */
  drain(): Promise<void>
}

export async function startServer(
  context: Context,
  options: ServerOptions,
): Promise<RunningServer> {
  const stopping = new AbortController()
  const directory = await openDirectory(context)
  const keys = openSigningKeys(context)
  const authenticator = openAuthenticator({ clock: context.clock, keys, directory })
  const limits = options.unlimited ? noLimits : openLimits(context)
  const { defaultCountry, allowedOrigins } = options
  const knownNumbers = openKnownNumbers()
  const api = { ...context, directory, keys, authenticator, limits, knownNumbers, defaultCountry }
  let draining = false
  const http = openHttp(api, { ...options, draining: () => draining })
  await sendLeftNotices(context)
  return {
    fetch: async (request, from) => http.fetch(request, from),
    refuseUpgrade: (request) => refuseUpgrade(request, allowedOrigins),
    openSocket: () => {
      throw new Error('no gateway')
    },
    async drain() {
      draining = true
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      directory.close()
    },
  }
}
