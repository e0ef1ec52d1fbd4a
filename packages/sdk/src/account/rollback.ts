/**
 * What Welcome may reveal: that this state is older than what the server has seen from the device
 * (E23), or that the server's state is older than this one (a new incarnation).
 */
import { inboxOf } from '@parley/wire'
import type { WelcomeFrame } from '../connection/frame-socket.ts'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { writeRelinkNeeded } from '../store/account.ts'
import { resetCursors } from '../store/cursors.ts'
import { resetConfirmed } from '../store/marks.ts'
import { readMeta, writeMeta } from '../store/meta.ts'
import { readUndelivered, writePending } from '../store/messages.ts'
import {
  insertOutbox,
  lastSequence,
  moveToEnd,
  newestOutboxNumber,
  readOutboxOf,
  resetOutbox,
} from '../store/outbox.ts'
import { deleteAllSessions } from '../store/sessions.ts'
import { dropCiphertexts } from '../store/unopened.ts'

export type Verdict =
  | 'as-known'
  /** Nothing may be encrypted with this state: it has to be linked anew. */
  | 'rolled-back'
  /** The server was restored: what it forgot is in the outbox again. */
  | 'server-restored'

export function judgeWelcome(core: Core, welcome: WelcomeFrame): Verdict {
  const { store } = core
  const { incarnation, lastSequence: last } = welcome
  if (last !== undefined && last > lastSequence(store)) {
    store.transaction(() => writeRelinkNeeded(store, true))
    return 'rolled-back'
  }
  const known = readMeta<string>(store, 'incarnation')
  if (known === incarnation) return 'as-known'
  store.transaction(() => {
    writeMeta(store, 'incarnation', incarnation)
    if (known !== undefined) writeServerRestored(core, incarnation)
  })
  return known === undefined ? 'as-known' : 'server-restored'
}

/**
 * Y42: the same messages under new sequences, before what was queued since. The last sequence that
 * the server has says nothing about the log of one person, so what nobody is known to have goes out
 * again; whoever has it drops it.
 */
function writeServerRestored(core: Core, incarnation: string): void {
  const { store } = core
  resetCursors(store, inboxOf(ownAccount(core).account))
  writeMeta(store, 'bring_back', incarnation)
  resetConfirmed(store)
  resetOutbox(store)
  const queued = newestOutboxNumber(store)
  for (const message of readUndelivered(store)) {
    if (readOutboxOf(store, message.id)) continue
    const { conversation: peer, id, stamp, number } = message
    insertOutbox(store, { peer, id, kind: 'text', body: '', stamp })
    writePending(store, number)
  }
  moveToEnd(store, queued)
}

/**
 * In the transaction that puts another device into the account row: the old one's ratchets are
 * never used again.
 */
export function writeNewDevice(core: Core): void {
  const { store } = core
  deleteAllSessions(store)
  resetOutbox(store)
  dropCiphertexts(store, core.clock.now())
}
