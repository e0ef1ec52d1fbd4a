/**
 * Somebody could not open what this account sent them: it is sent again, or refused (E15). Inside
 * the inbox's transaction; the outbox does the sending.
 */
import { equalBytes } from '@parley/crypto'
import { messageIdOf } from '@parley/wire'
import type { AccountId, ContentBody, MessageId } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import type { Head } from './opening.ts'
import { readContact } from '../store/contacts.ts'
import { raiseMarks } from '../store/marks.ts'
import { readMessage, writeLost } from '../store/messages.ts'
import { insertOutbox, readOutboxOf } from '../store/outbox.ts'
import {
  countAnswers,
  countAnswersSince,
  wasControlSent,
  writeAnswered,
  writeControlSent,
} from '../store/resend-answers.ts'
import { deleteUnopened, readUnopened } from '../store/unopened.ts'

/** For one message and device; who asks more often gets no answer. */
const answersPerMessageMax = 3
const answersPerHourMax = 256
const hourMs = 3_600_000

/**
 * The asker is on its account's verified list: otherwise the request would not have been opened.
 */
export function writeRequest(core: Core, asker: Head, ids: readonly MessageId[]): void {
  const refused: MessageId[] = []
  for (const id of new Set(ids)) {
    if (!mayAnswer(core, asker, id)) continue
    writeAnswered(core.store, asker.senderDevice, id, core.clock.now())
    if (!writeAnswer(core, asker.sender, id)) refused.push(id)
  }
  if (refused.length === 0) return
  insertControl(core, asker.sender, { kind: 'resend-refused', messageIds: refused })
}

function mayAnswer(core: Core, asker: Head, id: MessageId): boolean {
  const { store, clock } = core
  const { senderDevice } = asker
  if (countAnswers(store, senderDevice, id) >= answersPerMessageMax) return false
  return countAnswersSince(store, senderDevice, clock.now() - hourMs) < answersPerHourMax
}

/** False when it has to be refused: not sent to them, or sent when their root was another one. */
function writeAnswer(core: Core, peer: AccountId, id: MessageId): boolean {
  const { store } = core
  if (wasControlSent(store, id)) {
    const nothing: ContentBody = { kind: 'resend-refused', messageIds: [] }
    const body = JSON.stringify(nothing)
    insertOutbox(store, { peer, id, kind: 'control', body, stamp: 0 })
    return true
  }
  const sender = ownAccount(core).account
  const message = readMessage(store, { conversation: peer, sender, id })
  const root = readContact(store, peer)?.rootKey
  if (message?.kind !== 'text' || !message.rootKey || !root) return false
  if (!equalBytes(message.rootKey, root)) return false
  if (readOutboxOf(store, id)) return true
  insertOutbox(store, { peer, id, kind: 'answer', body: '', stamp: message.stamp })
  return true
}

/** Puts a body that is not shown into the queue. */
export function insertControl(core: Core, peer: AccountId, body: ContentBody): void {
  const { store } = core
  const id = messageIdOf(core.random(16))
  writeControlSent(store, id, core.clock.now())
  insertOutbox(store, { peer, id, kind: 'control', body: JSON.stringify(body), stamp: 0 })
}

/** They will not come: the reader is shown so, and the marks go on. */
export function writeRefused(core: Core, peer: AccountId, ids: readonly MessageId[]): void {
  const { store } = core
  for (const id of ids) {
    const item = readUnopened(store, peer, id)
    if (!item) continue
    deleteUnopened(store, peer, id)
    writeLost(store, { conversation: peer, sender: peer, id })
    raiseMarks(store, peer, item.senderDevice, 0)
  }
}
