/** The rows of the events table as what `listen` prints. */
import type { Core } from '../core.ts'
import { aliasOf, readContact } from '../store/contacts.ts'
import { readEvents } from '../store/events.ts'
import type { EventRow } from '../store/events.ts'
import { readMessageByNumber } from '../store/messages.ts'
import type { ClientEvent } from '../types.ts'

export function eventsOf(core: Core, limit: number): ClientEvent[] {
  return readEvents(core.store, limit).flatMap((row) => eventOf(core, row) ?? [])
}

function eventOf(core: Core, row: EventRow): ClientEvent | undefined {
  const message = readMessageByNumber(core.store, row.message)
  if (!message) return undefined
  const { number, conversation } = row
  const contact = readContact(core.store, conversation)
  const from = contact ? aliasOf(contact) : conversation
  if (row.type === 'message') {
    const { id, text, stamp: sentAtMs } = message
    return { number, type: 'message', id, conversation, from, text, sentAtMs }
  }
  const status = row.status === 'read' ? 'read' : 'delivered'
  return { number, type: 'receipt', conversation, from, status, upTo: message.id }
}
