/**
 * Hop 6, the part inside the transaction: what a message that came in changes in chats, marks,
 * events and people. Called with the cursor's write by inbox.ts, and for messages that could be
 * opened late.
 */
import { stampAheadMs } from '@parley/wire'
import type { Content, Profile } from '@parley/wire'
import type { AccountId } from '@parley/wire'
import type { Core } from '../core.ts'
import type { Head } from './opening.ts'
import { writeRefused, writeRequest } from './resend-answers.ts'
import { readContact, updateContact, writeContact } from '../store/contacts.ts'
import { insertEvent } from '../store/events.ts'
import { raiseMarks, readMarks } from '../store/marks.ts'
import {
  deleteWaiting,
  insertMessage,
  placeOfReceived,
  readMessage,
  writeOpened,
} from '../store/messages.ts'
import type { MessageKind } from '../store/messages.ts'
import {
  countUnopened,
  insertUnopened,
  readUnopened,
  takeUnopened,
  unopenedBytes,
} from '../store/unopened.ts'
import type { Unopened } from '../store/unopened.ts'

/** Kept for one person; what goes beyond is lost at once. */
const unopenedPerPersonMax = 2_000
/** Of ciphertexts kept for one person; what goes beyond is kept without, and asked for again. */
const unopenedBytesPerPersonMax = 8 * 1024 * 1024

function keyOf(head: Head) {
  return { conversation: head.sender, sender: head.sender, id: head.messageId }
}

/**
 * Y12, Y34: shown already and not waited for: the entry is a repeat, or another encryption of the
 * same message. What is lost stays lost: it may have been given up because the root changed.
 */
export function isTaken(core: Core, head: Head): boolean {
  const message = readMessage(core.store, keyOf(head))
  return message !== undefined && message.kind !== 'waiting'
}

/**
 * The sender may have sent it again under a new number: its ticks wait for the mark of that one.
 */
export function writeRepeat(core: Core, head: Head): void {
  raiseMarks(core.store, head.sender, head.senderDevice, head.sequence)
}

export function writeContent(core: Core, head: Head, content: Content): void {
  const { store } = core
  writeContact(store, head.sender)
  if (content.profile) writeProfile(core, head.sender, content.profile)
  switch (content.body.kind) {
    case 'text':
      return writeShown(core, head, 'text', content.body.text)
    case 'unknown':
      return writeShown(core, head, 'unknown', '')
    case 'resend-request':
      writeControl(core, head)
      return writeRequest(core, head, content.body.messageIds)
    case 'resend-refused':
      writeControl(core, head)
      return writeRefused(core, head.sender, content.body.messageIds)
  }
}

function writeShown(core: Core, head: Head, kind: MessageKind, text: string): void {
  const { store } = core
  const unopened = takeUnopened(store, head.sender, head.messageId)
  // Its place in the order of marks stays that of the entry that was seen first.
  const { senderDevice, sequence } = unopened ?? head
  const { stamp } = head
  const sort = placeOfReceived(store, head.sender, stamp)
  let number = insertMessage(store, {
    ...keyOf(head),
    mine: false,
    kind,
    text,
    stamp,
    sort,
    unread: true,
    senderDevice,
    sequence,
    status: undefined,
  })
  if (number === undefined) {
    // It was waited for.
    number = readMessage(store, keyOf(head))?.number ?? 0
    writeOpened(store, number, { kind, text, stamp, sort })
  }
  raiseMarks(store, head.sender, head.senderDevice, head.sequence)
  // Another device of theirs sent it again: who waits for the tick counts by the first one.
  if (senderDevice !== head.senderDevice) raiseMarks(store, head.sender, senderDevice, sequence)
  if (!core.recordEvents || kind !== 'text') return
  insertEvent(store, { type: 'message', conversation: head.sender, message: number, status: '' })
}

/**
 * Nothing that is shown, so nothing that a receipt is owed for (E19); but it may have been waited
 * for.
 */
function writeControl(core: Core, head: Head): void {
  const { store } = core
  const unopened = takeUnopened(store, head.sender, head.messageId)
  if (!unopened) return
  deleteWaiting(store, keyOf(head))
  raiseMarks(store, head.sender, unopened.senderDevice, 0)
}

/**
 * Controls and invisible characters but the joiners of emoji and Persian; and fillers that look
 * empty.
 */
const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]/gu

/** Nobody may have a blank name, or one that changes how the text around it is read. */
function visible(name: string): string {
  const shown = name.replaceAll(/\s+/g, ' ').replaceAll(unseen, '').replaceAll(/ +/g, ' ').trim()
  return /[^\u200c\u200d]/.test(shown) ? shown : ''
}

function writeProfile(core: Core, sender: AccountId, profile: Profile): void {
  const { store } = core
  const contact = readContact(store, sender)
  const profileName = visible(profile.name)
  if (contact?.profileName !== profileName) updateContact(store, sender, { profileName })
  if (contact?.phoneClaim !== profile.phone) {
    updateContact(store, sender, { phoneClaim: profile.phone, claimCheckedAtMs: 0 })
  }
}

export interface NotOpened {
  position: number
  type: Unopened['type']
  ciphertext: Uint8Array | undefined
  /** In the chat, as something that is waited for. */
  shown: boolean
  askAtMs: number
}

/** E7: kept as it is, in the cursor's transaction. */
export function writeNotOpened(core: Core, head: Head, item: NotOpened): void {
  const { store } = core
  const { sender, messageId: id } = head
  writeContact(store, sender)
  const before = readUnopened(store, sender, id)
  const isLost = !before && countUnopened(store, sender) >= unopenedPerPersonMax
  if (item.shown || isLost) writeWaiting(core, head, isLost ? 'lost' : 'waiting')
  if (isLost) return
  const { senderDevice, sequence, stamp } = before ?? head
  const bytes = unopenedBytes(store, sender) + (item.ciphertext?.length ?? 0)
  const kept: NotOpened =
    bytes > unopenedBytesPerPersonMax ? { ...item, type: 'absent', ciphertext: undefined } : item
  insertUnopened(store, {
    ...kept,
    sender,
    id,
    senderDevice,
    sequence,
    stamp,
    shown: item.shown || before?.shown === true,
    asks: before?.asks ?? 0,
    askAtMs: before?.askAtMs ?? item.askAtMs,
  })
}

export function writeWaiting(core: Core, head: Head, kind: 'waiting' | 'lost'): void {
  const { store } = core
  if (readMessage(store, keyOf(head))) return
  // Nobody has vouched for it yet: it must not stand below what is written after it.
  const stamp = Math.min(head.stamp, core.serverClock.now() + stampAheadMs)
  insertMessage(store, {
    ...keyOf(head),
    mine: false,
    kind,
    text: '',
    stamp,
    sort: placeOfReceived(store, head.sender, stamp),
    unread: false,
    senderDevice: head.senderDevice,
    sequence: head.sequence,
    status: undefined,
  })
}

/**
 * Whether an entry that holds nothing for this device is not missed: it was here, or, before this
 * device had anything of theirs, the account had it.
 */
export function isDelivered(core: Core, head: Head): boolean {
  const marks = readMarks(core.store, head.sender, head.senderDevice)
  if (!marks) return false
  return head.sequence <= (marks.delivered || marks.confirmedDelivered)
}
