/**
 * Hop 1, first half: what a person writes is checked, committed with its clock and shown; sending
 * it is the outbox's business.
 */
import { messageIdOf, textBytesMax, utf8Length } from '@parley/wire'
import type { AccountId, MessageId } from '@parley/wire'
import { ownAccount } from '../core.ts'
import type { Core } from '../core.ts'
import { parleyError } from '../problems.ts'
import { readContact, updateContact } from '../store/contacts.ts'
import {
  insertMessage,
  pendingSort,
  readMessage,
  readMessageById,
  writePending,
} from '../store/messages.ts'
import { insertOutbox, readOutboxOf } from '../store/outbox.ts'

/**
 * Throws ParleyError, and nothing is stored then (Y1). A message whose id is there already is not
 * written a second time.
 */
export function composeText(
  core: Core,
  conversation: AccountId,
  text: string,
  chosen: MessageId | undefined,
): MessageId {
  const { store } = core
  const account = ownAccount(core)
  if (account.status === 'revoked') throw parleyError('revoked')
  if (text.trim() === '') throw parleyError('empty')
  if (utf8Length(text) > textBytesMax) throw parleyError('too-long')
  if (conversation === account.account) {
    throw parleyError('unknown-recipient', undefined, 'That is you. Choose somebody else.')
  }
  const contact = readContact(store, conversation)
  if (!contact) throw parleyError('unknown-recipient')
  const id = chosen ?? messageIdOf(core.random(16))
  const key = { conversation, sender: account.account, id }
  store.transaction(() => {
    if (readMessage(store, key)) return
    insertMessage(store, {
      ...key,
      mine: true,
      kind: 'text',
      text,
      stamp: core.serverClock.now(),
      sort: undefined,
      unread: false,
      senderDevice: account.device,
      sequence: 0,
      status: 'pending',
    })
    insertOutbox(store, { peer: conversation, id, kind: 'text', body: '', stamp: 0 })
    if (!contact.saved) updateContact(store, conversation, { saved: true })
  })
  return id
}

/**
 * Puts a failed message at the end of the queue, in its old place of the chat; whose chat it is, or
 * undefined when there is nothing to do.
 */
export function retryMessage(core: Core, id: MessageId): AccountId | undefined {
  const { store } = core
  const message = readMessageById(store, id)
  if (!message?.mine || message.status !== 'failed') return undefined
  if (ownAccount(core).status === 'revoked') throw parleyError('revoked')
  const { conversation, number, stamp, sort } = message
  if (readContact(store, conversation)?.held) throw parleyError('key-changed')
  store.transaction(() => {
    writePending(store, number)
    if (readOutboxOf(store, id)) return
    const fixed = sort < pendingSort ? stamp : 0
    insertOutbox(store, { peer: conversation, id, kind: 'text', body: '', stamp: fixed })
  })
  return conversation
}
