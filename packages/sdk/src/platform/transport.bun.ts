/** The network under Bun. */
import { openWebSocket } from './web-socket.ts'
import type { Transport } from './ports.ts'

export const bunTransport: Transport = {
  openSocket: openWebSocket,
  fetch: (request) => fetch(request),
}
