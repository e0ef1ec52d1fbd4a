/**
 * The table of what each kind of frame does. The only place of the gateway that calls into the
 * other modules.
 */
import { cursorsPerHelloMax, fetchEntriesMax, inboxOf } from '@parley/wire'
import type { ClientFrame, CloseReasonName, LogId } from '@parley/wire'
import type { Identity, TokenCheck } from '../accounts/ports.ts'
import type { Connection } from './connection.ts'
import type { Host } from './host.ts'

type FrameOf<Kind extends ClientFrame['kind']> = Extract<ClientFrame, { kind: Kind }>
type Handled = Promise<void> | undefined
type Handler<Kind extends ClientFrame['kind']> = (
  connection: Connection,
  frame: FrameOf<Kind>,
  from: { identity: Identity; throttledMs: number },
) => Handled

const handlers: { [Kind in Exclude<ClientFrame['kind'], 'hello'>]: Handler<Kind> } = {
  send: (connection, frame, { identity, throttledMs }) =>
    connection.sends(identity).accept(frame, connection.host.draining ? 1_000 : throttledMs),
  ack: handleAck,
  receipt(connection, { peer, peerDevice, delivered, read }, { identity }) {
    const receipt = { peer, peerDevice, delivered, read }
    connection.host.receipts.receive(identity.account, receipt, connection)
    return undefined
  },
  fetch: handleFetch,
  typing(connection, { peer, active }, { identity }) {
    if (connection.watching().mayType()) {
      connection.host.presence.typing(identity.account, peer, active)
    }
    return undefined
  },
  async subscribe(connection, { accounts }) {
    const refused = await connection.watching().replace(accounts)
    if (refused) connection.close(refused)
  },
  ping(connection) {
    connection.sendFrame({ kind: 'pong' })
    return undefined
  },
}

/** The promise, if there is one, never rejects. */
export function handleFrame(
  connection: Connection,
  frame: ClientFrame,
  throttledMs: number,
): Handled {
  const { identity } = connection
  const handled = frame.kind === 'hello' ? handleHello(connection, frame) : undefined
  if (handled) return guarded(connection, handled)
  // Nothing is done for anybody before the Hello.
  if (!identity || frame.kind === 'hello') {
    connection.close('badFrame')
    return undefined
  }
  const handler = handlers[frame.kind] as Handler<typeof frame.kind>
  const running = handler(connection, frame as never, { identity, throttledMs })
  return running && guarded(connection, running)
}

async function guarded(connection: Connection, running: Promise<void>): Promise<void> {
  try {
    await running
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown'
    connection.host.logger.error({ error: name }, 'a frame could not be handled')
    connection.close('unavailable')
  }
}

function handleHello(connection: Connection, frame: FrameOf<'hello'>): Handled {
  if (connection.identity || frame.cursors.length > cursorsPerHelloMax) {
    connection.close('badFrame')
    return undefined
  }
  return greet(connection, frame)
}

async function greet(connection: Connection, frame: FrameOf<'hello'>): Promise<void> {
  const { host } = connection
  const check = await host.authenticator.check(frame.token)
  if (!connection.open) return
  if ('refused' in check) return connection.close(closeReasonOf(check))
  const log = inboxOf(check.account)
  await connection.enter(check, log)
  const given = frame.cursors.find((cursor) => cursor.log === log)?.position
  const cursor = await startingCursor(host, { log, device: check.device, given })
  const lastSequence = await host.log.lastSequence(check.device, undefined).catch(() => undefined)
  const { incarnation } = host
  connection.sendFrame({ kind: 'welcome', time: host.clock.now(), incarnation, lastSequence })
  connection.serve(cursor)
}

function closeReasonOf({ refused }: Extract<TokenCheck, { refused: string }>): CloseReasonName {
  switch (refused) {
    case 'token-expired':
      return 'tokenExpired'
    case 'token-invalid':
      return 'tokenInvalid'
    case 'device-revoked':
      return 'revoked'
  }
}

/**
 * What the device says it has, as far as the log goes: after a restore it may be ahead. A new
 * device starts where its account stands.
 */
async function startingCursor(
  { log }: Host,
  from: { log: LogId; device: Identity['device']; given: number | undefined },
): Promise<number> {
  if (from.given !== undefined) {
    const [head = 0] = await log.heads([from.log])
    return Math.min(from.given, head)
  }
  const cursors = await log.cursors(from.log)
  return cursors.get(from.device) ?? Math.max(0, ...cursors.values())
}

function handleAck(connection: Connection, { log, position }: FrameOf<'ack'>): Handled {
  const { subscription } = connection
  if (subscription?.log !== log) refuseLog(connection, log)
  else if (subscription.ack(position) === 'ahead') connection.close('badFrame')
  return undefined
}

function handleFetch(connection: Connection, { log, after, limit }: FrameOf<'fetch'>): Handled {
  const { subscription } = connection
  if (subscription?.log === log) {
    return subscription.fetch(
      after,
      limit === 0 ? fetchEntriesMax : Math.min(limit, fetchEntriesMax),
    )
  }
  refuseLog(connection, log)
  return undefined
}

/** S13: a device is served its own inbox only. Sequence 0 is that of no send. */
function refuseLog(connection: Connection, log: LogId): void {
  const refusal = { log, sequence: 0, reason: 'unknown-log' as const }
  connection.rejected({ ...refusal, deviceLists: [], retryAfterMs: 0 })
}
