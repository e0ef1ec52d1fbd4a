/**
 * Who may open a WebSocket: the own origin, the configured ones, and programs that send none (S15).
 * The transport asks before it upgrades.
 */
import { type ApiErrorBody, type ApiErrorCode, apiErrors, subprotocol } from '@parley/wire'

export const socketPath = '/v1/socket'

/** Undefined when the request may become a connection; else the answer to give. */
export function refuseUpgrade(
  request: Request,
  allowedOrigins: readonly string[],
): Response | undefined {
  const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',')
  const upgrade = request.headers.get('upgrade')?.toLowerCase()
  if (upgrade !== 'websocket' || !offered.some((name) => name.trim() === subprotocol)) {
    return refusal('invalid-request', `Open a WebSocket with the subprotocol ${subprotocol}.`)
  }
  const origin = request.headers.get('origin')
  if (origin !== null && !isOwnOrigin(request, origin) && !allowedOrigins.includes(origin)) {
    return refusal('forbidden', 'Connections from this web page are not allowed.')
  }
  return undefined
}

function isOwnOrigin(request: Request, origin: string): boolean {
  const host = request.headers.get('host')
  return host !== null && (origin === `http://${host}` || origin === `https://${host}`)
}

function refusal(code: ApiErrorCode, message: string): Response {
  const body: ApiErrorBody = { error: { code, message } }
  return Response.json(body, { status: apiErrors[code].status })
}
