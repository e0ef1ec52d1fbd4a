/** The network in a browser's worker or page. */
import { watchNetwork } from './network.browser.ts'
import { openWebSocket } from './web-socket.ts'
import type { Transport } from './ports.ts'

export const browserTransport: Transport = {
  openSocket: openWebSocket,
  // Tokens travel in a header, never in cookies, and no answer of the API may come out of a cache.
  fetch: (request) => fetch(request, { credentials: 'omit', cache: 'no-store' }),
  watch: watchNetwork,
}
