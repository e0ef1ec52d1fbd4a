/** Puts a running server on a TCP port with Bun.serve, and its connections on Bun's WebSockets. */
import { type RunningServer, socketPath, type TransportEvents } from '@parley/server'
import { type ApiErrorBody, apiErrors, closeReasons, sendBytesMax, subprotocol } from '@parley/wire'
import type { ServerWebSocket, WebSocketHandler } from 'bun'
import { TransportSocket } from './platform/transport-socket.ts'
import { StartError } from './start-error.ts'

/** Its address until it is open, then what it tells of: thousands of these are kept. */
type Peer = string | TransportEvents

export interface ListenOptions {
  host: string
  port: number
  /** Requests come through a proxy: the client is the last one that it names. */
  trustProxy: boolean
}

export interface Listening {
  url: string
  /** Takes no more requests, waits for those under way unless told not to. */
  stop(options: { closeNow: boolean }): Promise<void>
}

const mib = 1024 * 1024
const requestBytesMax = mib
/** Bytes that may wait in one connection; the gateway closes slow readers well before. */
const backpressureBytesMax = 16 * mib
const requestIdleSeconds = 60

/** Throws a StartError. */
export function listen(running: RunningServer, options: ListenOptions): Listening {
  const { host, port } = options
  try {
    const server = Bun.serve<Peer, never>({
      hostname: host,
      port,
      maxRequestBodySize: requestBytesMax,
      idleTimeout: requestIdleSeconds,
      websocket: webSocketHandler(running),
      async fetch(request, server) {
        const direct = server.requestIP(request)?.address ?? ''
        const address = options.trustProxy ? clientBehindProxy(request, direct) : direct
        // The Host header is part of it, and may be any text.
        const path = URL.parse(request.url)?.pathname
        if (path === undefined) return refuseRequest()
        if (path !== socketPath) {
          return running.fetch(request, { remoteAddress: address })
        }
        const refusal = running.refuseUpgrade(request)
        if (refusal) return refusal
        const headers = { 'Sec-WebSocket-Protocol': subprotocol }
        const upgraded = server.upgrade(request, { data: address, headers })
        return upgraded ? undefined : refuseRequest()
      },
      error: () => new Response('internal error', { status: 500 }),
    })
    return {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`,
      stop: ({ closeNow }) => server.stop(closeNow),
    }
  } catch (cause) {
    throw new StartError(sayWhyNot(cause, options), { cause })
  }
}

function refuseRequest(): Response {
  const code = 'invalid-request'
  const body: ApiErrorBody = { error: { code, message: apiErrors[code].says } }
  return Response.json(body, { status: apiErrors[code].status })
}

function clientBehindProxy(request: Request, direct: string): string {
  const forwarded = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim()
  return forwarded || direct
}

/**
 * Keepalive and slow readers are the gateway's business, so the transport's own timeouts are off.
 */
function webSocketHandler(running: RunningServer): WebSocketHandler<Peer> {
  return {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    maxPayloadLength: sendBytesMax,
    backpressureLimit: backpressureBytesMax,
    closeOnBackpressureLimit: false,
    open(transport) {
      const address = transport.data
      if (typeof address !== 'string') return
      transport.data = running.openSocket(new TransportSocket(transport), address)
    },
    message(transport, message) {
      if (typeof message !== 'string') return eventsOf(transport)?.message(message)
      const { code, says } = closeReasons.badFrame
      transport.close(code, says)
    },
    ping: (transport) => eventsOf(transport)?.pinged(),
    drain: (transport) => eventsOf(transport)?.drained(),
    close: (transport) => eventsOf(transport)?.closed(),
  }
}

function eventsOf({ data }: ServerWebSocket<Peer>): TransportEvents | undefined {
  return typeof data === 'string' ? undefined : data
}

function sayWhyNot(cause: unknown, { host, port }: ListenOptions): string {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is in use. Stop the program that uses it, or choose another port with --port.`
    case 'EACCES':
      return `Port ${port} needs special rights. Choose one above 1023 with --port.`
    default:
      return `The server cannot listen on ${host}, port ${port}. Check --host and --port.`
  }
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return String(cause.code)
}
