/**
 * Starts the roles of a server on given backends: api, gateway and store (delivery, retention). No
 * sockets of the operating system in here, so that the simulator runs the same code.
 */
import { openAuthenticator } from './accounts/access-tokens.ts'
import { openDirectory } from './accounts/directory.ts'
import { openKnownNumbers } from './accounts/lookup.ts'
import { sendLeftNotices } from './accounts/notices.ts'
import { lastSeen, saveLastSeen } from './accounts/profiles.ts'
import { openSigningKeys } from './accounts/signing-keys.ts'
import type { Context } from './context.ts'
import type { FrameSocket, TransportEvents } from './gateway/frame-socket.ts'
import { gatewayLimits, openGateway } from './gateway/gateway.ts'
import type { GatewayEvents, GatewayLimits } from './gateway/host.ts'
import { openHttp } from './http/app.ts'
import { refuseUpgrade } from './http/upgrade.ts'
import { noLimits, openLimits } from './limits.ts'
import { startDelivery } from './messages/deliver.ts'
import { openPresence } from './presence/presence.ts'
import { startRetention } from './retention.ts'

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
  /** No rate limits by account and address: for benchmarks and tests on one machine. */
  unlimited: boolean
  /** Entries that are older leave the logs. */
  retentionDays: number
  /** Tighter bounds of a connection, for the simulator, whose connections carry little. */
  gatewayLimits?: Partial<GatewayLimits>
}

export interface RunningServer extends AsyncDisposable {
  fetch(request: Request, from: { remoteAddress: string }): Promise<Response>
  /** Undefined when the request may become a connection; else the answer to give. */
  refuseUpgrade(request: Request): Response | undefined
  openSocket(socket: FrameSocket, remoteAddress: string): TransportEvents
  /** Not ready any more; tells connections to go elsewhere and waits for what was accepted. */
  drain(): Promise<void>
}

export async function startServer(
  context: Context,
  options: ServerOptions,
): Promise<RunningServer> {
  const { sql, clock } = context
  const directory = await openDirectory(context)
  const keys = openSigningKeys(context)
  const authenticator = openAuthenticator({ clock, keys, directory })
  const presence = openPresence({
    ...context,
    saveLastSeen: (seenMs) => saveLastSeen(sql, seenMs),
    loadLastSeen: (account) => lastSeen(sql, account),
  })
  const events = gatewayEvents(context)
  const shared = { ...context, directory, authenticator, presence }
  const limits = options.unlimited ? noLimits : openLimits(context)
  const bounds = { ...gatewayLimits, ...options.gatewayLimits }
  const gateway = openGateway({ ...shared, events, rates: limits, limits: bounds })
  const { defaultCountry, allowedOrigins } = options
  const api = { ...shared, keys, limits, knownNumbers: openKnownNumbers(), defaultCountry }
  let draining = false
  const http = openHttp(api, { ...options, draining: () => draining })
  const stopStore = await startStore(context, options)
  return {
    fetch: async (request, from) => http.fetch(request, from),
    refuseUpgrade: (request) => refuseUpgrade(request, allowedOrigins),
    openSocket: (socket, remoteAddress) => gateway.open(socket, remoteAddress),
    async drain() {
      draining = true
      await gateway.drain()
    },
    async [Symbol.asyncDispose]() {
      await stopStore()
      await presence.close()
      directory.close()
    },
  }
}

/** Follows the log and keeps it short. */
async function startStore(
  context: Context,
  { retentionDays }: ServerOptions,
): Promise<() => Promise<void>> {
  const stopping = new AbortController()
  const delivery = startDelivery(context, stopping.signal).catch((error: unknown) => {
    context.logger.error({ err: error }, 'delivery ended')
  })
  const stopRetention = startRetention(context, retentionDays)
  await sendLeftNotices(context)
  return async () => {
    stopRetention()
    stopping.abort()
    await delivery
  }
}

/**
 * The gateway's news as figures. Children are looked up once per label, since some of these run for
 * every message.
 */
function gatewayEvents({ metrics }: Context): GatewayEvents {
  const frames = remembered((kind: string) => metrics.framesIn.labels(kind))
  const served = remembered((way: string) => metrics.entriesOut.labels(way))
  return {
    opened: () => metrics.connections.inc(),
    closed(reason) {
      metrics.connections.dec()
      metrics.connectionsClosed.inc({ reason })
    },
    frame: (kind) => frames(kind).inc(),
    accepted(waitedMs) {
      metrics.sendsAccepted.inc()
      metrics.acceptSeconds.observe(waitedMs / 1000)
    },
    rejected: (reason) => metrics.sendsRejected.inc({ reason }),
    served: (way, entries) => served(way).inc(entries),
  }
}

function remembered<T>(make: (label: string) => T): (label: string) => T {
  const known = new Map<string, T>()
  return (label) => {
    const found = known.get(label) ?? make(label)
    known.set(label, found)
    return found
  }
}
