/**
 * WebSocket close codes and what the client must do about each. 4000-4499: reconnect; 4500-4999: do
 * not, until something changed.
 */
export type CloseAction = 'reconnect' | 'reauthenticate' | 'relink' | 'update' | 'stop'

interface CloseReason {
  readonly code: number
  readonly action: CloseAction
  readonly says: string
}

export const closeReasons = {
  draining: {
    code: 4000,
    action: 'reconnect',
    says: 'The server is going down; reconnect elsewhere.',
  },
  slowReader: { code: 4001, action: 'reconnect', says: 'Entries were not read in time; resume.' },
  silent: { code: 4002, action: 'reconnect', says: 'Nothing was heard for too long.' },
  overloaded: { code: 4003, action: 'reconnect', says: 'The server has too much to do.' },
  helloTimeout: { code: 4004, action: 'reconnect', says: 'No Hello came in time.' },
  unavailable: { code: 4005, action: 'reconnect', says: 'A store of the server is not reachable.' },
  tokenExpired: { code: 4100, action: 'reauthenticate', says: 'The access token has expired.' },
  tokenInvalid: { code: 4101, action: 'reauthenticate', says: 'The access token is not valid.' },
  revoked: { code: 4500, action: 'relink', says: 'This device is no longer on its account.' },
  badFrame: { code: 4501, action: 'stop', says: 'A frame could not be understood.' },
  frameTooLarge: { code: 4502, action: 'stop', says: 'A frame was larger than allowed.' },
  replaced: { code: 4503, action: 'stop', says: 'The same device connected again.' },
  unsupported: {
    code: 4504,
    action: 'update',
    says: 'This version of the protocol is not served.',
  },
} as const satisfies Record<string, CloseReason>

export type CloseReasonName = keyof typeof closeReasons

/** What to do about a close code; anything unknown, a lost connection too, means reconnect. */
export function closeAction(code: number): CloseAction {
  const known = Object.values(closeReasons).find((reason) => reason.code === code)
  if (known) return known.action
  return code >= 4500 && code < 5000 ? 'stop' : 'reconnect'
}
